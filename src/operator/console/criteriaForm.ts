import { ENTITY_TYPES } from '../../sync/record';
import { filterForm } from './filterForm';
import { html, type Html } from './html';

/** The filters of a page about writes of the sync. */
export interface ShownCriteria {
  pair?: string | undefined;
  entity?: string | undefined;
  since?: string | undefined;
  cause?: string | undefined;
  row?: string | undefined;
}

/** The form that selects writes of the sync. @param name for screen readers */
export function criteriaForm(
  url: string,
  { pair, entity, since, cause, row }: ShownCriteria,
  { name, button }: { name: string; button: string },
): Html {
  const more = html`<label class="field"
      >Entity
      <select name="entity">
        <option value="">any</option>
        ${ENTITY_TYPES.map(
          (each) => html`<option value="${each}" ${each === entity && html` selected`}>${each}</option>`,
        )}
      </select></label
    >
    <label class="field">Property <input name="row" value="${row}" size="14" /></label>
    <label class="field">Cause <input name="cause" value="${cause}" size="14" /></label>
    <label class="field"
      >Since (UTC) <input name="since" value="${since}" size="22" placeholder="2026-05-01T12:00:00Z"
    /></label>`;
  return filterForm({
    ...{ url, name, button, more, isOpen: [entity, row, cause, since].some(Boolean) },
    search: html`<label class="field"
      >Pair or record <input name="pair" type="search" value="${pair}"
    /></label>`,
  });
}
