// One job: its answer first, then what supports it; live while it runs.

import { html, nothing, render } from "/static/lit/lit-html.js";
import { authorization, call, connection, pauseFor } from "/static/page/api.js";
import { curveChart, histogramChart } from "/static/page/charts.js";
import { follow } from "/static/page/events.js";
import { featureTable } from "/static/page/features.js";
import { linesOf, numberLine } from "/static/page/numberline.js";
import { announce, byId, moment, otherLabels, sideNames, statusPill } from "/static/page/parts.js";
import { changedSettings, downloads, sameRequest } from "/static/page/requests.js";
import { extremeRows, loadRows, pixelChoice } from "/static/page/rows.js";
import { advice, count, numbers, show, title, verdict } from "/static/page/words.js";

const QUARTERS = 4; // how often progress is read out
const CHANGES = {
  queued: { status: "queued" },
  running: { status: "running" },
  requeued: { status: "queued" },
  cancelling: { cancel_requested: true },
};
const ENDED = new Set(["succeeded", "failed", "cancelled"]);

export async function start(root, { match, withKeys }) {
  const [job, { settings }] = await Promise.all([
    call("GET", `/v1/jobs/${encodeURIComponent(match[1])}`),
    call("GET", "/v1/settings"),
  ]);
  await new JobPage(root, job, settings, withKeys).run();
}

class JobPage {
  constructor(root, job, settings, withKeys) {
    Object.assign(this, { root, job, settings, withKeys });
    Object.assign(this, { points: [], progress: job.progress, told: 0, rows: null, pixels: null });
    this.error = "";
  }

  get ended() {
    return ENDED.has(this.job.status);
  }

  async run() {
    this.show();
    if (!this.ended) await this.watch();
    if (this.job.result) await this.showResult();
  }

  async watch() {
    const { links } = this.job;
    await follow(links.events, authorization(), (event) => this.take(event), {
      onAway: (pause) =>
        pause === null
          ? connection.back()
          : connection.away("The connection to the service is lost. The job goes on.", pause),
      pauseFor,
    });
    this.job = await call("GET", links.self);
    announce(`The job is ${this.job.status}. ${this.job.result ? verdict(this.job.result).lead : ""}`);
    this.show();
  }

  take({ type, data }) {
    if (type === "progress") this.advance(data);
    else if (type in CHANGES) this.job = { ...this.job, ...CHANGES[type] };
    this.show();
  }

  advance(point) {
    this.job = { ...this.job, status: "running" };
    this.progress = point;
    if (point.validation !== undefined) {
      // A job that is begun again, or resumed, reports steps that were seen before.
      this.points = [...this.points.filter(({ step }) => step < point.step), point];
      this.draw ??= curveChart(byId("curve"));
      this.draw(this.points);
    }
    const quarter = Math.floor((QUARTERS * point.step) / point.max_steps);
    if (quarter > this.told) announce(`${(100 * quarter) / QUARTERS} % of the steps are taken.`);
    this.told = Math.max(this.told, quarter);
  }

  // What is known of the training; one point, where nothing was trained, is no curve.
  get curve() {
    return this.job.result?.curve ?? this.points;
  }

  async showResult() {
    const { result } = this.job;
    if (this.curve.length > 1) {
      this.draw ??= curveChart(byId("curve"));
      this.draw(this.curve, result.lower_bound);
    }
    if (result.differences) {
      histogramChart(byId("histogram"), result.differences.histogram);
      this.rows = await loadRows(this.job);
      this.show();
    }
  }

  async cancel() {
    try {
      this.job = { ...this.job, ...(await call("POST", this.job.links.cancel)) };
      announce("The job is asked to stop.");
    } catch (problem) {
      if (problem.status === undefined) throw problem; // a mistake of ours
      this.error = problem.message;
    }
    this.show();
  }

  again(changes = {}) {
    return `/?${new URLSearchParams({ from: this.job.id, ...changes })}`;
  }

  show() {
    const [source, target] = sideNames(this.job);
    document.title = `${source} and ${target} · Kantor`;
    const { result } = this.job;
    render(
      html`${this.head(source, target)} ${this.answer()}
        ${this.error ? html`<p class="error banner" role="alert">${this.error}</p>` : nothing}
        ${result?.warnings.length || result?.notes?.length ? this.warnings() : nothing}
        <div class="halves">
          <section class="card" ?hidden=${this.ended && this.curve.length < 2}>
            <h2>Training</h2>
            <div id="curve" class="chart" role="img" aria-label="Training curve: distance by step"></div>
            <p class="note">
              The value of the critic on the samples it learns from, and on validation
              samples that decide which critic is kept.
            </p>
          </section>
          <section class="card" ?hidden=${!result?.differences}>
            <h2>Where the critic sees the samples</h2>
            <div id="histogram" class="chart" role="img"
              aria-label="Histograms of the critic's values on both sides"></div>
            <p class="note">High is more like the source, low more like the target.</p>
          </section>
        </div>
        ${result?.differences ? this.differences() : nothing}
        ${result ? this.meanings() : nothing} ${this.facts()}`,
      this.root,
    );
  }

  head(source, target) {
    const { job } = this;
    const stopping = job.cancel_requested && !this.ended;
    return html`<div class="head">
      <div>
        <h1>
          <span class="source">${source}</span> <span class="and">and</span>
          <span class="target">${target}</span>
        </h1>
        <p class="note">
          ${statusPill(job.status)} ${moment(job.created_at)}
          ${job.cached ? html`<span class="pill">answered before</span>` : nothing}
          ${otherLabels(job).map(([name, value]) => html`<span class="label">${name}: ${value}</span>`)}
        </p>
      </div>
      <div class="actions">
        ${this.ended
          ? html`<a class="button" href=${this.again()}>Run again …</a>
              <a class="button" href="/compare?job=${job.id}">Compare …</a>
              <a class="button" href="/history?reference=${job.source.reference ?? job.source.dataset}">Over time</a>`
          : html`<button type="button" id="cancel" ?disabled=${stopping} @click=${() => this.cancel()}>
              ${stopping ? "Stopping …" : "Cancel"}
            </button>`}
      </div>
    </div>`;
  }

  answer() {
    const { job } = this;
    if (job.result) {
      const { lead, rest, differs } = verdict(job.result);
      return html`<section class="card answer ${differs ? "differs" : "open"}" aria-label="Answer">
        <p class="verdict">${lead}</p>
        <p>${rest}</p>
        ${numberLine(linesOf(job.result))}
      </section>`;
    }
    if (job.error) {
      return html`<section class="card answer problem" aria-label="Answer">
        <p class="verdict">The job failed.</p>
        <p>${job.error.detail} <code>${job.error.code}</code></p>
      </section>`;
    }
    if (job.status === "cancelled") {
      return html`<section class="card answer" aria-label="Answer">
        <p class="verdict">The job was cancelled before it had an answer.</p>
      </section>`;
    }
    return this.waiting();
  }

  waiting() {
    const { job, progress } = this;
    if (!progress?.max_steps) {
      const ahead = job.queue_position;
      const text = ahead ? `Waiting: ${count(ahead)} ${ahead === 1 ? "job is" : "jobs are"} before it.`
        : "Waiting for a worker.";
      return html`<section class="card answer" aria-label="Progress">
        <p class="verdict">${job.status === "running" ? "Looking at the samples." : text}</p>
        <progress aria-label="Training"></progress>
      </section>`;
    }
    const { step, max_steps: most, validation } = progress;
    const sofar = validation === undefined ? "" : `, ${show(validation)} apart on validation samples`;
    return html`<section class="card answer" aria-label="Progress">
      <p class="verdict">Training: step ${count(step)} of at most ${count(most)}${sofar}.</p>
      <progress aria-label="Training" max=${most} .value=${step}></progress>
      <p class="note">You may leave this page: the job goes on, and this address keeps it.</p>
    </section>`;
  }

  warnings() {
    const { result } = this.job;
    return html`<section class="card warnings">
      <h2>Know before relying on it</h2>
      <ul>
        ${[...(result.notes ?? []), ...result.warnings].map((warning) => {
          const wanted = advice(warning, this.job.config);
          return html`<li>
            ${warning}
            ${wanted ? html`<a href=${this.again(wanted.changes)}>${wanted.text}</a>` : nothing}
          </li>`;
        })}
      </ul>
    </section>`;
  }

  differences() {
    const { result } = this.job;
    const choose = (pixels) => {
      this.pixels = pixels;
      this.show();
    };
    return html`<section class="card">
      <h2>Where they differ</h2>
      ${result.lower_bound > 0
        ? nothing
        : html`<p class="note">Every critic has a steepest way and extreme rows: while the
            lower bound is 0 they mean nothing.</p>`}
      ${featureTable(result)}
      <div class="titled">
        <h2>Most telling rows</h2>
        ${pixelChoice(result.dim, this.pixels, choose)}
      </div>
      ${extremeRows(this.job, this.rows, this.pixels)}
      <p class="note">Rows count from 0. They describe the samples as the critic sees them;
        what holds for the distributions is the lower bound alone.</p>
    </section>`;
  }

  meanings() {
    return html`<section class="card">
      <h2>What each number means</h2>
      <dl class="meanings">
        ${numbers(this.job.result).map(
          ([name, value, meaning]) => html`<div>
            <dt>${name}</dt><dd class="value">${value}</dd><dd>${meaning}</dd>
          </div>`,
        )}
      </dl>
    </section>`;
  }

  facts() {
    const { job } = this;
    const changed = Object.entries(changedSettings(job.config, this.settings));
    return html`<section class="card">
      ${job.result ? html`<h2>Download</h2>${downloads(job)}` : nothing}
      <h2>Settings</h2>
      ${changed.length
        ? html`<p>${changed.map(([name, value]) => html`<span class="label">${title(name)}: ${String(value ?? "chosen for you")}</span> `)}</p>`
        : html`<p class="note">All as they are by default.</p>`}
      <details>
        <summary>The same request <span class="note">as curl, command line and Python</span></summary>
        ${sameRequest(job, this.settings, this.withKeys)}
      </details>
      <p class="note">Job <code>${job.id}</code></p>
    </section>`;
  }
}

