import { loadReferences } from '../../../activities/activityContext';
import { fixOf, nextAttempt } from '../../explain';
import { workOf, type Work } from '../../pairWork';
import { inWordsOf, titleOf } from '../../titles';
import { parseCanonicalKey, type CanonicalKey } from '../../../sync/canonicalKey';
import type { Link, ParkedConflict } from '../../../sync/link';
import type { JournalEntry } from '../../../sync/journal';
import type { Mapping, PropertyRow } from '../../../sync/mapping';
import { SIDES, type Json, type Side, type SyncRecord } from '../../../sync/record';
import { textOf } from '../../../sync/values';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html } from '../html';
import {
  SIDE_NAMES,
  form,
  mark,
  outside,
  pairLink,
  table,
  time,
  value,
  type Page,
  type Viewer,
} from '../layout';
import { valuesOf, type RowValues, type SideValue } from '../shownValues';
import { latestOf, writesSection } from './historyPage';
import { resyncForm } from './pairsPage';

/** What a pair's page shows. */
export interface PairView {
  key: CanonicalKey;
  link: Link;
  rows: RowValues[];
  mapping: Mapping;
  /** Null where Temporal does not answer. */
  work: Work[] | null;
  /** The latest writes. */
  written: JournalEntry[];
  notice: string | null;
}

const TEMPORAL_WITHIN_MS = 3_000;

/** @returns null where there is no such link */
export async function loadPair(context: ConsoleContext, key: CanonicalKey): Promise<PairView | null> {
  const { store } = await context.database();
  const mapping = context.mapping();
  const link = await store.get(key);
  if (!link) return null;
  const refs = SIDES.flatMap((side) => link.sides[side]?.ref ?? []);
  const seen = await store.observations.get([...refs, key.slice(key.indexOf('/') + 1)]);
  const observed: Partial<Record<Side, SyncRecord>> = {};
  for (const record of seen.values()) observed[record.ref.side] = record;
  const table = mapping.entities[parseCanonicalKey(key).entity];
  const references = await loadReferences({ store, mapping }, [{ table, records: [...seen.values()], link }]);
  const work = await context.client
    .withDeadline(Date.now() + TEMPORAL_WITHIN_MS, () => workOf(context, key))
    .catch((error: unknown) => {
      context.log.warn({ err: error }, 'console: Temporal does not answer');
      return null;
    });
  const written = await latestOf(context, key);
  const values = valuesOf(mapping, link, observed, references);
  return { key, link, rows: values, mapping, work, written, notice: null };
}

export function pairPage(
  view: PairView,
  viewer: Viewer,
  { links, root }: Pick<ConsoleContext, 'links' | 'root'>,
): Page {
  const { key, link, rows, notice } = view;
  const body = html`
    ${notice !== null && html`<p class="notice" role="status">${notice}</p>`} ${facts(view, links)}
    ${resyncForm(viewer, key, link.status === 'quarantined' ? 'retry' : 'resync')}
    ${(link.status === 'conflict' || link.conflicts.length > 0) && decideSection(view, viewer)}
    <h2>Values</h2>
    ${table(
      'Both sides, as the sync knows them',
      ['Property', 'Zendesk', 'PMS', 'State'],
      rows.map((row) => valueRow(row, root)),
    )}
    ${link.files && link.files.length > 0 && html`<p>${link.files.length} files.</p>`}
    <h2>Written by the sync</h2>
    ${writesSection(key, view.written, root)}
    <h2>Overruled values</h2>
    ${historyTable(link)}
  `;
  const title = titleOf(view.mapping, link);
  return { title: title === '' ? key : title, current: '/pairs', body };
}

function facts({ key, link, work }: PairView, links: ConsoleContext['links']): Html {
  const record = (side: Side) => {
    const known = link.sides[side];
    if (!known) return '—';
    return html`${known.ref}, ${known.state}, version ${known.version}, changed ${time(known.updatedAt)}
    ${outside(links.record(known.ref), `Open in ${SIDE_NAMES[side]}`)}`;
  };
  return html`
    <dl class="facts">
      <dt>Pair</dt>
      <dd>${key}</dd>
      <dt>State</dt>
      <dd>${mark(link.status)}${link.reason && html` since ${time(link.reason.since)}`}</dd>
      <dt>Cause</dt>
      <dd>${link.reason ? html`${link.reason.text} (${link.reason.code})` : '—'}</dd>
      ${
        fixOf(link) !== null &&
        html`<dt>What to do</dt>
          <dd>${fixOf(link)}</dd>`
      }
      <dt>Next attempt</dt>
      <dd>${nextAttempt(link)}</dd>
      <dt>At work</dt>
      <dd>${atWork(work)} ${outside(links.workflow(key), 'Open in the Temporal Web UI')}</dd>
      <dt>Zendesk</dt>
      <dd>${record('zendesk')}</dd>
      <dt>PMS</dt>
      <dd>${record('pms')}</dd>
      ${
        link.waitsFor.length > 0 &&
        html`<dt>Waits for</dt>
          <dd>${link.waitsFor.join(', ')}</dd>`
      }
      <dt>Mapping</dt>
      <dd>${link.mappingVersion}</dd>
    </dl>
  `;
}

function historyTable(link: PairView['link']): Html {
  return link.history.length === 0
    ? html`<p>Nothing was overruled.</p>`
    : table(
        'Values that were overruled, latest first',
        ['When', 'Property', 'On', 'Lost', 'Kept', 'By'],
        [...link.history].reverse().map(
          (entry) =>
            html`<tr>
              <td>${time(entry.at)}</td>
              <td>${entry.row}</td>
              <td>${SIDE_NAMES[entry.side]}</td>
              <td>${value(entry.lost)}</td>
              <td>${value(entry.kept)}</td>
              <td>${entry.rule}</td>
            </tr>`,
        ),
      );
}

function atWork(work: Work[] | null): Html | string {
  if (work === null) return 'not known: Temporal does not answer';
  if (work.length === 0) return 'nothing';
  return html`${work.map(
    ({ activity, attempt, lastFailure, nextAttempt: next }) =>
      html`<div>
        ${activity}, attempt
        ${attempt}${lastFailure !== null && html`; failed: ${lastFailure}`}${
          next !== null && html`; next ${time(next)}`
        }
      </div>`,
  )}`;
}

function valueRow({ row, sides, state, notTaken }: RowValues, root: string): Html {
  const cell = (side: Side, { value: content, isNew }: SideValue) =>
    html`<td>
      ${row[side] === null ? html`<span class="soft">no property</span>` : reference(row, inWordsOf(row, side, content), root)}
      ${isNew && html`<div class="soft">seen, not dealt with yet</div>`}
    </td>`;
  const words = {
    agreed: mark('agreed'),
    differs: mark('differs'),
    conflict: mark('conflict'),
    notTaken:
      notTaken &&
      html`<span class="mark differs">not taken</span> by ${SIDE_NAMES[notTaken.side]} since
        ${time(notTaken.since)}
        <div class="soft">${notTaken.words}</div>`,
    onCreation: html`<span class="soft">set on creation only</span>`,
    unknown: html`<span class="soft">—</span>`,
  };
  const names = row.zendesk === row.pms ? row.zendesk : `${row.zendesk ?? '—'} ↔ ${row.pms ?? '—'}`;
  return html`<tr>
    <th scope="row">${names}</th>
    ${cell('zendesk', sides.zendesk)} ${cell('pms', sides.pms)}
    <td>${words[state]}</td>
  </tr>`;
}

/** A reference is the key of the pair that it points to. */
function reference(row: PropertyRow, content: Json | undefined, root: string): Html {
  return row.transform.kind === 'reference' && typeof content === 'string' && content.includes('/')
    ? pairLink(root, content)
    : value(content);
}

function decideSection({ key, link, mapping }: PairView, viewer: Viewer): Html {
  const rows = mapping.entities[link.entity].rows;
  return html`<section id="decide" aria-labelledby="decide-title">
    <h2 id="decide-title">Decide</h2>
    ${link.conflicts.map((parked) =>
      decideRow(
        viewer,
        key,
        parked,
        rows.find(({ id }) => id === parked.row),
      ),
    )}
    ${link.conflicts.length === 0 && decidePair(viewer, key, link)}
  </section>`;
}

function decideRow(viewer: Viewer, key: CanonicalKey, parked: ParkedConflict, row?: PropertyRow): Html {
  const id = `merged-${parked.row}`;
  const mergeable = row !== undefined && row.transform.kind !== 'reference';
  const hint = row?.type === 'string' || row?.type === 'text' ? '' : ', as JSON where it is not text';
  return form(
    viewer,
    '/pair/resolve',
    html`<input type="hidden" name="key" value="${key}" />
      <input type="hidden" name="row" value="${parked.row}" />
      <fieldset>
        <legend>${parked.row}, in conflict since ${time(parked.since)}</legend>
        <div class="two">
          ${SIDES.map(
            (side) =>
              html`<div>
                <p>${SIDE_NAMES[side]}: ${value(parked[side])}</p>
                <button
                  name="choose"
                  value="${side}"
                  aria-label="${parked.row}: take the value of ${SIDE_NAMES[side]}"
                >
                  Take the value of ${SIDE_NAMES[side]}
                </button>
              </div>`,
          )}
        </div>
        ${
          mergeable &&
          html`<p><label for="${id}">Or a value made of both, in the PMS form${hint}</label></p>
            <textarea id="${id}" name="value">
${'\n'}${parked.pms === null ? '' : textOf(parked.pms)}</textarea>
            <p>
              <button class="plain" name="choose" value="merged">Use this value for ${parked.row}</button>
            </p>`
        }
      </fieldset>`,
  );
}

function decidePair(viewer: Viewer, key: CanonicalKey, link: Link): Html {
  const choice = (counterpart: string, words: string) =>
    html`<p>
      <label><input type="radio" name="counterpart" value="${counterpart}" required /> ${words}</label>
    </p>`;
  return form(
    viewer,
    '/pair/resolve',
    html`<input type="hidden" name="key" value="${key}" />
      <fieldset>
        <legend>Which record is the counterpart?</legend>
        ${link.candidates.map((candidate) => choice(candidate, candidate))}
        ${choice('create', 'None of them: create a new one')}
        ${choice('none', 'None: leave the record without a counterpart')}
        <button>Decide</button>
      </fieldset>`,
  );
}
