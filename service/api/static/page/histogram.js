// Draw where the critic sees the samples of both sides.

import uPlot from "/static/uplot/uPlot.esm.js";

const SIDES = [
  { label: "source", stroke: "#1f6feb", fill: "#1f6feb55" },
  { label: "target", stroke: "#cf222e", fill: "#cf222e55" },
];

export function drawHistogram({ edges, source, target }, place, width) {
  place.replaceChildren();
  const paths = uPlot.paths.stepped({ align: 1 });
  const options = {
    title: "Critic values: high is more like the source",
    width,
    height: 260,
    scales: { x: { time: false } },
    axes: [{ label: "critic value" }, { label: "share of the side" }],
    series: [
      { label: "from" },
      ...SIDES.map((side) => ({ ...side, paths, points: { show: false } })),
    ],
  };
  // A step holds from its edge to the next; the last bin's is repeated at its end.
  const steps = (shares) => [...shares, shares.at(-1)];
  new uPlot(options, [edges, steps(source), steps(target)], place);
}
