// Two to five jobs side by side: their answers on one axis, their numbers in one table,
// the settings in which they differ.

import { html, nothing, render } from "/static/lit/lit-html.js";
import { call } from "/static/page/api.js";
import { axisOf, linesOf, numberLine } from "/static/page/numberline.js";
import { moment, otherLabels, sideNames, statusPill } from "/static/page/parts.js";
import { bracket, count, pValue, show, title, withError } from "/static/page/words.js";

const FEWEST = 2;
const MOST = 5;
const RECENT = 50;

export async function start(root) {
  document.title = "Compare · Kantor";
  const ids = [...new Set(new URLSearchParams(location.search).getAll("job"))].slice(0, MOST);
  const jobs = await Promise.all(ids.map((id) => call("GET", `/v1/jobs/${encodeURIComponent(id)}`)));
  const others = jobs.length < MOST ? await candidates(ids) : [];
  render(page(jobs, others), root);
}

async function candidates(ids) {
  const { data } = await call("GET", `/v1/jobs?status=succeeded&limit=${RECENT}`);
  return data.filter(({ id }) => !ids.includes(id));
}

function page(jobs, others) {
  const answered = jobs.filter(({ result }) => result);
  return html`<h1>Compare</h1>
    ${jobs.length < FEWEST
      ? html`<p class="lead">Choose ${jobs.length ? "another job" : "jobs"} to set beside
          ${jobs.length ? "this one" : "each other"}.</p>`
      : nothing}
    ${answered.length ? pictures(answered) : nothing}
    ${jobs.length ? html`${table(jobs)}${settings(jobs)}` : nothing}
    ${others.length ? chooser(jobs, others) : nothing}`;
}

function pictures(jobs) {
  const lines = jobs.map(({ result }) => linesOf(result, false));
  const axis = axisOf(lines.flat());
  return html`<section class="card">
    <h2>On one axis</h2>
    ${jobs.map(
      (job, place) => html`<div class="compared-job">
        <h3>${heading(job)} <span class="note">${apart(job, jobs)}</span></h3>
        ${numberLine(lines[place], axis)}
      </div>`,
    )}
  </section>`;
}

function heading(job) {
  const [source, target] = sideNames(job);
  return html`<a href="/jobs/${job.id}">${source} and ${target}</a>`;
}

const NUMBERS = [
  ["Status", ({ status }) => statusPill(status)],
  ["Lower bound", ({ result }) => show(result?.lower_bound)],
  ["Estimate", ({ result }) => result && withError(result.estimate, result.standard_error)],
  ["Between these samples", ({ result }) => result && bracket(result.sample_lower_bound, result.sample_upper_bound)],
  ["p-value", ({ result }) => pValue(result?.p_value)],
  ["Detectable distance", ({ result }) => show(result?.detectable_distance)],
  ["Samples", ({ source, target }) => `${count(source.n)} and ${count(target.n)}`],
  ["Dimension", ({ source }) => count(source.dim)],
  ["Critic", ({ result }) => result?.critic_family],
  ["Seconds", ({ result }) => show(result?.elapsed_s)],
  ["Submitted", ({ created_at: at }) => moment(at)],
];

// What tells a job from the others beside it: its labels, its settings, its id.
function apart(job, jobs) {
  const settings = differing(jobs).map((name) => `${title(name)} ${job.config[name] ?? "chosen for it"}`);
  const labels = otherLabels(job).map(([name, value]) => `${name}: ${value}`);
  return [...labels, ...settings].slice(0, 3).join(", ") || `…${job.id.slice(-6)}`;
}

function differing(jobs) {
  return Object.keys(jobs[0].config).filter(
    (name) => new Set(jobs.map(({ config }) => JSON.stringify(config[name]))).size > 1,
  );
}

function table(jobs) {
  return sideBySide("Numbers", jobs, NUMBERS);
}

function settings(jobs) {
  const names = differing(jobs);
  if (jobs.length < FEWEST) return nothing;
  if (names.length === 0) {
    return html`<section class="card"><h2>Settings</h2><p class="note">All of them are the same.</p></section>`;
  }
  const rows = names.map((name) => [title(name), ({ config }) => String(config[name] ?? "chosen for it")]);
  return sideBySide("Settings that differ", jobs, rows);
}

function sideBySide(name, jobs, rows) {
  return html`<section class="card">
    <h2>${name}</h2>
    <div class="scroll" tabindex="0" role="region" aria-label=${name}>
      <table class="beside">
        <thead><tr>
          <td></td>
          ${jobs.map((job) => html`<th scope="col">${heading(job)} <small>${apart(job, jobs)}</small></th>`)}
        </tr></thead>
        <tbody>
          ${rows.map(
            ([row, value]) => html`<tr>
              <th scope="row">${row}</th>
              ${jobs.map((job) => html`<td>${value(job) ?? "unknown"}</td>`)}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function chooser(jobs, others) {
  const add = (event) => {
    event.preventDefault();
    const query = new URLSearchParams(jobs.map(({ id }) => ["job", id]));
    query.append("job", event.target.elements.job.value);
    location.assign(`/compare?${query}`);
  };
  return html`<form class="card filters" @submit=${add}>
    <div class="field">
      <label for="another">Another job</label>
      <select id="another" name="job">
        ${others.map((job) => {
          const [source, target] = sideNames(job);
          const at = new Date(job.created_at).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
          return html`<option value=${job.id}>${source} and ${target}, ${at}</option>`;
        })}
      </select>
    </div>
    <button type="submit">Add</button>
  </form>`;
}
