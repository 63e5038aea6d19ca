// Several numbers and intervals on one axis, a line each. Everything is said in words
// beside its line; the picture itself is for the eyes alone.

import { html, nothing, svg } from "/static/lit/lit-html.js";
import { bracket, show, withError } from "/static/page/words.js";

const MIDDLE = 14; // of a line's height of 28
const MARGIN = 2; // percent of the width, on both sides

// The lines of one answer.
export function linesOf(answer, sides = true) {
  const { estimate, standard_error: error, lower_bound: bound } = answer;
  const [low, high] = [answer.sample_lower_bound, answer.sample_upper_bound];
  const lines = [
    { name: "Lower bound", kind: "bound", from: bound,
      text: bound > 0 ? `at least ${show(bound)}` : "0: nothing shown" },
    { name: "Estimate", kind: "estimate", at: estimate, from: estimate - 2 * error,
      to: estimate + 2 * error, text: withError(estimate, error) },
  ];
  if (sides && typeof low === "number") {
    lines.push({ name: "Between these samples", kind: "bracket", from: low,
      to: high ?? low, open: high === null, text: bracket(low, high) });
  }
  return lines;
}

export function axisOf(lines) {
  const ends = lines.flatMap(({ from, to }) => [from, to]).filter(Number.isFinite);
  const low = Math.min(0, ...ends);
  const high = Math.max(0, ...ends) || 1;
  return { low, high: low + 1.04 * (high - low) };
}

export function numberLine(lines, axis = axisOf(lines)) {
  return html`<ul class="numberline">
    ${lines.map(
      (line) => html`<li>
        <span class="name">${line.name}</span>
        <span class="value">${line.text}</span>
        <svg aria-hidden="true" height=${2 * MIDDLE}>${zero(axis)}${SHAPES[line.kind](line, axis)}</svg>
      </li>`,
    )}
    <li class="axis" aria-hidden="true"><svg height="22">${ticks(axis)}</svg></li>
  </ul>`;
}

function place(value, { low, high }) {
  const share = (value - low) / (high - low);
  return `${MARGIN + (100 - 2 * MARGIN) * Math.min(1, Math.max(0, share))}%`;
}

const stroke = (from, to, axis, kind) =>
  svg`<line class=${kind} x1=${place(from, axis)} x2=${place(to, axis)} y1=${MIDDLE} y2=${MIDDLE}></line>`;

const end = (at, axis, kind) =>
  svg`<line class=${kind} x1=${place(at, axis)} x2=${place(at, axis)} y1=${MIDDLE - 7} y2=${MIDDLE + 7}></line>`;

const SHAPES = {
  bound: ({ from }, axis) =>
    from > 0
      ? svg`${stroke(from, axis.high, axis, "bound reach")}${end(from, axis, "bound")}`
      : end(0, axis, "bound none"),
  estimate: ({ at, from, to }, axis) =>
    svg`${stroke(from, to, axis, "estimate")}
      <circle class="estimate" cx=${place(at, axis)} cy=${MIDDLE} r="5.5"></circle>`,
  bracket: ({ from, to, open }, axis) =>
    svg`${stroke(from, open ? axis.high : to, axis, "bracket")}${end(from, axis, "bracket")}
      ${open ? nothing : end(to, axis, "bracket")}`,
};

const zero = (axis) =>
  svg`<line class="zero" x1=${place(0, axis)} x2=${place(0, axis)} y1="0" y2=${2 * MIDDLE}></line>`;

function ticks(axis) {
  return roundValues(axis).map(
    (value) => svg`<text x=${place(value, axis)} y="15" text-anchor="middle">${show(value)}</text>`,
  );
}

// About four values of 1, 2 or 5 times a power of ten.
function roundValues({ low, high }) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const first = Math.ceil(low / step);
  const length = Math.floor(high / step) - first + 1;
  return Array.from({ length }, (_, index) => (first + index) * step);
}
