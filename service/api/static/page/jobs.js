// The list of jobs: filtered by status and label, searched, a page at a time; two to five
// of them can be compared.

import { html, nothing, render } from "/static/lit/lit-html.js";
import { live } from "/static/lit/directives/live.js";
import { call } from "/static/page/api.js";
import { announce, moment, otherLabels, sideNames, statusPill } from "/static/page/parts.js";
import { count, show } from "/static/page/words.js";

const PAGE = 25;
const SEARCHED = 200; // jobs that one request brings while searching
const MOST_PAGES = 5; // of those, before the reader is asked whether to go on
const MOST = 5;
const REFRESH_MS = 5000;
const STATUSES = ["queued", "running", "succeeded", "failed", "cancelled"];
const JOB = /^job_[0-9a-f]{32}$/;
const LABEL = /^[\w.-]{1,64}:.+/;

export async function start(root) {
  document.title = "Jobs · Kantor";
  await new JobList(root).load();
}

class JobList {
  constructor(root) {
    const query = new URLSearchParams(location.search);
    Object.assign(this, { root, jobs: [], answers: {}, next: null, chosen: new Set() });
    Object.assign(this, { status: query.get("status") ?? "", search: query.get("search") ?? "" });
    setInterval(() => this.refresh(), REFRESH_MS);
  }

  get words() {
    return this.search && !LABEL.test(this.search) ? this.search.toLowerCase().split(/\s+/) : [];
  }

  async load() {
    this.turn = Symbol("load"); // what an earlier search still brings is not wanted
    this.jobs = [];
    this.next = null;
    await this.more();
    announce(`${this.jobs.length} jobs are shown.`);
  }

  // Bring the next page; while searching by words, go on until there is one.
  async more() {
    const { turn } = this;
    const wanted = this.jobs.length + PAGE;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const list = await call("GET", `/v1/jobs?${this.query(this.next)}`);
      if (turn !== this.turn) return;
      this.jobs.push(...list.data.filter((job) => this.fits(job)));
      this.next = list.next_cursor;
      if (this.next === null || this.jobs.length >= wanted) break;
    }
    this.show();
    await this.bringAnswers();
  }

  query(cursor) {
    const query = new URLSearchParams({ limit: this.words.length ? SEARCHED : PAGE });
    if (this.status) query.set("status", this.status);
    if (LABEL.test(this.search)) query.set("label", this.search.replace(/:\s+/, ":"));
    if (cursor) query.set("cursor", cursor);
    return query;
  }

  fits(job) {
    const text = JSON.stringify([job.id, job.labels, job.status, job.config.effort]).toLowerCase();
    return this.words.every((word) => text.includes(word));
  }

  async bringAnswers() {
    const unknown = this.jobs.filter(({ id, status }) => status === "succeeded" && !this.answers[id]);
    for (let first = 0; first < unknown.length; first += 100) {
      const query = unknown.slice(first, first + 100).map(({ id }) => `job=${id}`);
      Object.assign(this.answers, (await call("GET", `/v1/answers?${query.join("&")}`)).answers);
    }
    if (unknown.length) this.show();
  }

  // Look again at the jobs that have not ended, as long as somebody sees it.
  async refresh() {
    const open = this.jobs.some(({ status }) => status === "queued" || status === "running");
    if (!open || document.hidden || this.refreshing) return;
    this.refreshing = true;
    try {
      const { data } = await call("GET", `/v1/jobs?${new URLSearchParams({ limit: SEARCHED })}`);
      const fresh = new Map(data.map((job) => [job.id, job]));
      this.jobs = this.jobs.map((job) => fresh.get(job.id) ?? job);
      this.show();
      await this.bringAnswers();
    } finally {
      this.refreshing = false;
    }
  }

  filter(changes) {
    Object.assign(this, changes);
    if (JOB.test(this.search)) return location.assign(`/jobs/${this.search}`);
    const { status, search } = this;
    const kept = Object.entries({ status, search }).filter(([, value]) => value);
    history.replaceState(null, "", kept.length ? `?${new URLSearchParams(kept)}` : "/jobs");
    return this.load();
  }

  choose(id, chosen) {
    if (chosen) this.chosen.add(id);
    else this.chosen.delete(id);
    this.show();
  }

  show() {
    render(
      html`<div class="head"><h1>Jobs</h1>${this.compare()}</div>
        <form class="card filters" role="search" @submit=${(event) => this.submit(event)}>
          <div class="field">
            <label for="search">Search</label>
            <input id="search" type="search" placeholder="file name, name:value or job id"
              .value=${live(this.search)}
              @change=${({ target }) => this.filter({ search: target.value.trim() })}>
          </div>
          <div class="field">
            <label for="status">Status</label>
            <select id="status" @change=${({ target }) => this.filter({ status: target.value })}>
              <option value="" .selected=${live(!this.status)}>all</option>
              ${STATUSES.map((status) => html`<option .selected=${live(status === this.status)}>${status}</option>`)}
            </select>
          </div>
        </form>
        ${this.jobs.length ? this.table() : this.nothingHere()}
        ${this.next
          ? html`<p class="actions"><button type="button" id="more" @click=${() => this.more()}>More jobs</button></p>`
          : nothing}`,
      this.root,
    );
  }

  submit(event) {
    event.preventDefault();
    this.filter({ search: this.root.querySelector("#search").value.trim() });
  }

  compare() {
    const { size } = this.chosen;
    const query = [...this.chosen].map((id) => `job=${id}`).join("&");
    if (size < 2) return html`<p class="note">Tick two to five to compare them.</p>`;
    return html`<a class="button main" id="compare" href="/compare?${query}">Compare ${size} jobs</a>`;
  }

  nothingHere() {
    if (this.search || this.status) return html`<p class="card empty">No job fits.</p>`;
    return html`<p class="card empty">
      There are no jobs yet. <a href="/">Start with a new estimate.</a>
    </p>`;
  }

  table() {
    return html`<div class="card listing">
      <table class="jobs">
        <thead><tr>
          <th scope="col"><span class="unseen">Compare</span></th>
          <th scope="col">Samples</th><th scope="col">Status</th>
          <th scope="col">Answer</th><th scope="col">Submitted</th>
        </tr></thead>
        <tbody>${this.jobs.map((job) => this.row(job))}</tbody>
      </table>
    </div>`;
  }

  row(job) {
    const names = sideNames(job);
    const full = this.chosen.size >= MOST && !this.chosen.has(job.id);
    return html`<tr>
      <td>
        <input type="checkbox" aria-label="Compare ${names.join(" and ")}, ${job.id.slice(-4)}"
          .checked=${live(this.chosen.has(job.id))} ?disabled=${full}
          @change=${({ target }) => this.choose(job.id, target.checked)}>
      </td>
      <th scope="row">
        <a href="/jobs/${job.id}">${names[0]} and ${names[1]}</a>
        <span class="note">${count(job.source.n)} and ${count(job.target.n)} × ${count(job.source.dim)}, ${job.config.effort}</span>
        ${otherLabels(job).map(([name, value]) => html`<span class="label">${name}: ${value}</span>`)}
      </th>
      <td>${statusPill(job.status)}</td>
      <td class="found">${this.found(job)}</td>
      <td class="note">${moment(job.created_at)}</td>
    </tr>`;
  }

  found({ id, progress, status, error }) {
    const answer = this.answers[id];
    if (answer) {
      return answer.lower_bound > 0
        ? html`<strong>at least ${show(answer.lower_bound)}</strong> apart`
        : html`no difference shown`;
    }
    if (status === "running" && progress?.max_steps) {
      return html`<progress max=${progress.max_steps} .value=${progress.step}
        aria-label="Training of ${id.slice(-4)}"></progress>`;
    }
    return error ? html`<span class="note">${error.code}</span>` : nothing;
  }
}
