// The page: submit two files, watch the critic train, read the answer.

import uPlot from "/static/uplot/uPlot.esm.js";
import { extremes, features, numbers, verdict } from "/static/page/answer.js";
import { follow } from "/static/page/events.js";
import { drawHistogram } from "/static/page/histogram.js";

const byId = (id) => document.getElementById(id);
const form = byId("form");
let job = null;

async function call(method, path, body) {
  const response = await fetch(path, { method, body, headers: authorization() });
  const document = await response.json();
  if (!response.ok) throw new Error(explain(document));
  return document;
}

function authorization() {
  const key = form.elements.key.value;
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function explain(problem) {
  const parts = (problem.errors ?? []).map(
    (error) => `${error.pointer ?? error.parameter}: ${error.detail}`,
  );
  return [problem.title, ...(parts.length ? parts : [problem.detail])].join("\n");
}

function say(text, failed = false) {
  byId("status").textContent = text;
  byId("status").className = failed ? "error" : "";
}

function chartWidth() {
  return Math.min(680, byId("form").clientWidth - 34);
}

function startChart() {
  byId("chart").replaceChildren();
  const options = {
    title: "Dual objective of the 1-Lipschitz critic",
    width: chartWidth(),
    height: 300,
    scales: { x: { time: false } },
    axes: [{ label: "training step" }, { label: "distance" }],
    series: [
      { label: "step" },
      { label: "fit", stroke: "#9aa5b1" },
      { label: "validation", stroke: "#1f6feb", width: 2 },
    ],
  };
  const points = [[], [], []];
  const chart = new uPlot(options, points, byId("chart"));
  return ({ step, train, validation }) => {
    [step, train, validation].forEach((value, index) => points[index].push(value));
    chart.setData(points);
  };
}

function requestBody() {
  const body = new FormData();
  for (const side of ["source", "target"]) {
    body.append(side, form.elements[side].files[0]);
  }
  const config = {
    effort: form.elements.effort.value,
    seed: Number(form.elements.seed.value),
  };
  body.append("config", JSON.stringify(config));
  return body;
}

function onEvent(draw, { type, data }) {
  if (type !== "progress") {
    say(type === "queued" ? "Waiting for a worker." : `The job is ${type}.`);
    return;
  }
  say(`Training: step ${data.step} of at most ${data.max_steps}.`);
  if (data.validation !== undefined) draw(data);
}

function showAnswer(ended) {
  if (ended.error) return say(`${ended.error.code}: ${ended.error.detail}`, true);
  if (!ended.result) return say("The job was cancelled.");
  say("Done.");
  byId("verdict").textContent = verdict(ended.result);
  byId("numbers").replaceChildren(
    ...numbers(ended.result).flatMap(([name, value]) => [
      element("dt", name),
      element("dd", value),
    ]),
  );
  byId("warnings").textContent = ended.result.warnings.join(" ");
  byId("answer").hidden = false;
  showDifferences(ended.result.differences);
}

function showDifferences(differences) {
  drawHistogram(differences.histogram, byId("histogram"), chartWidth());
  byId("features").replaceChildren(...features(differences).map(tableRow));
  byId("extremes").replaceChildren(...extremes(differences).map(tableRow));
}

function tableRow(cells) {
  const row = document.createElement("tr");
  row.replaceChildren(...cells.map((cell) => element("td", cell)));
  return row;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

async function run() {
  byId("answer").hidden = true;
  say("Uploading.");
  const draw = startChart();
  job = await call("POST", "/v1/jobs", requestBody());
  byId("job").textContent = job.id;
  byId("cancel").disabled = false;
  await follow(job.links.events, authorization(), (event) => onEvent(draw, event));
  showAnswer(await call("GET", job.links.self));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("start").disabled = true;
  try {
    await run();
  } catch (error) {
    say(error.message, true);
  } finally {
    byId("start").disabled = false;
    byId("cancel").disabled = true;
  }
});

byId("cancel").addEventListener("click", () =>
  call("POST", job.links.cancel).catch((error) => say(error.message, true)),
);

const info = await call("GET", "/v1/info");
byId("formats").textContent = ` (${info.extensions.join(", ")})`;
for (const side of ["source", "target"]) {
  form.elements[side].accept = [...info.extensions, ".gz"].join(",");
}
byId("key-label").hidden = info.authentication === "none";
byId("start").disabled = false;
