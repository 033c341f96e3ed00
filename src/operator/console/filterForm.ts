import { html, type Html } from './html';

/** The filters of a list. */
export interface FilterForm {
  /** The address of the list. */
  url: string;
  /** The name of the form, for screen readers. */
  name: string;
  /** The search field, which is always shown. */
  search: Html;
  /** Fields that are folded until a person opens them, or one of them is used. */
  more: Html;
  isOpen: boolean;
  /** The text of the button; by default `Filter`. */
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
