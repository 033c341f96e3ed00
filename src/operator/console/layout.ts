import type { FastifyReply } from 'fastify';
import { parseCanonicalKey, refKey, type CanonicalKey } from '../../sync/canonicalKey';
import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import type { ConsoleContext } from './consoleContext';
import { Html, escapeText, html, type Part } from './html';
import type { Session } from './sessions';
import { STYLE_VERSION } from './style';

/** Where all of the console is served. */
export const ROOT = '/console';

/** Below which the pages of a connection are. */
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

/** Who looks at a page, and what its forms must carry. */
export interface Viewer {
  session: Session;
  formToken: string;
  /** The connection of the page; null on pages about all connections. */
  at: Pick<ConsoleContext, 'connection' | 'root'> | null;
}

export interface Page {
  title: string;
  body: Html;
  /** Of the navigation. */
  current?: (typeof NAVIGATION)[number]['path'];
}

/** A whole page. @param viewer null before anybody is known */
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
        <main id="main" tabindex="-1">
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
        ? formTo(viewer, `${ROOT}/logout`, html`<span>${user}</span> <button class="plain">Log out</button>`)
        : html`<span>${user}</span>`
    }
  </header>`;
}

/** A form that is sent to us, with the token that makes it ours. @param path below the connection's root */
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
  return html`<a href="${pairUrl(root, key)}">${key}</a>`;
}

/** A link that leaves the console; nothing where the address is not known. */
export function outside(url: string | null, text: string): Html | null {
  return url === null ? null : html`<a href="${url}" rel="noreferrer">${text}</a>`;
}

/** An ISO time for people, in UTC: what Zendesk, the logs and the command line show, too. */
export function time(iso: string | null | undefined): Html | string {
  if (iso == null) return '—';
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

/** Longer values are shown in full only when asked for. */
const SHOWN_AT_ONCE = 600;

export function value(content: Json | undefined): Html {
  if (content === undefined) return html`<span class="soft">not known</span>`;
  if (content === null || content === '' || (Array.isArray(content) && content.length === 0))
    return html`<span class="soft">empty</span>`;
  const text = Array.isArray(content) ? content.map(textOf).join(', ') : textOf(content);
  if (text.length <= SHOWN_AT_ONCE) return html`<span class="value">${text}</span>`;
  return html`<span class="value">${text.slice(0, SHOWN_AT_ONCE)}…</span>
    <details>
      <summary>All ${text.length} characters</summary>
      <span class="value">${text}</span>
    </details>`;
}

/** A table that may be wider than its page; the keyboard scrolls it. */
export function table(caption: string, titles: readonly string[], rows: readonly Part[]): Html {
  return html`<div class="wide" role="region" aria-label="${caption}" tabindex="0">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${titles.map((title) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => labelled(row, titles))}
      </tbody>
    </table>
  </div>`;
}

/** Each cell says its column, which a narrow screen shows in place of the heading. */
function labelled(row: Part, titles: readonly string[]): Part {
  if (!(row instanceof Html)) return row;
  let column = -1;
  let span = 1;
  const markup = row.markup.replace(/<(td|th)\b([^>]*)>/g, (_, name: string, attributes: string) => {
    column += span;
    span = Number(/colspan="(\d+)"/.exec(attributes)?.[1] ?? 1);
    const title = titles[column] ?? '';
    return name === 'th' ? `<th${attributes}>` : `<td data-title="${escapeText(title)}"${attributes}>`;
  });
  return new Html(markup);
}

/** A pair by its title, with its id below; by its id alone where it has no title. */
export function namedPair(root: string, key: CanonicalKey, title: string): Html {
  const { origin } = parseCanonicalKey(key);
  const id = refKey(origin);
  return title === ''
    ? html`<a href="${pairUrl(root, key)}">${id}</a>`
    : html`<a href="${pairUrl(root, key)}">${title}</a>
        <div class="id">${id}</div>`;
}

export function mark(word: string): Html {
  return html`<span class="mark ${word}">${word}</span>`;
}

export const SIDE_NAMES = { zendesk: 'Zendesk', pms: 'PMS' } as const;
