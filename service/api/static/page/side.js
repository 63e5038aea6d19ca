// One side of an estimate: a file, pasted rows, a stored dataset or a reference. Whatever is
// given is stored at once, so that what is wrong with it is said here and before anything runs.

import { html, nothing } from "/static/lit/lit-html.js";
import { live } from "/static/lit/directives/live.js";
import { call, upload } from "/static/page/api.js";
import { mediaTypeOf, preview, previewText } from "/static/page/preview.js";
import { byId } from "/static/page/parts.js";
import { count } from "/static/page/words.js";

const WAYS = { file: "File", paste: "Paste rows", stored: "Stored" };
const COLUMNS = 8; // of a preview
const DATASET = /^ds_[0-9a-f]{64}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export class Side {
  constructor(name, title, changed) {
    Object.assign(this, { name, title, changed, way: "file", text: "", asked: "" });
    this.forget();
  }

  forget() {
    Object.assign(this, { dataset: null, label: "", look: null, sent: null, error: "" });
    Object.assign(this, { weights: null, weighing: "", reference: null, naming: "" });
    this.turn = Symbol(this.name); // what was begun before has no say any more
  }

  get busy() {
    return this.sent !== null;
  }

  choose(way) {
    this.forget();
    this.way = way;
    this.changed();
  }

  takeFile(file) {
    this.way = "file";
    return this.store(file, mediaTypeOf(file.name), file.name, () => preview(file));
  }

  takeText() {
    if (!this.text.trim()) return this.forget() ?? this.changed();
    const text = this.text.endsWith("\n") ? this.text : `${this.text}\n`;
    return this.store(text, "text/csv", "pasted rows", () => previewText(text));
  }

  async store(content, mediaType, label, look) {
    await this.take(label, async (turn) => {
      const found = await look();
      if (turn === this.turn) this.look = found;
      this.changed();
      return upload(content, mediaType, (share) => {
        if (turn === this.turn) this.sent = share;
        this.changed();
      });
    });
  }

  // Take a dataset by its id, or what a reference of this name stands for.
  async takeStored(asked, label = "") {
    this.way = "stored";
    this.asked = asked;
    if (!NAME.test(asked) && !DATASET.test(asked)) {
      this.forget();
      this.error = asked ? "Expected the name of a reference, or an id: ds_ and 64 hex digits." : "";
      return this.changed();
    }
    const isName = !DATASET.test(asked);
    await this.take(isName ? asked : label, async (turn) => {
      const id = isName ? (await call("GET", `/v1/references/${asked}`)).dataset : asked;
      if (turn === this.turn) this.reference = isName ? asked : null;
      const info = await call("GET", `/v1/datasets/${id}`);
      const { rows } = await call("GET", `/v1/datasets/${id}/rows`);
      const columns = Array.from({ length: info.dim }, (_, place) => ({ name: `${place + 1}` }));
      if (turn === this.turn) {
        this.look = { columns, rows: rows.map(({ values }) => values), named: false };
      }
      return info;
    });
  }

  // Let a name stand for this dataset, so that later batches can be compared with it.
  async keepAs(name) {
    const { turn, dataset } = this;
    if (!NAME.test(name)) {
      this.naming = "Expected letters, digits, points, dashes and underscores, 64 at most.";
      return this.changed();
    }
    try {
      const { versions } = await call("PUT", `/v1/references/${name}`, { json: { dataset: dataset.id } });
      if (turn !== this.turn) return undefined;
      const known = versions.length > 1 ? `, its version ${versions.length}` : "";
      Object.assign(this, { reference: name, naming: `Kept as ${name}${known}.` });
    } catch (problem) {
      if (problem.status === undefined) throw problem; // a mistake of ours
      this.naming = problem.errors[0]?.detail ?? problem.message;
    }
    return this.changed();
  }

  // Weights belong to the rows: those of other rows are forgotten with them.
  async takeWeights(file) {
    const { turn } = this;
    this.weighing = "Sending …";
    this.changed();
    try {
      const { id, n, dim } = await upload(file, mediaTypeOf(file.name), () => {});
      if (turn !== this.turn) return;
      const fits = dim === 1 && n === this.dataset.n;
      this.weights = fits ? id : null;
      this.weighing = fits
        ? `${file.name}: ${count(n)} weights`
        : `Expected one column of ${count(this.dataset.n)} weights, received ${count(n)} rows of ${count(dim)}.`;
    } catch (problem) {
      if (problem.status === undefined) throw problem; // a mistake of ours
      this.weighing = problem.errors[0]?.detail ?? problem.message;
    }
    this.changed();
  }

  // Do what gives a dataset, unless something else is chosen meanwhile.
  async take(label, work) {
    this.forget();
    const { turn } = this;
    Object.assign(this, { label, sent: 0 });
    this.changed();
    try {
      const dataset = await work(turn);
      if (turn === this.turn) Object.assign(this, { dataset, sent: null });
    } catch (problem) {
      if (problem.status === undefined) throw problem; // a mistake of ours
      if (turn === this.turn) Object.assign(this, { error: problem.errors[0]?.detail ?? problem.message, sent: null });
    }
    this.changed();
  }

  // The columns as the service knows them, or as they look.
  get columns() {
    return this.dataset?.columns ?? this.look?.columns ?? [];
  }
}

export function sideForm(side, known, dropped) {
  const id = `${side.name}-${side.way}`;
  return html`<fieldset class="card side ${side.name}" ?data-over=${side.over}
    @dragover=${(event) => hover(side, event)} @dragleave=${() => unhover(side)}
    @drop=${(event) => drop(side, event, dropped)}>
    <legend>${side.title}</legend>
    <div class="ways" role="radiogroup" aria-label="How ${side.name} is given">
      ${Object.entries(WAYS).map(
        ([way, words]) => html`<label>
          <input type="radio" name="${side.name}-way" .checked=${live(side.way === way)}
            @change=${() => side.choose(way)}><span>${words}</span>
        </label>`,
      )}
    </div>
    ${INPUTS[side.way](side, id, known)}
    ${side.error ? html`<p class="error" id="${id}-error">${side.error}</p>` : nothing}
    ${side.busy ? progress(side) : nothing}
    ${side.dataset ? facts(side) : nothing}
    ${side.look ? table(side) : nothing}
    ${side.dataset ? weightsForm(side) : nothing}
    ${side.dataset && side.way !== "stored" ? nameForm(side) : nothing}
  </fieldset>`;
}

const invalid = (side) => (side.error ? "true" : "false");
const described = (side, id) => (side.error ? `${id}-error` : nothing);

const INPUTS = {
  file: (side, id) => html`<label class="drop" for=${id}>
      <strong>${side.label || "Choose a file"}</strong>
      <span>${side.label ? "Choose another, or drop it here" : "or drop it here: csv, tsv, jsonl, parquet, Arrow, npy, npz"}</span>
      <input type="file" id=${id} aria-invalid=${invalid(side)}
        aria-label="File of the ${side.name}" aria-describedby=${described(side, id)}
        @change=${({ target }) => target.files[0] && side.takeFile(target.files[0])}>
    </label>`,
  paste: (side, id) => html`<label for=${id}>Rows, one sample a line</label>
    <textarea id=${id} rows="6" spellcheck="false" placeholder="0.12, 3.4&#10;0.50, 2.9"
      aria-invalid=${invalid(side)} aria-describedby=${described(side, id)}
      .value=${live(side.text)} @input=${({ target }) => (side.text = target.value)}
      @change=${() => side.takeText()}></textarea>`,
  stored: (side, id, known) => html`<label for=${id}>A reference, or the id of a dataset</label>
    <input id=${id} list="${id}-known" spellcheck="false" autocomplete="off" placeholder="baseline, or ds_…"
      aria-invalid=${invalid(side)} aria-describedby=${described(side, id)}
      .value=${live(side.asked)}
      @change=${({ target }) => side.takeStored(target.value.trim(), known.get(target.value.trim()))}>
    <datalist id="${id}-known">
      ${[...known].map(([dataset, label]) => html`<option value=${dataset}>${label}</option>`)}
    </datalist>`,
};

const progress = ({ sent, name, way }) =>
  way === "stored"
    ? html`<p class="note">Looking it up …</p>`
    : html`<p class="note">
        <progress max="1" .value=${sent} aria-label="Upload of the ${name}"></progress>
        ${sent < 1 ? "Sending …" : "Reading …"}
      </p>`;

function facts({ dataset }) {
  return html`<p class="facts">
    <strong>${count(dataset.n)}</strong> rows,
    <strong>${count(dataset.dim)}</strong> ${dataset.dim === 1 ? "column" : "columns"}
    ${dataset.columns ? nothing : html`<span class="note">${dataset.dtype}</span>`}
  </p>`;
}

function weightsForm(side) {
  const id = `${side.name}-weights`;
  return html`<details ?open=${Boolean(side.weighing || side.weights)}>
    <summary>Weights <span class="note">one number for each row</span></summary>
    <label for=${id}>File of weights of the ${side.name}</label>
    <input type="file" id=${id} aria-describedby="${id}-note"
      aria-invalid=${side.weighing && !side.weights ? "true" : "false"}
      @change=${({ target }) => target.files[0] && side.takeWeights(target.files[0])}>
    <p class="note" id="${id}-note" role="status">${side.weighing || (side.weights ? "As in the other job." : "")}</p>
  </details>`;
}

function nameForm(side) {
  const id = `${side.name}-reference`;
  const kept = side.reference !== null;
  const take = () => side.keepAs(byId(id).value.trim());
  return html`<details ?open=${Boolean(side.naming)}>
    <summary>Keep as a reference <span class="note">to compare later batches with</span></summary>
    <label for=${id}>Name for the ${side.name}</label>
    <div class="row">
      <input id=${id} spellcheck="false" autocomplete="off" placeholder="baseline"
        aria-describedby="${id}-note" aria-invalid=${side.naming && !kept ? "true" : "false"}
        @keydown=${(event) => event.key === "Enter" && (event.preventDefault(), take())}>
      <button type="button" class="small" @click=${take}>Keep</button>
    </div>
    <p class="note" id="${id}-note" role="status">${side.naming}</p>
  </details>`;
}

function table({ look, columns, name }) {
  const shown = columns.slice(0, COLUMNS);
  const more = columns.length - shown.length;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="First rows of the ${name}">
    <table class="preview">
      <thead><tr>
        ${shown.map((column) => html`<th scope="col">${column.name}<small>${column.kind ?? ""}</small></th>`)}
        ${more > 0 ? html`<th scope="col">and ${count(more)} more</th>` : nothing}
      </tr></thead>
      <tbody>
        ${look.rows.map(
          (row) => html`<tr>${shown.map((_, place) => html`<td>${row[place] ?? ""}</td>`)}</tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function hover(side, event) {
  event.preventDefault();
  if (side.over) return;
  side.over = true;
  side.changed();
}

function unhover(side) {
  side.over = false;
  side.changed();
}

function drop(side, event, dropped) {
  event.preventDefault();
  side.over = false;
  dropped(side, [...event.dataTransfer.files]);
}
