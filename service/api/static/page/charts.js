// The training curve and the histogram of critic values, in the reader's colors.

import uPlot from "/static/uplot/uPlot.esm.js";
import { show } from "/static/page/words.js";

const HEIGHT = 260;
const color = (name) => () =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const axis = (label, size) => ({
  label,
  size,
  labelSize: 22,
  stroke: color("muted"),
  grid: { stroke: color("line"), width: 1 },
  ticks: { stroke: color("line"), width: 1, size: 4 },
  values: (_, values) => values.map((value) => (value === null ? "" : show(value))),
});
const value = (_, raw) => (raw === null || raw === undefined ? "–" : show(raw));

function draw(place, { series, labels, data, time = false, bands = [], hooks = {} }) {
  const size = () => ({ width: Math.max(200, place.clientWidth), height: HEIGHT });
  const options = {
    ...size(),
    scales: { x: time ? { time, range: (_, first, last) => timesAround(first, last) } : { time } },
    axes: [{ ...axis(labels[0], 34), ...(time && { values: undefined }) }, axis(labels[1], 56)],
    bands,
    hooks,
    cursor: { drag: { x: false, y: false } },
    series: series.map((item) => ({ value, ...item })),
  };
  place.replaceChildren();
  const chart = new uPlot(options, data, place);
  new ResizeObserver(() => chart.setSize(size())).observe(place);
  addEventListener("themechange", () => chart.redraw());
  return chart;
}

const LEAST_S = 3600; // of an axis of time, lest one batch alone shows years

// Return where an axis of time begins and ends, with room beside its first and last.
export function timesAround(first, last) {
  const room = Math.max(0.04 * (last - first), (LEAST_S - (last - first)) / 2);
  return [first - room, last + room];
}

const still = { points: { show: false } };
// One point is no line yet: it is shown itself.
const first = { points: { show: ({ data }) => data[0].length === 1 } };

// Draw a curve that grows: returns what takes all of its points, and the answer.
export function curveChart(place) {
  const series = [
    { label: "step" },
    { label: "fit", stroke: color("muted"), width: 1, ...first },
    { label: "validation", stroke: color("accent"), width: 2, ...first },
    { label: "lower bound", stroke: color("good"), width: 1.5, dash: [6, 4], ...still },
  ];
  const chart = draw(place, { series, labels: ["step", "distance"], data: [[], [], [], []] });
  return (points, bound = null) =>
    chart.setData([
      points.map(({ step }) => step),
      points.map(({ train }) => train),
      points.map(({ validation }) => validation),
      points.map(() => bound),
    ]);
}

// Draw answers by the time of their jobs: the estimate, two standard errors around it.
export function historyChart(place, found) {
  const edge = (label) => ({ label, stroke: color("source-fill"), width: 1, ...still });
  const dots = (name, size) => ({ points: { show: true, size, fill: color(name) } });
  const series = [
    { label: "time", value: (_, at) => (at ? new Date(1000 * at).toLocaleString("en") : "–") },
    edge("low"),
    { label: "estimate", stroke: color("accent"), width: 2, ...dots("accent", 8) },
    edge("high"),
    { label: "lower bound", stroke: color("good"), width: 1.5, dash: [6, 4], ...dots("good", 6) },
  ];
  const around = (answer, errors) => answer.estimate + errors * answer.standard_error;
  draw(place, {
    series,
    labels: ["", "distance"],
    time: true,
    bands: [{ series: [3, 1], fill: color("source-fill") }],
    hooks: { drawAxes: [drawIntervals] },
    data: [
      found.map(({ job }) => Date.parse(job.created_at) / 1000),
      ...[-2, 0, 2].map((errors) => found.map(({ answer }) => around(answer, errors))),
      found.map(({ answer }) => answer.lower_bound),
    ],
  });
}

// Draw each interval from its low to its high end: a band alone shows none of one batch.
function drawIntervals({ ctx, data: [times, lows, , highs], valToPos }) {
  ctx.save();
  ctx.strokeStyle = color("accent")();
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.beginPath();
  times.forEach((time, i) => {
    const x = valToPos(time, "x", true);
    ctx.moveTo(x, valToPos(lows[i], "y", true));
    ctx.lineTo(x, valToPos(highs[i], "y", true));
  });
  ctx.stroke();
  ctx.restore();
}

export function histogramChart(place, { edges, source, target }) {
  const paths = uPlot.paths.stepped({ align: 1 });
  const side = (name) => ({
    label: name,
    stroke: color(name),
    fill: color(`${name}-fill`),
    width: 1.5,
    paths,
    ...still,
  });
  const series = [{ label: "from" }, side("source"), side("target")];
  // A step holds from its edge to the next; the last bin's is repeated at its end.
  const steps = (shares) => [...shares, shares.at(-1)];
  const data = [edges, steps(source), steps(target)];
  draw(place, { series, labels: ["value of the critic", "share of the side"], data });
}
