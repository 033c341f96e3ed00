import { loadReferences } from '../../../activities/activityContext';
import { RESERVED_WORDS, fixOf, nextAttempt, notesOn } from '../../explain';
import { offersOf, type Offers } from '../../offers';
import { workOf, type Work } from '../../pairWork';
import type { LinkStore } from '../../../links/linkStore';
import { loadNaming, pairTitles } from '../../naming';
import { inTitles, inWordsOf, rowName, titleOf, titleOfRecord, type Naming } from '../../titles';
import { parseCanonicalKey, refKey, type CanonicalKey } from '../../../sync/canonicalKey';
import type { Link, ParkedConflict } from '../../../sync/link';
import type { JournalEntry } from '../../../sync/journal';
import type { PropertyRow } from '../../../sync/mapping';
import { SIDES, type Json, type RefKey, type Side, type SyncRecord } from '../../../sync/record';
import { textOf } from '../../../sync/values';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html, type Part } from '../html';
import {
  SIDE_NAMES,
  breakable,
  form,
  mark,
  outside,
  namedPair,
  recordName,
  table,
  time,
  value,
  type Page,
  type Viewer,
} from '../layout';
import { valuesOf, type RowValues, type SideValue } from '../shownValues';
import { latestOf, writesSection } from './historyPage';
import { resyncForm } from './pairsPage';

/** The contents of a pair's page. */
export interface PairView {
  key: CanonicalKey;
  link: Link;
  rows: RowValues[];
  naming: Naming;
  /** If the pair was never in sync, the title of its record. */
  title: string;
  /** The titles of the pairs that it refers to, by key. */
  names: ReadonlyMap<CanonicalKey, string>;
  /** If a counterpart must be chosen: the candidates with their titles. */
  candidates: { ref: RefKey; title: string }[];
  /** The candidates that can be chosen at present, and whether a new counterpart can be created. */
  offers: Offers;
  /** Null if Temporal does not answer. */
  work: Work[] | null;
  /** The latest writes. */
  written: JournalEntry[];
  notice: string | null;
}

const TEMPORAL_WITHIN_MS = 3_000;
const TITLE_AT_MOST = 300;

/** @returns null if the link does not exist */
export async function loadPair(context: ConsoleContext, key: CanonicalKey): Promise<PairView | null> {
  const { store } = await context.database();
  const mapping = context.mapping();
  const link = await store.get(key);
  if (!link) return null;
  const refs = SIDES.flatMap((side) => link.sides[side]?.ref ?? []);
  const seen = await store.observations.get([...refs, refKey(parseCanonicalKey(key).origin)]);
  const observed: Partial<Record<Side, SyncRecord>> = {};
  for (const record of seen.values()) observed[record.ref.side] = record;
  const table = mapping.entities[link.entity];
  const references = await loadReferences({ store, mapping }, [{ table, records: [...seen.values()], link }]);
  const work = await context.client
    .withDeadline(Date.now() + TEMPORAL_WITHIN_MS, () => workOf(context, key))
    .catch((error: unknown) => {
      context.log.warn({ err: error }, 'console: Temporal does not answer');
      return null;
    });
  const written = await latestOf(context, key);
  const values = valuesOf(mapping, link, observed, references);
  const naming = await loadNaming({ store, mapping });
  const title = (await pairTitles(store, mapping, [link], TITLE_AT_MOST)).get(key) ?? '';
  const referredTo = values.flatMap(({ row, sides }) =>
    SIDES.flatMap((side) => referred(row, sides[side].value) ?? []),
  );
  const names = await pairTitles(store, mapping, [...(await store.getMany(referredTo)).values()]);
  const offers = await offersOf(store, mapping, link);
  const candidates = await candidatesOf(store, naming, link, offers.free);
  return { key, link, rows: values, naming, title, names, candidates, offers, work, written, notice: null };
}

/** A candidate's title comes from its observation, or from its own pair. */
async function candidatesOf(
  store: LinkStore,
  { mapping }: Naming,
  link: Link,
  refs: readonly RefKey[],
): Promise<PairView['candidates']> {
  const seen = await store.observations.get(refs);
  const owners = await store.claims.owners(refs);
  const pairs = await store.getMany(owners.values());
  return refs.map((ref) => {
    const record = seen.get(ref);
    const pair = pairs.get(owners.get(ref) ?? '');
    if (record) return { ref, title: titleOfRecord(mapping.entities[link.entity], record) };
    return { ref, title: pair ? titleOf(mapping, pair) : '' };
  });
}

export function pairPage(
  view: PairView,
  viewer: Viewer,
  context: Pick<ConsoleContext, 'links' | 'root'>,
): Page {
  const { key, link, notice, naming, title } = view;
  const { root } = context;
  const toDecide = link.status === 'conflict' || link.conflicts.length > 0;
  const body = html`
    ${notice !== null && html`<p class="notice" role="status">${notice}</p>`}
    ${headline(view, viewer, context.links)} ${!toDecide && reasonNotice(view)}
    ${toDecide && decideSection(view, viewer, context)}
    <h2>Values</h2>
    ${valueTables(view, root)}
    ${link.files && link.files.length > 0 && html`<p>${link.files.length} files.</p>`}
    <h2>Written by the sync</h2>
    ${writesSection(key, view.written, naming, context)}
    <h2>Overruled values</h2>
    ${historyTable(link, naming)}
    <h2>Details</h2>
    ${facts(view)}
  `;
  return { title: title === '' ? key : title, current: '/pairs', body };
}

/** The state, links to both records, and the action that is always available. */
function headline({ key, link }: PairView, viewer: Viewer, links: ConsoleContext['links']): Html {
  const record = (side: Side) => {
    const ref = link.sides[side]?.ref;
    if (ref === undefined) return null;
    const name = html`${SIDE_NAMES[side]} ${recordName(ref)}`;
    return html`<span>${outside(links.record(ref), name) ?? name}</span>`;
  };
  return html`<div class="bar">
    ${mark(link.status)} ${SIDES.map(record)}
    ${SIDES.every((side) => !link.sides[side]) && html`<span class="id">${key}</span>`}
    ${outside(links.workflow(key), 'Temporal Web UI')}
    ${resyncForm(viewer, key, link.status === 'quarantined' ? 'retry' : 'resync')}
  </div>`;
}

/** The reason of the pair's state, and what a person can do. */
function reasonNotice({ link, naming }: PairView): Html | null {
  const { reason } = link;
  if (!reason) return null;
  const fix = fixOf(link);
  return html`<div class="notice ${link.status === 'quarantined' ? 'bad' : 'wait'}">
    <strong>${inTitles(naming, link.entity, reason.text)}</strong>
    <span class="soft">since ${time(reason.since)}</span>
    ${fix !== null && html`<p>What to do: ${fix}</p>`}
    ${reason.nextAttempt !== null && html`<p class="soft">Next attempt: ${time(reason.nextAttempt)}</p>`}
  </div>`;
}

/** Rows that may need a person's attention. If there are any, all other rows are folded. */
function valueTables(view: PairView, root: string): Html {
  const known = SIDES.filter((side) => view.rows.some(({ sides }) => sides[side].value !== undefined));
  const shown = (caption: string, rows: readonly RowValues[]) =>
    table(
      caption,
      ['Property', ...known.map((side) => SIDE_NAMES[side]), ...(known.length > 1 ? ['State'] : [])],
      rows.map((row) => valueRow(row, view, known, root)),
    );
  const isOpen = ({ state, sides }: RowValues) =>
    ['conflict', 'notTaken', 'differs'].includes(state) || SIDES.some((side) => sides[side].isNew);
  const open = view.rows.filter(isOpen);
  const rest = view.rows.filter((row) => !isOpen(row));
  if (known.length < 2) return shown('The one record, as the sync knows it', view.rows);
  if (open.length === 0) return shown('Both sides, as the sync knows them', rest);
  return html`${shown('Properties that differ or have changed', open)}
  ${
    rest.length > 0 &&
    html`<details>
      <summary>${rest.length} more properties</summary>
      ${shown('All other properties', rest)}
    </details>`
  }`;
}

function facts({ key, link, work }: PairView): Html {
  const record = (side: Side) => {
    const known = link.sides[side];
    if (!known) return '—';
    return html`${known.ref}, ${known.state}, version ${known.version}, changed ${time(known.updatedAt)}`;
  };
  return html`
    <dl class="facts">
      <dt>Pair</dt>
      <dd>${key}</dd>
      <dt>Reason code</dt>
      <dd>${link.reason?.code ?? '—'}</dd>
      <dt>Next attempt</dt>
      <dd>${nextAttempt(link)}</dd>
      <dt>At work</dt>
      <dd>${atWork(work)}</dd>
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

function historyTable(link: Link, naming: Naming): Html {
  return link.history.length === 0
    ? html`<p>Nothing was overruled.</p>`
    : table(
        'Values that were overruled, latest first',
        ['When', 'Property', 'On', 'Lost', 'Kept', 'By'],
        [...link.history].reverse().map(
          (entry) =>
            html`<tr>
              <td>${time(entry.at)}</td>
              <td>${rowName(naming, link.entity, entry.row)}</td>
              <td>${SIDE_NAMES[entry.side]}</td>
              <td>${value(entry.lost, SHORT)}</td>
              <td>${value(entry.kept, SHORT)}</td>
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

const SHORT = 280;

function valueRow(
  { row, sides, state, notTaken, reserved }: RowValues,
  { naming, names, link }: PairView,
  known: readonly Side[],
  root: string,
): Html {
  const cell = (side: Side, { value: content, isNew }: SideValue) =>
    html`<td>
      ${row[side] === null ? html`<span class="soft">no property</span>` : reference(row, inWordsOf(row, side, content), names, root)}
      ${isNew && known.length > 1 && html`<div class="id">pending change</div>`}
      ${reserved[side] && html`<div class="soft">left alone: ${reserved[side].join(', ')} (${RESERVED_WORDS})</div>`}
    </td>`;
  const words = {
    agreed: mark('agreed'),
    differs: mark('differs'),
    conflict: mark('conflict'),
    notTaken:
      notTaken &&
      html`${mark('differs', 'not taken')} by ${SIDE_NAMES[notTaken.side]} since ${time(notTaken.since)}
        <div class="soft">${inTitles(naming, link.entity, notTaken.words)}</div>`,
    onCreation: html`<span class="soft">set on creation only</span>`,
    unknown: html`<span class="soft">—</span>`,
  };
  return html`<tr>
    <th scope="row">${rowName(naming, link.entity, row.id)}</th>
    ${known.map((side) => cell(side, sides[side]))} ${known.length > 1 && html`<td>${words[state]}</td>`}
  </tr>`;
}

/** The value of a reference is the key of the pair that it points to. */
function reference(
  row: PropertyRow,
  content: Json | undefined,
  names: PairView['names'],
  root: string,
): Html {
  const key = referred(row, content);
  return key === null ? value(content, SHORT) : namedPair(root, key, names.get(key) ?? '');
}

function referred({ transform }: PropertyRow, content: Json | undefined): CanonicalKey | null {
  return transform.kind === 'reference' && typeof content === 'string' && content.includes('/')
    ? content
    : null;
}

function decideSection(view: PairView, viewer: Viewer, { links }: Pick<ConsoleContext, 'links'>): Html {
  const { link, naming } = view;
  return html`<section id="decide" aria-labelledby="decide-title">
    <h2 id="decide-title">Decide</h2>
    ${
      link.conflicts.length === 0
        ? html`<p>${link.reason && inTitles(naming, link.entity, link.reason.text)}</p>
            ${decidePair(viewer, view, links)}`
        : link.conflicts.map((parked) => decideRow(viewer, view, parked))
    }
  </section>`;
}

function decideRow(viewer: Viewer, { key, link, naming }: PairView, parked: ParkedConflict): Html {
  const id = `merged-${parked.row}`;
  const row = naming.mapping.entities[link.entity].rows.find((each) => each.id === parked.row);
  const name = rowName(naming, link.entity, parked.row);
  const hint = row?.type === 'string' || row?.type === 'text' ? '' : ', as JSON if it is not text';
  const merge = html`<details>
    <summary>Another value for ${name}</summary>
    <label for="${id}">A merged value, in the form of the PMS${hint}</label>
    <textarea id="${id}" name="value">${'\n'}${parked.pms === null ? '' : textOf(parked.pms)}</textarea>
    <p><button class="plain" name="choose" value="merged">Use this value for ${name}</button></p>
  </details>`;
  return form(
    viewer,
    '/pair/resolve',
    html`<input type="hidden" name="key" value="${key}" />
      <input type="hidden" name="row" value="${parked.row}" />
      <fieldset>
        <legend>${name}</legend>
        <div class="soft">in conflict since ${time(parked.since)}</div>
        <div class="sides">${SIDES.map((side) => sideChoice(side, name, parked, row))}</div>
        ${row !== undefined && row.transform.kind !== 'reference' && merge}
      </fieldset>`,
  );
}

function sideChoice(side: Side, name: string, parked: ParkedConflict, row: PropertyRow | undefined): Html {
  return html`<div class="side">
    <div>
      <p class="soft">${SIDE_NAMES[side]}</p>
      <p>${value(inWordsOf(row, side, parked[side]))}</p>
    </div>
    <button name="choose" value="${side}" aria-label="${name}: take the value of ${SIDE_NAMES[side]}">
      Take the value of ${SIDE_NAMES[side]}
    </button>
  </div>`;
}

function decidePair(
  viewer: Viewer,
  { key, candidates, offers }: PairView,
  links: ConsoleContext['links'],
): Html {
  const choice = (counterpart: string, words: Part) =>
    html`<label class="choice">
      <input type="radio" name="counterpart" value="${counterpart}" required /> <span>${words}</span>
    </label>`;
  const candidate = ({ ref, title }: PairView['candidates'][number]) => {
    const place = links.record(ref);
    return html`${choice(ref, title === '' ? ref : html`${title} <span class="id">${breakable(ref)}</span>`)}
    ${place !== null && html`<a href="${place}" rel="noreferrer" aria-label="Open ${ref}">Open</a>`}`;
  };
  return form(
    viewer,
    '/pair/resolve',
    html`<input type="hidden" name="key" value="${key}" />
      <fieldset>
        <legend>Which record is the counterpart?</legend>
        ${candidates.map((each) => html`<div class="choices">${candidate(each)}</div>`)}
        ${offers.create && choice('create', candidates.length > 0 ? 'None of them: create a new one' : 'Create a new one')}
        ${choice('none', 'None: leave the record without a counterpart')}
        ${notesOn(offers).map((note) => html`<p class="soft">${note}</p>`)}
        <p><button>Decide</button></p>
      </fieldset>`,
  );
}
