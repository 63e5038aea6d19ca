// The rows that are most typical of one side alone: as rows with their columns, or as
// images where the reader says that columns are pixels.

import { html, nothing } from "/static/lit/lit-html.js";
import { call } from "/static/page/api.js";
import { featureName, show } from "/static/page/words.js";

const SMALLEST = 4; // pixels of an image's side
const SHOWN = 6; // columns of a row: those that the critic looks at most

export function extremesOf(result) {
  const { source_extremes: source, target_extremes: target } = result.differences;
  return { source, target };
}

// Return the values of the extremes by side: from the result, or from the datasets,
// which may be gone by now; then there are none.
export async function loadRows(job) {
  const extremes = extremesOf(job.result);
  const sides = await Promise.all(
    Object.entries(extremes).map(async ([side, items]) => {
      if (items.length === 0) return [side, []];
      if (items.every(({ sample }) => sample)) return [side, items.map(({ sample }) => sample)];
      const query = items.map(({ row }) => `row=${row}`).join("&");
      try {
        const answer = await call("GET", `/v1/datasets/${job[side].dataset}/rows?${query}`);
        return [side, answer.rows.map(({ values }) => values)];
      } catch {
        return [side, null];
      }
    }),
  );
  return Object.fromEntries(sides);
}

export function extremeRows({ result }, rows, pixels) {
  const extremes = extremesOf(result);
  return html`<div class="halves">
    ${Object.entries(extremes).map(([side, items]) => {
      const values = rows?.[side];
      return html`<div>
        <h3 class=${side}>Most like the ${side} alone</h3>
        ${pixels && values ? images(items, values, pixels) : rowTable(result, items, values, side)}
      </div>`;
    })}
  </div>`;
}

function rowTable(result, items, values, side) {
  const columns = values ? leadingColumns(result, values[0]) : [];
  return html`<div class="scroll" tabindex="0" role="region"
    aria-label="Rows most typical of the ${side}">
    <table>
      <thead><tr>
        <th scope="col">Row</th><th scope="col" class="number">Critic</th>
        ${columns.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}
      </tr></thead>
      <tbody>
        ${items.map(
          ({ row, value }, place) => html`<tr>
            <th scope="row">${row}</th><td class="number">${show(value)}</td>
            ${columns.map(({ key }) => html`<td class="number">${cell(values[place][key])}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

// The columns that lead in the attribution, as keys into a row, which is a list or,
// of a table, an object by names.
function leadingColumns(result, row) {
  const leading = result.differences.attribution.map((item) => {
    const name = featureName(result, item);
    return { name, key: Array.isArray(row) ? item.feature : name };
  });
  return leading.filter(({ key }) => row[key] !== undefined).slice(0, SHOWN);
}

const cell = (value) => (typeof value === "number" ? show(value) : (value ?? "missing"));

// Width, height and channels of images of so many pixels, or null.
export function squareShape(dim) {
  for (const channels of [1, 3]) {
    const width = Math.sqrt(dim / channels);
    if (Number.isInteger(width) && width >= SMALLEST) return { width, height: width, channels };
  }
  return null;
}

function images(items, values, pixels) {
  const all = values.flat();
  const range = [Math.min(...all), Math.max(...all)];
  return html`<ul class="images">
    ${items.map(
      ({ row, value }, place) => html`<li>
        <img alt="Row ${row}" src=${picture(values[place], pixels, range)}>
        <span>row ${row}<br>${show(value)}</span>
      </li>`,
    )}
  </ul>`;
}

function picture(values, { width, height, channels }, [low, high]) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  const level = (value) => (255 * (value - low)) / (high - low || 1);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const from = channels * pixel + Math.min(channel, channels - 1);
      data.data[4 * pixel + channel] = level(values[from]);
    }
    data.data[4 * pixel + 3] = 255;
  }
  context.putImageData(data, 0, 0);
  return canvas.toDataURL();
}

export function pixelChoice(dim, pixels, onChange) {
  const shape = squareShape(dim);
  if (!shape) return nothing;
  const note = `${shape.width} × ${shape.height}${shape.channels === 3 ? ", in color" : ""}`;
  return html`<label class="check">
    <input type="checkbox" .checked=${Boolean(pixels)}
      @change=${({ target }) => onChange(target.checked ? shape : null)}>
    Columns are pixels (${note})
  </label>`;
}
