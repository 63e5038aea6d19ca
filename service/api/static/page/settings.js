// The settings as a form, built from what the service says of each of them.

import { html, nothing } from "/static/lit/lit-html.js";
import { live } from "/static/lit/directives/live.js";
import { count, show, title } from "/static/page/words.js";

const OPEN = "Common";
const CHOSEN = "chosen for you";

// The text of a value in its field, and "" for a default that is null.
export function textOf({ type }, value) {
  if (value === null || value === undefined) return "";
  if (type === "list") return [].concat(value).join(", ");
  return type === "json" ? JSON.stringify(value) : String(value);
}

export function defaultTexts(settings) {
  return Object.fromEntries(settings.map((item) => [item.name, textOf(item, item.default)]));
}

// Return the settings that differ from their defaults, and what is wrong, by name.
export function readSettings(settings, texts) {
  const config = {};
  const errors = {};
  for (const item of settings) {
    const text = texts[item.name].trim();
    if (text === textOf(item, item.default)) continue;
    try {
      config[item.name] = read(item, text);
    } catch (error) {
      errors[item.name] = error.message;
    }
  }
  return { config, errors };
}

function read(item, text) {
  if (text === "") {
    if (item.nullable) return null;
    throw new Error(`Expected ${wanted(item)}; nothing is entered.`);
  }
  if (item.type === "boolean") return text === "true";
  if (item.type === "list") return text.split(",").map((word) => word.trim()).filter(Boolean);
  if (item.type === "json") return JSON.parse(text);
  return item.type === "integer" || item.type === "number" ? readNumber(item, text) : text;
}

function readNumber(item, text) {
  const value = Number(text);
  const whole = item.type !== "integer" || Number.isSafeInteger(value);
  if (!Number.isFinite(value) || !whole || !within(item.bounds, value)) {
    throw new Error(`Expected ${wanted(item)}, received ${text}.`);
  }
  return value;
}

const within = ({ ge = -Infinity, gt = -Infinity, le = Infinity, lt = Infinity }, value) =>
  value >= ge && value > gt && value <= le && value < lt;

// What may be entered, in words.
function wanted({ type, bounds, choices }) {
  if (type === "choice") return `one of ${choices.join(", ")}`;
  if (type !== "integer" && type !== "number") return type === "list" ? "words" : "a text";
  return `${type === "integer" ? "a whole number" : "a number"} ${range(bounds)}`.trim();
}

function range({ ge, gt, le, lt }) {
  const write = (value) => (Number.isInteger(value) ? count(value) : show(value));
  const low = ge !== undefined ? `from ${write(ge)}` : gt !== undefined ? `above ${write(gt)}` : "";
  const most = Math.min(le ?? Infinity, Number.MAX_SAFE_INTEGER);
  const high = lt !== undefined ? `to below ${write(lt)}` : le !== undefined ? `to ${write(most)}` : "";
  return `${low} ${high}`.trim();
}

export function settingsForm(settings, texts, errors, onChange) {
  const groups = new Map();
  for (const item of settings) {
    groups.set(item.group, [...(groups.get(item.group) ?? []), item]);
  }
  return [...groups].map(([name, items]) => {
    const fields = html`<div class="fields">
      ${items.map((item) => field(item, texts[item.name], errors[item.name], onChange))}
    </div>`;
    if (name === OPEN) return fields;
    const changed = items.filter((item) => texts[item.name].trim() !== textOf(item, item.default));
    const wrong = items.some((item) => errors[item.name]);
    return html`<details ?open=${wrong || changed.length > 0}>
      <summary>${name} <span class="note">${items.length} settings${changed.length ? `, ${changed.length} changed` : ""}</span></summary>
      ${fields}
    </details>`;
  });
}

// A field with its help below it, and what is wrong with it.
export function field(item, text, error, onChange) {
  const id = `setting-${item.name}`;
  const attributes = {
    id,
    described: error ? `${id}-error ${id}-help` : `${id}-help`,
    invalid: error ? "true" : "false",
    set: (value) => onChange(item.name, value),
  };
  const limits = item.bounds && Object.keys(item.bounds).length ? ` ${capital(range(item.bounds))}.` : "";
  return html`<div class="field" ?data-wrong=${Boolean(error)}>
    <label for=${id}>${title(item.name)}</label>
    ${(CONTROLS[item.type] ?? typed)(item, text, attributes)}
    ${error ? html`<p class="error" id="${id}-error">${error}</p>` : nothing}
    <p class="help" id="${id}-help">${item.meaning.replaceAll("`", "")}${limits}</p>
  </div>`;
}

const capital = (text) => (text ? text[0].toUpperCase() + text.slice(1) : "");

const CONTROLS = {
  choice: (item, text, { id, described, invalid, set }) => html`<select id=${id}
    aria-describedby=${described} aria-invalid=${invalid}
    @change=${({ target }) => set(target.value)}>
    ${item.nullable ? html`<option value="" .selected=${text === ""}>${CHOSEN}</option>` : nothing}
    ${item.choices.map((choice) => html`<option .selected=${live(text === choice)}>${choice}</option>`)}
  </select>`,
  boolean: (item, text, { id, described, invalid, set }) => html`<input type="checkbox" id=${id}
    aria-describedby=${described} aria-invalid=${invalid} .checked=${live(text === "true")}
    @change=${({ target }) => set(String(target.checked))}>`,
};

function typed(item, text, { id, described, invalid, set }) {
  const numeric = item.type === "integer" || item.type === "number";
  return html`<input id=${id} .value=${live(text)} spellcheck="false" autocomplete="off"
    inputmode=${numeric ? "decimal" : "text"} aria-describedby=${described}
    aria-invalid=${invalid} placeholder=${item.nullable ? CHOSEN : ""}
    @input=${({ target }) => set(target.value)}>`;
}
