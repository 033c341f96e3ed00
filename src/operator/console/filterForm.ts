import { html, type Html } from './html';

/** What a list is searched by. */
export interface FilterForm {
  /** Of the list. */
  url: string;
  /** For people who cannot see it. */
  name: string;
  /** The field that is always there. */
  search: Html;
  /** Fields that are there when asked for, or when one of them is in use. */
  more: Html;
  isOpen: boolean;
  /** The words on the button; by default `Filter`. */
  button?: string;
}

export function filterForm({ url, name, search, more, isOpen, button = 'Filter' }: FilterForm): Html {
  return html`<form class="filter" action="${url}" role="search" aria-label="${name}">
    ${search}
    <button class="plain">${button}</button>
    <details ${isOpen && html` open`}>
      <summary>More filters</summary>
      <div class="row">${more}</div>
    </details>
  </form>`;
}
