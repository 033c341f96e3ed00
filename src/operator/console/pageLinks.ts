import { html, type Html } from './html';

/**
 * Links to the other pages of a list; null if the list has one page only. @param next the record after which the next
 * page begins
 */
export function pageLinks(
  url: string,
  query: Readonly<Record<string, string | undefined>>,
  next: string | null,
): Html | null {
  const to = (after: string | null) => {
    const asked = Object.entries({ ...query, after }).filter(([, it]) => it != null) as [string, string][];
    return `${url}?${new URLSearchParams(asked).toString()}`;
  };
  if (next === null && query['after'] === undefined) return null;
  return html`<nav aria-label="Pages" class="pages">
    <ul>
      ${query['after'] !== undefined && html`<li><a href="${to(null)}">First page</a></li>`}
      ${next !== null && html`<li><a href="${to(next)}">Next page</a></li>`}
    </ul>
  </nav>`;
}
