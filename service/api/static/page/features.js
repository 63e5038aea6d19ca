// Columns by what they have to do with the difference.

import { html, nothing } from "/static/lit/lit-html.js";
import { featureName, pValue, percent, show } from "/static/page/words.js";

const FEW = 12;

export function featureTable(result) {
  const { attribution } = result.differences;
  const apart = distancesOf(result);
  const names = attribution.map((item) => featureName(result, item));
  const shown = attribution.slice(0, FEW);
  const more = attribution.slice(FEW);
  const most = attribution[0]?.share || 1;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Columns by share">
      ${table(shown, names, apart, most)}
    </div>
    ${more.length
      ? html`<details>
          <summary>${more.length} more columns</summary>
          <div class="scroll" tabindex="0" role="region" aria-label="More columns by share">
            ${table(more, names.slice(FEW), apart, most)}
          </div>
        </details>`
      : nothing}
    <p class="note">
      Share: how much of the way from target to source leads along this column.
      ${apart.size ? "By itself: the exact distance of this column alone, with its p-value corrected for the number of columns." : nothing}
    </p>`;
}

// The exact distance of each column by itself, where the result has it.
function distancesOf(result) {
  return new Map((result.by_column ?? []).map((item) => [item.column, item]));
}

function table(items, names, apart, most) {
  return html`<table>
    <thead><tr>
      <th scope="col">Column</th>
      <th scope="col" class="wide">Share</th>
      <th scope="col">More of it in</th>
      ${apart.size
        ? html`<th scope="col" class="number">By itself</th><th scope="col" class="number">p-value</th>`
        : nothing}
    </tr></thead>
    <tbody>
      ${items.map((item, place) => {
        const alone = apart.get(names[place]);
        return html`<tr>
          <th scope="row">${names[place]}</th>
          <td>${bar(item, most)}</td>
          <td>${direction(item)}</td>
          ${apart.size
            ? html`<td class="number">${alone ? show(alone.w1) : ""}</td>
                <td class="number">${alone ? pValue(alone.p_adjusted) : ""}</td>`
            : nothing}
        </tr>`;
      })}
    </tbody>
  </table>`;
}

function bar({ share, slope }, most) {
  const side = sideOf(slope) || "neither";
  return html`<span class="share">
    <svg aria-hidden="true" height="10"><rect class=${side} width="${Math.max(0.5, (100 * share) / most)}%" height="10" rx="2"></rect></svg>
    <span>${share > 0 && share < 0.001 ? "< 0.1 %" : percent(Number(share.toFixed(3)))}</span>
  </span>`;
}

// A category of many levels has no direction.
function sideOf(slope) {
  if (slope === null || slope === undefined) return "";
  return slope > 0 ? "source" : "target";
}

function direction({ slope }) {
  const side = sideOf(slope);
  return html`<span class=${side}>${side}</span>`;
}
