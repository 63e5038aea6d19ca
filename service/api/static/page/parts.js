// Small parts that several pages use.

import { html, nothing } from "/static/lit/lit-html.js";

export const byId = (id) => document.getElementById(id);

// Tell readers who do not see the page what has changed on it.
export function announce(text) {
  byId("live").textContent = text;
}

export function problemCard(problem) {
  const title = { 401: "An API key is needed", 404: "Nothing is here" }[problem.status];
  const advice = {
    401: "Enter the key at the top of the page; it is kept for this tab only.",
    404: "It may have been deleted, have expired, or belong to another key.",
  }[problem.status];
  return html`<section class="card problem" role="alert">
    <h1>${title ?? "That did not work"}</h1>
    <p>${problem.message}</p>
    ${advice ? html`<p>${advice}</p>` : nothing}
    <p><a href="/">New estimate</a> · <a href="/jobs">Jobs</a></p>
  </section>`;
}

const STATUS_WORDS = {
  queued: "Waiting",
  running: "Running",
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
};

export function statusPill(status) {
  return html`<span class="pill ${status}">${STATUS_WORDS[status] ?? status}</span>`;
}

export function moment(timestamp) {
  const date = new Date(timestamp);
  const text = date.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
  return html`<time datetime=${timestamp} title=${date.toISOString()}>${text}</time>`;
}

// The names of a job's sides: those of their files, where the page has kept them.
export function sideNames({ labels, source, target }) {
  const short = ({ dataset, reference }) => reference ?? `${dataset.slice(0, 11)}…`;
  return [labels.source ?? short(source), labels.target ?? short(target)];
}

export function otherLabels({ labels }) {
  return Object.entries(labels).filter(([name]) => name !== "source" && name !== "target");
}

// A block of text with a button that copies it.
export function codeBlock(text, name) {
  const copy = async ({ target }) => {
    if (!navigator.clipboard) return select(target.parentElement.nextElementSibling); // plain http
    await navigator.clipboard.writeText(text);
    target.textContent = "Copied";
    announce(`${name} copied`);
    return setTimeout(() => (target.textContent = "Copy"), 2000);
  };
  return html`<div class="code">
    <p>${name} <button type="button" class="small" aria-label="Copy: ${name}" @click=${copy}>Copy</button></p>
    <pre tabindex="0" role="region" aria-label=${name}>${text}</pre>
  </div>`;
}

function select(element) {
  getSelection().selectAllChildren(element);
}
