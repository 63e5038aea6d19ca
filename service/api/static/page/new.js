// New estimate: two sides, the settings, and what will be compared.

import { html, nothing, render } from "/static/lit/lit-html.js";
import { call } from "/static/page/api.js";
import { announce, byId } from "/static/page/parts.js";
import { Side, sideForm } from "/static/page/side.js";
import { defaultTexts, field, readSettings, settingsForm, textOf } from "/static/page/settings.js";
import { count } from "/static/page/words.js";

// What a job has beside samples and settings; read like a setting.
const JOB_FIELDS = [
  { name: "labels", type: "list", default: [], meaning: "Names of your own, to find the job by: experiment: a, run: 3." },
  { name: "priority", type: "integer", default: 0, bounds: { ge: -9, le: 9 }, meaning: "Higher is run earlier." },
  { name: "deadline_s", type: "number", nullable: true, default: null, bounds: { gt: 0, le: 604800 }, meaning: "Give up when it has not ended after so many seconds." },
  { name: "cache", type: "boolean", default: true, meaning: "Whether an earlier answer to the same question will do." },
];
// Where the operator has enabled them.
const WEBHOOK = { name: "webhook", type: "string", nullable: true, default: null, meaning: "A https URL that is told of the end." };
// What tools call the column that only numbers the rows; the service leaves it out.
const INDEX = /^(|unnamed: 0(\.\d+)*|__index_level_\d+__|index|id|level_0|rownames)$/i;
const UNSET = "Choose a file, paste rows, or name what is stored.";

export async function start(root, { info }) {
  document.title = "New estimate · Kantor";
  const query = new URLSearchParams(location.search);
  const [{ settings }, recent, references, model] = await Promise.all([
    call("GET", "/v1/settings"),
    call("GET", "/v1/jobs?limit=50"),
    call("GET", "/v1/references"),
    query.has("from") ? call("GET", `/v1/jobs/${query.get("from")}`) : null,
  ]);
  const known = new Map([...knownReferences(references.data), ...knownDatasets(recent.data)]);
  new NewEstimate(root, { info, settings, known }).begin(model, query);
}

// References by their names.
function knownReferences(references) {
  return references.map(({ name, created_at, versions }) => {
    const since = created_at.slice(0, 10);
    return [name, versions.length > 1 ? `version ${versions.length}, ${since}` : `since ${since}`];
  });
}

// Datasets of recent jobs, by their ids, with the names of their files.
function knownDatasets(jobs) {
  const sides = jobs.flatMap(({ source, target, labels }) => [
    [source, labels.source],
    [target, labels.target],
  ]);
  return new Map(
    sides.map(([{ dataset, n, dim }, name]) => [dataset, `${name ?? "dataset"}, ${n} × ${dim}`]),
  );
}

class NewEstimate {
  constructor(root, { info, settings, known }) {
    const changed = () => this.show();
    Object.assign(this, { root, info, settings, known, errors: {}, problem: "", sending: false });
    this.sides = [
      new Side("source", "Source P", changed),
      new Side("target", "Target Q", changed),
    ];
    this.jobFields = info.webhooks ? [...JOB_FIELDS, WEBHOOK] : JOB_FIELDS;
    this.fields = [...settings, ...this.jobFields];
    this.texts = defaultTexts(this.fields);
  }

  // Show the form: as another job had it, and with the settings of the address.
  begin(model, query) {
    const config = { ...model?.config };
    for (const item of this.settings) {
      if (item.name in config) this.texts[item.name] = textOf(item, config[item.name]);
      if (query.has(item.name)) this.texts[item.name] = query.get(item.name);
    }
    if (model) {
      for (const side of this.sides) {
        const { dataset, reference, weights } = model[side.name];
        side.takeStored(reference ?? dataset, model.labels[side.name] ?? "");
        side.weights = weights;
      }
    }
    if (query.has("reference")) this.sides[0].takeStored(query.get("reference"));
    this.show();
  }

  set(name, text) {
    this.texts[name] = text;
    delete this.errors[name];
    this.show();
  }

  dropped(side, files) {
    const [first, second] = files;
    if (second) {
      this.sides[0].takeFile(first);
      this.sides[1].takeFile(second);
    } else if (first) {
      side.takeFile(first);
    }
    this.show();
  }

  async submit(event) {
    event.preventDefault();
    this.problem = "";
    const { config, errors } = readSettings(this.fields, this.texts);
    this.errors = errors;
    for (const side of this.sides) {
      if (!side.dataset && !side.busy && !side.error) side.error = UNSET;
    }
    if (Object.keys(errors).length || this.sides.some(({ error }) => error)) return this.refuse();
    const unsent = this.sides.filter(({ busy }) => busy);
    if (unsent.length) return this.refuse("Wait until both sides are sent.");
    this.sending = true;
    this.show();
    try {
      const { id } = await call("POST", "/v1/jobs", {
        json: this.request(config),
        headers: { "Idempotency-Key": `page-${crypto.getRandomValues(new Uint32Array(4)).join("-")}` },
      });
      location.assign(`/jobs/${id}`);
    } catch (problem) {
      if (problem.status === undefined) throw problem; // a mistake of ours
      this.place(problem);
    } finally {
      this.sending = false;
      this.show();
    }
    return undefined;
  }

  request({ labels = [], priority = 0, deadline_s = null, cache = true, webhook = null, ...config }) {
    const sides = this.sides.map(({ name, dataset, reference, weights }) => [
      name,
      {
        ...(reference ? { reference } : { dataset: dataset.id }),
        weights: weights && { dataset: weights },
      },
    ]);
    const names = this.sides.filter(({ label }) => label).map(({ name, label }) => [name, label.slice(0, 256)]);
    const own = labels.map((text) => text.split(":").map((part) => part.trim()));
    return {
      ...Object.fromEntries(sides),
      config,
      labels: Object.fromEntries([...names, ...own.map(([name, ...rest]) => [name, rest.join(":")])]),
      priority,
      deadline_s,
      cache,
      ...(webhook && { webhook: { url: webhook } }),
    };
  }

  // Put what the service found wrong at the field that it is about.
  place(problem) {
    const rest = [];
    for (const { pointer = "", detail } of problem.errors) {
      const [, first, second] = pointer.split("/");
      const side = this.sides.find(({ name }) => name === first);
      if (side) side.error = detail;
      else if (first === "config" && second in this.texts) this.errors[second] = detail;
      else if (first in this.texts) this.errors[first] = detail;
      else rest.push(detail);
    }
    this.refuse(problem.errors.length ? rest.join(" ") : problem.message);
  }

  refuse(problem = "") {
    this.problem = problem;
    this.show();
    const wrong = this.root.querySelectorAll('[aria-invalid="true"]');
    announce(problem || `${wrong.length} ${wrong.length === 1 ? "field needs" : "fields need"} another look.`);
    wrong[0]?.focus();
  }

  show() {
    const form = html`
      <h1>How far apart are two samples?</h1>
      <p class="lead">
        Give two sets of rows. You get a number that the distance between the
        distributions behind them is <em>at least</em>, with a stated confidence, and where
        they differ.
      </p>
      <form novalidate @submit=${(event) => this.submit(event)}>
        <div class="halves">
          ${this.sides.map((side) => sideForm(side, this.known, (...given) => this.dropped(...given)))}
        </div>
        <section class="card">
          <h2>Settings</h2>
          ${settingsForm(this.settings, this.texts, this.errors, (...given) => this.set(...given))}
          ${this.jobForm()}
        </section>
        ${this.problem ? html`<p class="error banner" role="alert">${this.problem}</p>` : nothing}
        <div class="bar">
          ${this.comparison()}
          <button type="submit" class="main" ?disabled=${this.sending}>
            ${this.sending ? "Submitting …" : "Estimate"}
          </button>
        </div>
      </form>`;
    render(form, this.root);
  }

  jobForm() {
    const changed = this.jobFields.some((item) => this.texts[item.name] !== textOf(item, item.default));
    return html`<details ?open=${changed}>
      <summary>Job <span class="note">labels, priority, deadline, cache</span></summary>
      <div class="fields">
        ${this.jobFields.map((item) =>
          field(item, this.texts[item.name], this.errors[item.name], (...given) => this.set(...given)),
        )}
      </div>
    </details>`;
  }

  // What will be compared, once both sides are known.
  comparison() {
    const [source, target] = this.sides.map(({ dataset }) => dataset);
    if (!source || !target) {
      const most = count(Math.round(this.info.limits.max_body_bytes / 2 ** 20));
      return html`<p class="note">Both sides need the same columns, one sample a row; a file may
        have up to ${most} MiB.</p>`;
    }
    if (source.columns && target.columns) return named(source, target);
    if (source.dim !== target.dim) {
      return html`<p class="compared wrong" role="status">The source has ${count(source.dim)}
        columns and the target ${count(target.dim)}: both need the same ones.</p>`;
    }
    const same = source.id === target.id ? "Both sides hold the very same rows. " : "";
    const looks = this.sides.map((side) => side.columns.map(({ name }) => name).join("\n"));
    const order = looks[0] && looks[1] && looks[0] !== looks[1]
      ? "The names of the columns differ between the sides; look whether that is meant. "
      : "";
    return html`<p class="compared" role="status">${same}${order}Compared:
      <strong>${count(source.n)}</strong> rows with <strong>${count(target.n)}</strong>, each
      a point of ${count(source.dim)} ${source.dim === 1 ? "number" : "numbers"}.</p>`;
  }
}

// What will be compared of two tables: their columns by name.
function named(source, target) {
  const names = [source, target].map(({ columns }) => columns.map(({ name }) => name));
  const missing = (from, other) => from.filter((name) => !other.includes(name));
  const [extra, lacking] = [missing(...names), missing(names[1], names[0])];
  const only = (side, list) => (list.length ? html` Only in the ${side}: ${list.join(", ")}.` : nothing);
  const common = names[0].length - extra.length;
  const indices = [...new Set(names.flat())].filter((name) => INDEX.test(name));
  const numbering = indices.length
    ? html` ${indices.join(", ")}: left out where it only numbers the rows.`
    : nothing;
  return html`<p class="compared ${extra.length + lacking.length ? "wrong" : ""}" role="status">
    Compared: <strong>${count(source.n)}</strong> rows with
    <strong>${count(target.n)}</strong>, by ${common} columns of the same
    name.${only("source", extra)}${only("target", lacking)}${numbering}</p>`;
}

addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault(); // a file dropped beside a field must not replace the page
  byId("source-file")?.focus();
});
