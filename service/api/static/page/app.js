// The frame of every page: which one is asked for, the reader's key and colors, and
// what there is to say about the connection.

import { html, render } from "/static/lit/lit-html.js";
import { call, connection, key } from "/static/page/api.js";
import { announce, byId, problemCard } from "/static/page/parts.js";

const PAGES = [
  [/^\/$/, "/static/page/new.js", "/"],
  [/^\/jobs\/?$/, "/static/page/jobs.js", "/jobs"],
  [/^\/jobs\/([^/]+)\/?$/, "/static/page/job.js", "/jobs"],
  [/^\/history\/?$/, "/static/page/history.js", "/jobs"],
  [/^\/compare\/?$/, "/static/page/compare.js", "/jobs"],
];
const THEMES = { system: ["◐", "Auto"], light: ["☀", "Light"], dark: ["☾", "Dark"] };

function leaveOldAddress() {
  const old = /^#(job_[0-9a-f]+)$/.exec(location.hash);
  if (location.pathname === "/" && old) location.replace(`/jobs/${old[1]}`);
  return Boolean(old);
}

function showTheme() {
  const choice = document.documentElement.dataset.choice;
  const [sign, word] = THEMES[choice];
  render(
    html`<span aria-hidden="true">${sign}</span> ${word}<span class="unseen"> colors, change</span>`,
    byId("theme"),
  );
}

function setUpTheme() {
  addEventListener("themechange", showTheme);
  byId("theme").addEventListener("click", () =>
    kantorTheme.choose(kantorTheme.next[document.documentElement.dataset.choice]),
  );
  showTheme();
}

function setUpKey(onKey) {
  byId("key").value = key.get();
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    key.set(byId("key").value.trim());
    announce("The key is used from now on.");
    onKey();
  });
}

function showConnection(state) {
  if (state === null) return render(html``, byId("connection"));
  const seconds = Math.round(state.pause / 1000);
  return render(
    html`<p class="away">
      <span>${state.detail} Nothing is lost; trying again in ${seconds} s.</span>
      <button type="button" @click=${() => connection.wake()}>Try now</button>
    </p>`,
    byId("connection"),
  );
}

async function start() {
  const main = byId("main");
  const [pattern, script, link] =
    PAGES.find(([known]) => known.test(location.pathname)) ?? PAGES[0];
  document.querySelector(`nav a[href="${link}"]`).setAttribute("aria-current", "page");
  const info = await call("GET", "/v1/info");
  byId("version").textContent = `Version ${info.versions.kantor ?? "unknown"}.`;
  const withKeys = info.authentication !== "none";
  byId("key-form").hidden = !withKeys;
  const view = await import(script);
  const show = async () => {
    try {
      await view.start(main, { info, withKeys, match: pattern.exec(location.pathname) });
    } catch (problem) {
      if (problem.status === undefined) throw problem; // a mistake of ours
      render(problemCard(problem), main);
      if (problem.status === 401) byId("key").focus();
    }
  };
  setUpKey(show);
  await show();
}

connection.show = showConnection;
if (!leaveOldAddress()) {
  setUpTheme();
  await start();
}
addEventListener("hashchange", leaveOldAddress);
