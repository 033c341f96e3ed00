import type { FastifyReply } from 'fastify';
import { parseCanonicalKey, parseRef, refKey, type CanonicalKey } from '../../sync/canonicalKey';
import type { Json, RefKey } from '../../sync/record';
import { textOf } from '../../sync/values';
import type { ConsoleContext } from './consoleContext';
import { Html, escapeText, html, type Part } from './html';
import type { Session } from './sessions';
import { STYLE_VERSION } from './style';

/** The path of the console. */
export const ROOT = '/console';

/** The path of a connection's pages. */
export function rootOf(connection: string | null): string {
  return connection === null ? ROOT : `${ROOT}/connections/${connection}`;
}

const NAVIGATION = [
  { path: '', name: 'Overview' },
  { path: '/pairs', name: 'Pairs' },
  { path: '/conflicts', name: 'Conflicts' },
  { path: '/quarantine', name: 'Quarantine' },
  { path: '/history', name: 'History' },
  { path: '/undo', name: 'Undo' },
  { path: '/schedules', name: 'Schedules' },
] as const;

/** The user of a page, and the token for its forms. */
export interface Viewer {
  session: Session;
  formToken: string;
  /** The connection of the page; null on pages about all connections. */
  at: Pick<ConsoleContext, 'connection' | 'root'> | null;
}

export interface Page {
  title: string;
  body: Html;
  /** The current entry of the navigation. */
  current?: (typeof NAVIGATION)[number]['path'];
}

/** A whole page. @param viewer null if the user is not known */
export function render({ title, body, current }: Page, viewer: Viewer | null): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${[title, ...named(viewer), 'zendesk-pms-sync'].join(' · ')}</title>
        <link rel="stylesheet" href="${ROOT}/style.css?v=${STYLE_VERSION}" />
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        ${viewer && banner(viewer, current)}
        <main id="main" tabindex="-1" ${!viewer && html`class="narrow"`}>
          ${!viewer && html`<p class="brand">zendesk-pms-sync</p>`}
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`.markup;
}

export function send(reply: FastifyReply, page: Page, viewer: Viewer | null): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(render(page, viewer));
}

function named(viewer: Viewer | null): string[] {
  return [viewer?.at?.connection].filter((name) => name != null);
}

function banner(viewer: Viewer, current: Page['current']): Html {
  const { user, by } = viewer.session;
  const { at } = viewer;
  const link = (url: string, name: string, isCurrent: boolean) =>
    html`<li><a href="${url}" ${isCurrent && html` aria-current="page"`}>${name}</a></li>`;
  return html`<header>
    <strong>${named(viewer)[0] ?? 'zendesk-pms-sync'}</strong>
    <nav aria-label="Console">
      <ul>
        ${at?.connection !== null && link(ROOT, 'Connections', at === null)}
        ${at && NAVIGATION.map(({ path, name }) => link(`${at.root}${path}`, name, path === current))}
      </ul>
    </nav>
    ${
      by === 'token'
        ? formTo(
            viewer,
            `${ROOT}/logout`,
            html`<span>${user}</span> <button class="plain">Log out</button>`,
            'user',
          )
        : html`<span class="user">${user}</span>`
    }
  </header>`;
}

/** A form with the token that proves that it is ours. @param path below the connection's root */
export function form(viewer: Viewer, path: string, content: Part, className = ''): Html {
  return formTo(viewer, `${viewer.at?.root ?? ROOT}${path}`, content, className);
}

function formTo({ formToken }: Viewer, url: string, content: Part, className = ''): Html {
  return html`<form method="post" action="${url}" class="${className}">
    <input type="hidden" name="formToken" value="${formToken}" />
    ${content}
  </form>`;
}

export function pairUrl(root: string, key: CanonicalKey): string {
  return `${root}/pair?key=${encodeURIComponent(key)}`;
}

export function pairLink(root: string, key: CanonicalKey): Html {
  return html`<a href="${pairUrl(root, key)}">${breakable(key)}</a>`;
}

/** A link to another site; nothing if the address is not known. */
export function outside(url: string | null, text: Part): Html | null {
  return url === null ? null : html`<a href="${url}" rel="noreferrer">${text}</a>`;
}

/** An ISO time in UTC, which Zendesk, the logs and the command line also show. The line breaks after the date only. */
export function time(iso: string | null | undefined): Html | string {
  if (iso == null) return '—';
  const [date = '', clock = ''] = iso.slice(0, 19).split('T');
  return html`<time datetime="${iso}"><span>${date}</span> <span>${clock} UTC</span></time>`;
}

/** Longer values are folded. */
const SHOWN_AT_ONCE = 600;

/** @param atOnce the number of characters that are shown before the rest is folded */
export function value(content: Json | undefined, atOnce = SHOWN_AT_ONCE): Html {
  if (content === undefined) return html`<span class="soft">not known</span>`;
  if (content === null || content === '' || (Array.isArray(content) && content.length === 0))
    return html`<span class="soft">empty</span>`;
  const text = Array.isArray(content) ? content.map(textOf).join(', ') : textOf(content);
  if (text.length <= atOnce) return html`<span class="value">${text}</span>`;
  return html`<span class="value">${text.slice(0, atOnce)}…</span>
    <details>
      <summary>All ${text.length} characters</summary>
      <span class="value">${text}</span>
    </details>`;
}

/**
 * A table that may be wider than its page, and can be scrolled by keyboard.
 * @param rows each is a `<tr>`, or several rows that belong together, with a heading that has a `rowspan`
 */
export function table(
  caption: string,
  titles: readonly string[],
  rows: readonly Part[],
  className = '',
): Html {
  return html`<div class="wide ${className}" role="region" aria-label="${caption}" tabindex="0">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${titles.map(
            (title) =>
              html`<th scope="col">
                ${title === 'Action' ? html`<span class="hidden">${title}</span>` : title}
              </th>`,
          )}
        </tr>
      </thead>
      ${
        rows.some(Array.isArray)
          ? rows.map(
              (row) =>
                html`<tbody class="group">
                  ${labelled(row, titles)}
                </tbody>`,
            )
          : html`<tbody>
              ${rows.map((row) => labelled(row, titles))}
            </tbody>`
      }
    </table>
  </div>`;
}

/** Each cell names its column, which a narrow screen shows beside the content, and says whether it is empty. */
function labelled(row: Part, titles: readonly string[]): Html {
  const spanned: number[] = [];
  let column = 0;
  const markup = html`${row}`.markup.replace(
    /<(tr|td|th)\b([^>]*)>/g,
    (tag, name: string, attributes: string) => {
      if (name === 'tr') column = 0;
      if (name === 'tr') return tag;
      for (; (spanned[column] ?? 0) > 0; column += 1) spanned[column] = (spanned[column] ?? 0) - 1;
      spanned[column] = spanOf('row', attributes) - 1;
      const title = escapeText(titles[column] ?? '');
      column += spanOf('col', attributes);
      if (name === 'th') return tag;
      const label = attributes.includes('data-title') ? '' : ` data-title="${title}"`;
      return `<td${label}${attributes}><div>`;
    },
  );
  return new Html(
    markup
      .replaceAll('</td>', '</div></td>')
      .replace(/<td ([^>]*)><div>\s*(—?)\s*<\/div>/g, '<td data-empty $1><div>$2</div>'),
  );
}

function spanOf(what: 'row' | 'col', attributes: string): number {
  return Number(new RegExp(`${what}span="(\\d+)"`).exec(attributes)?.[1] ?? 1);
}

/** The title of a pair, with its id below; the id alone if there is no title. */
export function namedPair(root: string, key: CanonicalKey, title: string): Html {
  const { origin } = parseCanonicalKey(key);
  const id = refKey(origin);
  return title === ''
    ? html`<a href="${pairUrl(root, key)}">${breakable(id)}</a>`
    : html`<a href="${pairUrl(root, key)}"><bdi>${title}</bdi></a>
        <div class="id">${breakable(id)}</div>`;
}

/** A state, in its colour. @param words replace the name of the state */
export function mark(state: string, words = state): Html {
  return html`<span class="mark ${state}">${words}</span>`;
}

/** A record's name in a column of its side. */
export function recordName(ref: RefKey): Html {
  const { kind, id } = parseRef(ref);
  return html`${kind} ${unbroken(id)}`;
}

/** An id that may be broken after its parts only. */
export function breakable(id: string): Part {
  return id.split(/(?<=[:/,])/).map((part, n) => html`${n > 0 && html`<wbr />`}${unbroken(part)}`);
}

/** Ids up to this length are not broken. */
const IN_ONE_LINE = 20;

function unbroken(text: string): Part {
  return text.length > IN_ONE_LINE ? text : html`<span class="whole">${text}</span>`;
}

export const SIDE_NAMES = { zendesk: 'Zendesk', pms: 'PMS' } as const;
