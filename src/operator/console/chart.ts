import { html, type Html } from './html';

/** One bar: the value at a time. It has a `limit` if the value has one. */
export interface Bar {
  /** Milliseconds since 1970. */
  at: number;
  value: number;
  limit?: number;
}

export interface Chart {
  id: string;
  title: string;
  /** The unit of the values, e.g. `s` or `calls`. */
  unit: string;
  bars: readonly Bar[];
  from: number;
  to: number;
  /** The least top of the scale. */
  least: number;
}

const WIDTH = 640;
const HEIGHT = 150;
const LEFT = 48;
const BOTTOM = 22;
const TOP = 10;
const MINUTE_MS = 60_000;

/** Draws bars over time as SVG, so that the page needs no script. A table below it has the same figures. */
export function barChart({ id, title, unit, bars, from, to, least }: Chart): Html {
  const top = niceTop(Math.max(least, ...bars.flatMap(({ value, limit = 0 }) => [value, limit])));
  const x = (at: number) => LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT);
  const y = (value: number) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const width = Math.max(1, ((WIDTH - LEFT) * MINUTE_MS) / (to - from) - 2);
  const limit = bars.at(-1)?.limit;
  if (bars.length === 0) return emptyChart(title);
  return html`<figure class="chart">
    <figcaption id="${id}">${title}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id} ${id}-says">
      <desc id="${id}-says">${summary(bars, unit)}</desc>
      ${grid(top, y)} ${timeAxis(to, x)}
      ${
        limit !== undefined &&
        html`<line class="limit" x1="${LEFT}" x2="${WIDTH}" y1="${y(limit)}" y2="${y(limit)}" />`
      }
      ${bars.map(
        ({ at, value }) =>
          html`<rect
            class="bar"
            x="${round(Math.min(Math.max(x(at) - width / 2, LEFT), WIDTH - width))}"
            y="${round(Math.min(y(value), y(0) - (value > 0 ? 1 : 0)))}"
            width="${round(width)}"
            height="${round(Math.max(y(0) - y(value), value > 0 ? 1 : 0))}"
          />`,
      )}
    </svg>
    <details>
      <summary>As a table: ${title}</summary>
      ${barTable(bars, unit, limit !== undefined)}
    </details>
  </figure>`;
}

function emptyChart(title: string): Html {
  return html`<figure class="chart">
    <figcaption>${title}</figcaption>
    <p class="soft">Nothing in the last hour.</p>
  </figure>`;
}

function grid(top: number, y: (value: number) => number): Html[] {
  return [0, top / 2, top].map(
    (tick) =>
      html`<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${y(tick)}" y2="${y(tick)}" /><text
          x="${LEFT - 6}"
          y="${y(tick) + 4}"
          text-anchor="end"
          >${short(tick)}</text
        >`,
  );
}

function timeAxis(to: number, x: (at: number) => number): Html[] {
  return [60, 45, 30, 15, 0]
    .map((ago) => ({ ago, at: to - ago * MINUTE_MS }))
    .map(
      ({ ago, at }) =>
        html`<text
          x="${x(at)}"
          y="${HEIGHT - 6}"
          text-anchor="${ago === 0 ? 'end' : ago === 60 ? 'start' : 'middle'}"
          >${ago === 0 ? 'now' : `−${ago} min`}</text
        >`,
    );
}

/** @param limited whether the bars have a limit */
function barTable(bars: readonly Bar[], unit: string, limited: boolean): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Time (UTC)</th>
        <th scope="col">${unit}</th>
        ${limited && html`<th scope="col">of</th>`}
      </tr>
    </thead>
    <tbody>
      ${bars.map(
        (bar) =>
          html`<tr>
            <td>${new Date(bar.at).toISOString().slice(11, 16)}</td>
            <td>${round(bar.value)}</td>
            ${limited && html`<td>${bar.limit ?? '—'}</td>`}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function summary(bars: readonly Bar[], unit: string): string {
  const last = bars.at(-1);
  if (!last) return '';
  const most = Math.max(...bars.map(({ value }) => value));
  const of = last.limit === undefined ? '' : ` of ${last.limit}`;
  return `Latest: ${round(last.value)}${of} ${unit}. Highest of the last hour: ${round(most)} ${unit}.`;
}

/** The next 1, 2 or 5 times a power of ten. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value) ?? value;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function short(value: number): string {
  return value >= 1000 ? `${round(value / 1000)}k` : String(round(value));
}
