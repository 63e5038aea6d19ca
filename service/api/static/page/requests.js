// The same request in other words: curl, command line, Python. And what to download.

import { html } from "/static/lit/lit-html.js";
import { authorization, download } from "/static/page/api.js";
import { codeBlock } from "/static/page/parts.js";

const OPTIONS = { effort: "--effort", seed: "--seed", confidence: "--confidence", bound_method: "--method" };

// Return the settings of a job that differ from the defaults.
export function changedSettings(config, settings) {
  const defaults = new Map(settings.map((item) => [item.name, JSON.stringify(item.default)]));
  return Object.fromEntries(
    Object.entries(config).filter(([name, value]) => defaults.get(name) !== JSON.stringify(value)),
  );
}

export function sameRequest(job, settings, withKeys) {
  const config = changedSettings(job.config, settings);
  return html`<div class="requests">
    ${codeBlock(asCurl(job, config, withKeys), "curl")}
    ${codeBlock(asCommand(job, config), "Command line")}
    ${codeBlock(asPython(job, config, withKeys), "Python")}
  </div>`;
}

const quoted = (text) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const isFile = (label) => /\.\w+$/.test(label ?? "");
const fileOf = (job, side) => (isFile(job.labels[side]) ? job.labels[side] : `${side}.csv`);

function sideOf({ dataset, weights }) {
  return weights ? { dataset, weights: { dataset: weights } } : { dataset };
}

function asCurl({ source, target }, config, withKeys) {
  const body = JSON.stringify({ source: sideOf(source), target: sideOf(target), config }, null, 2);
  const key = withKeys ? `  -H "Authorization: Bearer $KANTOR_API_KEY" \\\n` : "";
  return `curl "${location.origin}/v1/jobs" \\\n${key}  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}

function asCommand(job, config) {
  const known = Object.entries(config).filter(([name]) => name in OPTIONS);
  const others = Object.fromEntries(Object.entries(config).filter(([name]) => !(name in OPTIONS)));
  const files = ["source", "target"].map((side) => quoted(fileOf(job, side)));
  const parts = [
    `kantor submit ${files.join(" ")} --wait`,
    `--url ${location.origin}`,
    ...known.map(([name, value]) => `${OPTIONS[name]} ${value}`),
  ];
  if (Object.keys(others).length === 0) return parts.join(" \\\n  ");
  const command = [...parts, "--config settings.json"].join(" \\\n  ");
  return `echo '${JSON.stringify(others)}' > settings.json\n${command}`;
}

function asPython(job, config, withKeys) {
  const [source, target] = ["source", "target"].map((side) => JSON.stringify(fileOf(job, side)));
  const key = withKeys ? `, api_key=os.environ["KANTOR_API_KEY"]` : "";
  return `${withKeys ? "import os\n\n" : ""}from kantor import KantorClient

with KantorClient("${location.origin}"${key}) as client:
    job = client.submit(${source}, ${target}, config=${literal(config)})
    job = client.wait(job["id"])
    print(job["result"]["lower_bound"])`;
}

function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, item]) => `"${name}": ${literal(item)}`).join(", ")}}`;
}

const FORMS = ["csv", "png", "svg"];

// Links to what a job has produced, by its own list of links.
export function downloads({ id, links }) {
  const forms = (part, name) =>
    links[part] ? FORMS.map((form) => [`${name} (${form})`, `${links[part]}?format=${form}`, `${id}-${part}.${form}`]) : [];
  const items = [
    ["Result (json)", links.self, `${id}.json`],
    ...forms("curve", "Curve"),
    ...forms(links.differences ? "differences" : "witness", "Histogram"),
    ["Critic (safetensors)", links.critic, `${id}.safetensors`],
    ...(links.report ? [["Report (html)", links.report, `${id}.html`]] : []),
  ];
  return html`<ul class="downloads">
    ${items.map(
      ([text, path, name]) => html`<li>
        <a href=${path} download=${name} @click=${(event) => save(event, path, name)}>${text}</a>
      </li>`,
    )}
  </ul>`;
}

function save(event, path, name) {
  if (!authorization().Authorization) return; // a plain link will do
  event.preventDefault();
  download(path, name);
}
