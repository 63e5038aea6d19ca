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

function draw(place, { series, labels, data, time = false, bands = [] }) {
  const size = () => ({ width: Math.max(200, place.clientWidth), height: HEIGHT });
  const options = {
    ...size(),
    scales: { x: { time } },
    axes: [{ ...axis(labels[0], 34), ...(time && { values: undefined }) }, axis(labels[1], 56)],
    bands,
    cursor: { drag: { x: false, y: false } },
    series: series.map((item) => ({ value, ...item })),
  };
  place.replaceChildren();
  const chart = new uPlot(options, data, place);
  new ResizeObserver(() => chart.setSize(size())).observe(place);
  addEventListener("themechange", () => chart.redraw());
  return chart;
}

const still = { points: { show: false } };

// Draw a curve that grows: returns what takes all of its points, and the answer.
export function curveChart(place) {
  const series = [
    { label: "step" },
    { label: "fit", stroke: color("muted"), width: 1, ...still },
    { label: "validation", stroke: color("accent"), width: 2, ...still },
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
  const dots = { points: { show: true, size: 7, fill: color("accent") } };
  const series = [
    { label: "time", value: (_, at) => (at ? new Date(1000 * at).toLocaleString("en") : "–") },
    edge("low"),
    { label: "estimate", stroke: color("accent"), width: 2, ...dots },
    edge("high"),
    { label: "lower bound", stroke: color("good"), width: 1.5, dash: [6, 4], ...still },
  ];
  const around = (answer, errors) => answer.estimate + errors * answer.standard_error;
  draw(place, {
    series,
    labels: ["", "distance"],
    time: true,
    bands: [{ series: [3, 1], fill: color("source-fill") }],
    data: [
      found.map(({ job }) => Date.parse(job.created_at) / 1000),
      ...[-2, 0, 2].map((errors) => found.map(({ answer }) => around(answer, errors))),
      found.map(({ answer }) => answer.lower_bound),
    ],
  });
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
