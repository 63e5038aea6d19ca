// A reference and its batches over time: every answer about one source, as a line with
// its intervals.

import { html, nothing, render } from "/static/lit/lit-html.js";
import { call } from "/static/page/api.js";
import { historyChart } from "/static/page/charts.js";
import { byId, moment, sideNames } from "/static/page/parts.js";
import { count, show, withError } from "/static/page/words.js";

const PAGE = 200; // jobs, and answers, that one request brings
const PAGES = 5;

export async function start(root) {
  document.title = "Over time · Kantor";
  const reference = new URLSearchParams(location.search).get("reference");
  const jobs = (await jobsOf(reference)).reverse();
  const answers = await answersOf(jobs);
  const found = jobs.filter(({ id }) => answers[id]).map((job) => ({ job, answer: answers[job.id] }));
  render(page(found, reference), root);
  if (found.length) historyChart(byId("history"), found);
}

// Return the jobs that compare something with a reference, by its name or the id of its
// dataset, the newest first.
async function jobsOf(reference) {
  const found = [];
  let cursor = null;
  for (let page = 0; page < PAGES; page += 1) {
    const query = new URLSearchParams({ status: "succeeded", limit: PAGE, ...(cursor && { cursor }) });
    const list = await call("GET", `/v1/jobs?${query}`);
    found.push(...list.data.filter(({ source }) => [source.dataset, source.reference].includes(reference)));
    cursor = list.next_cursor;
    if (cursor === null) break;
  }
  return found;
}

async function answersOf(jobs) {
  const found = {};
  for (let first = 0; first < jobs.length; first += PAGE / 2) {
    const query = jobs.slice(first, first + PAGE / 2).map(({ id }) => `job=${id}`);
    Object.assign(found, (await call("GET", `/v1/answers?${query.join("&")}`)).answers);
  }
  return found;
}

function page(found, reference) {
  const [last] = found.slice(-1);
  const name = last?.job.source.reference === reference ? reference : last && sideNames(last.job)[0];
  return html`<h1>${found.length ? html`<span class="source">${name}</span> over time` : "Over time"}</h1>
    ${found.length
      ? html`<section class="card">
            <h2>Distance of each batch from it</h2>
            <div id="history" class="chart" role="img" aria-label="Estimates over time; the table has the numbers"></div>
            <p class="note">
              The line is the estimate with two standard errors around it. Where the lower
              bound is above 0, the batch differs, each with a confidence of its own.
            </p>
          </section>
          ${table(found)}`
      : html`<p class="card empty">No answer compares anything with this dataset as its source.</p>`}
    ${reference ? html`<p><a class="button" href="/?reference=${reference}">Compare another batch</a></p>` : nothing}`;
}

function table(found) {
  return html`<section class="card">
    <h2>${count(found.length)} ${found.length === 1 ? "batch" : "batches"}</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Batches">
      <table>
        <thead><tr>
          <th scope="col">Batch</th><th scope="col">Lower bound</th>
          <th scope="col">Estimate</th><th scope="col">Submitted</th>
        </tr></thead>
        <tbody>
          ${[...found].reverse().map(
            ({ job, answer }) => html`<tr>
              <th scope="row"><a href="/jobs/${job.id}">${sideNames(job)[1]}</a></th>
              <td>${answer.lower_bound > 0 ? html`<strong>${show(answer.lower_bound)}</strong>` : "nothing shown"}</td>
              <td>${withError(answer.estimate, answer.standard_error)}</td>
              <td class="note">${moment(job.created_at)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
