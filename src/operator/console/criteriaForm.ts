import { ENTITY_TYPES } from '../../sync/record';
import { html, type Html } from './html';

/** What writes of the sync are limited to, on a page about them. */
export interface ShownCriteria {
  pair?: string | undefined;
  entity?: string | undefined;
  since?: string | undefined;
  cause?: string | undefined;
  row?: string | undefined;
}

/** The form by which writes of the sync are chosen. @param name for screen readers */
export function criteriaForm(
  url: string,
  { pair, entity, since, cause, row }: ShownCriteria,
  { name, button }: { name: string; button: string },
): Html {
  return html`<form class="row" action="${url}" role="search" aria-label="${name}">
    <label>Pair or record<br /><input name="pair" type="search" value="${pair}" size="24" /></label>
    <label
      >Entity<br /><select name="entity">
        <option value="">any</option>
        ${ENTITY_TYPES.map(
          (each) => html`<option value="${each}" ${each === entity && html` selected`}>${each}</option>`,
        )}
      </select></label
    >
    <label>Property<br /><input name="row" value="${row}" size="16" /></label>
    <label>Cause<br /><input name="cause" value="${cause}" size="16" /></label>
    <label>Since (UTC)<br /><input name="since" value="${since}" size="20" /></label>
    <button>${button}</button>
  </form>`;
}
