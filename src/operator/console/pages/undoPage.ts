import { z } from 'zod';
import type { JournalFilter } from '../../../links/journalStore';
import type { Undo } from '../../../links/undoStore';
import { ENTITY_TYPES } from '../../../sync/record';
import type { UndoFilter } from '../../../sync/undo';
import { pairNamed } from '../../findPairs';
import { BadInput } from '../../operatorErrors';
import {
  CANNOT_COLUMNS,
  EXAMPLE_COLUMNS,
  LEFT_COLUMNS,
  UNDO_WORDS,
  VALUE_COLUMNS,
  leftLines,
  outcomeOf,
  planUndo,
  standingWords,
  type UndoOutcome,
  type UndoPlan,
} from '../../undo';
import { runOf, type UndoRun } from '../../undoRun';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html } from '../html';
import { criteriaForm } from '../criteriaForm';
import { form, mark, pairLink, table, time, value, type Page, type Viewer } from '../layout';
import { commandLine } from '../../../platform/commandLine';

/** Undo: the choice, the plan, and the outcome. */

const LATEST = 20;
const LEFT_AT_MOST = 200;
/** The longest time, in milliseconds, that Temporal may take to return the progress of an undo. */
const WITHIN_MS = 5_000;

/**
 * The limits of an undo, from a form or an address. A field that cannot be parsed is refused, because ignoring it
 * would widen the undo.
 */
const criteriaSchema = z.object({
  pair: z.string().trim().max(400).default(''),
  entity: z.enum([...ENTITY_TYPES, '']).default(''),
  since: z.union([z.literal(''), z.string().trim().datetime({ offset: true })]).default(''),
  cause: z.string().trim().max(400).default(''),
  row: z.string().trim().max(400).default(''),
});
export type Criteria = z.output<typeof criteriaSchema>;

const EXPECTED: Record<keyof Criteria, string> = {
  pair: 'a record (zendesk:ticket:123) or a key',
  entity: `one of ${ENTITY_TYPES.join(', ')}`,
  since: 'a time, e.g. 2026-05-01T12:00:00Z',
  cause: 'a cause, e.g. mapping:9f3a11c0',
  row: 'a property, named as on the page of a pair',
};

/** @throws BadInput */
export function criteriaIn(input: unknown): Criteria {
  const read = criteriaSchema.safeParse(input);
  if (read.success) return read.data;
  const name = String(read.error.issues[0]?.path[0] ?? '');
  throw new BadInput(`${name}: expected ${EXPECTED[name as keyof Criteria] ?? 'the fields of the form'}`);
}

/** @throws BadInput if `pair` names no pair */
export async function filterOf(
  context: Pick<ConsoleContext, 'database' | 'mapping'>,
  { pair, entity, since, cause, row }: Criteria,
): Promise<JournalFilter> {
  const { store } = await context.database();
  return {
    ...(pair !== '' && { key: await pairNamed({ store, mapping: context.mapping() }, pair) }),
    ...(entity !== '' && { entity }),
    ...(since !== '' && { since: new Date(since).toISOString() }),
    ...(cause !== '' && { cause }),
    ...(row !== '' && { row }),
  };
}

/** Whether a criterion says what to undo; an entity alone does not. */
export function isSelecting({ pair, since, cause, row }: Criteria): boolean {
  return [pair, since, cause, row].some((each) => each !== '');
}

export type UndoView =
  | { shows: 'list'; criteria: Criteria; undos: Undo[] }
  | { shows: 'plan'; criteria: Criteria; until: string; plan: UndoPlan }
  | { shows: 'outcome'; undo: Undo; outcome: UndoOutcome; run: UndoRun | null };

/** @throws BadInput */
export async function loadUndo(context: ConsoleContext, asked: unknown): Promise<UndoView> {
  const { store } = await context.database();
  const { id } = z
    .object({ id: z.string().max(60) })
    .partial()
    .catch({})
    .parse(asked);
  if (id !== undefined) return loadOutcome(context, id);
  const criteria = criteriaIn(asked);
  if (!isSelecting(criteria)) return { shows: 'list', criteria, undos: await store.undos.latest(LATEST) };
  const until = new Date(context.now()).toISOString();
  const filter: UndoFilter = { ...(await filterOf(context, criteria)), until };
  return { shows: 'plan', criteria, until, plan: await planUndo(store, context.mapping(), filter) };
}

async function loadOutcome(context: ConsoleContext, id: string): Promise<UndoView> {
  const { client, taskQueue } = context;
  const { store } = await context.database();
  const undo = await store.undos.get(id);
  const outcome = undo && (await outcomeOf(store, id));
  if (!undo || !outcome)
    throw new BadInput(`found "${id}", which is no undo, or its writes are no longer in the journal`);
  const run =
    undo.state === 'done'
      ? null
      : await client.withDeadline(Date.now() + WITHIN_MS, () => runOf({ client, taskQueue }, id));
  return { shows: 'outcome', undo, outcome, run };
}

export function undoPage(view: UndoView, viewer: Viewer, root: string): Page {
  const body = {
    list: listBody,
    plan: planBody,
    outcome: outcomeBody,
  }[view.shows] as (view: UndoView, viewer: Viewer, root: string) => Html;
  return { title: 'Undo', current: '/undo', body: body(view, viewer, root) };
}

type Of<Shows extends UndoView['shows']> = Extract<UndoView, { shows: Shows }>;

function listBody({ criteria, undos }: Of<'list'>, _viewer: Viewer, root: string): Html {
  return html`${criteriaForm(`${root}/undo`, criteria, { name: 'Choose what to undo', button: 'Show what would be put back' })}
    <p class="soft">
      Choose writes by a time, a cause, a property or a pair; <a href="${root}/history">History</a> has them
      all. Nothing is written before you confirm it on the next page.
    </p>
    <h2>Earlier undos</h2>
    ${
      undos.length === 0
        ? html`<p>None, as far as the journal goes back.</p>`
        : table(
            'Undos, latest first',
            ['Undo', 'Asked for', 'State', 'What'],
            undos.map(
              (undo) =>
                html`<tr>
                  <th scope="row"><a href="${outcomeUrl(root, undo.id)}">${undo.id}</a></th>
                  <td>${time(undo.at)}</td>
                  <td>${mark(undo.state)}</td>
                  <td class="long">${chosen(undo)}</td>
                </tr>`,
            ),
          )
    }`;
}

export function outcomeUrl(root: string, id: string): string {
  return `${root}/undo?id=${encodeURIComponent(id)}`;
}

/** The criteria of an undo, in the form of the command's options. */
function chosen({ filter: { key, entity, since, cause, row }, hold }: Undo): string {
  const said = { pair: key, entity, since, cause, row };
  const words = Object.entries(said).flatMap(([name, it]) => (it === undefined ? [] : `--${name} ${it}`));
  return [...words, ...(hold ? ['--hold'] : [])].join(' ');
}

function planBody({ criteria, until, plan }: Of<'plan'>, viewer: Viewer, root: string): Html {
  const { pairs, cannot } = plan;
  return html`${criteriaForm(`${root}/undo`, criteria, { name: 'Choose what to undo', button: 'Show what would be put back' })}
  ${
    pairs === 0
      ? html`<p>${UNDO_WORDS.nothing}</p>`
      : html`<p>${UNDO_WORDS.planned(pairs)}</p>
          ${planTables(plan)}`
  }
  ${
    cannot.length > 0 &&
    table(
      UNDO_WORDS.cannot,
      CANNOT_COLUMNS,
      cannot.map(
        ({ count, cure, examples }) =>
          html`<tr>
            <td>${count}</td>
            <td class="long">${cure}</td>
            <td class="long">${examples.join(', ')}</td>
          </tr>`,
      ),
    )
  }
  ${plan.standing.length > 0 && html`<p class="notice wait" role="status">Not yet: ${standingWords(plan)}.</p>`}
  ${pairs > 0 && confirmForm({ criteria, until, plan }, viewer)}`;
}

function planTables({ values }: UndoPlan): Html {
  return html`${table(
    'What would be put back',
    VALUE_COLUMNS,
    values.map(
      ({ row, side, property, pairs, overwritten }) =>
        html`<tr>
          <th scope="row">${row}</th>
          <td>${side}</td>
          <td class="long">${property}</td>
          <td>${pairs}</td>
          <td>${overwritten}</td>
        </tr>`,
    ),
  )}
  ${table(
    'For example',
    EXAMPLE_COLUMNS,
    values.flatMap(({ property, examples }) =>
      examples.map(
        ({ ref, now, former }) =>
          html`<tr>
            <th scope="row">${ref}</th>
            <td class="long">${property}</td>
            <td>${value(now)}</td>
            <td>${value(former)}</td>
          </tr>`,
      ),
    ),
  )}`;
}

/** The undo is limited to the plan that was shown: writes of the sync since then are not undone. */
function confirmForm({ criteria, until, plan }: Omit<Of<'plan'>, 'shows'>, viewer: Viewer): Html {
  return form(
    viewer,
    '/undo',
    html`${Object.entries({ ...criteria, until }).map(
        ([name, it]) => html`<input type="hidden" name="${name}" value="${it}" />`,
      )}
      <fieldset>
        <legend>Put these values back</legend>
        <p>
          A value is put back only if the record still shows what the sync wrote. Values that were edited
          since are left as they are, and are listed afterwards. ${UNDO_WORDS.never}
        </p>
        ${
          plan.standing.length > 0 &&
          html`<p>
            <label
              ><input type="checkbox" name="hold" value="yes" required /> Undo before the mapping is
              corrected, and hold the rows until it is (--hold)</label
            >
          </p>`
        }
        <p>
          <label
            ><input type="checkbox" name="confirm" value="yes" required /> Yes, put back the values of
            ${plan.pairs} pairs</label
          >
        </p>
        <button>Undo</button>
      </fieldset>`,
  );
}

function outcomeBody({ undo, outcome, run }: Of<'outcome'>, viewer: Viewer, root: string): Html {
  const { id, state } = undo;
  const answered = outcome.left.filter(({ why }) => state === 'done' || why !== NOT_DONE);
  const open = outcome.left.length - answered.length;
  const lines = leftLines({ ...outcome, left: answered });
  return html`<dl class="facts">
      <dt>Undo</dt>
      <dd>${id}, asked for ${time(undo.at)}</dd>
      <dt>What</dt>
      <dd><code>${chosen(undo)}</code></dd>
      <dt>State</dt>
      <dd>${mark(state)}${run && html`: ${runWords(run)}`}</dd>
      ${
        run &&
        html`<dt>Pairs still to do</dt>
          <dd>${open}</dd>`
      }
    </dl>
    ${run && workingForms(id, run, viewer, root)}
    <p role="status" class="notice ${answered.length > 0 && 'wait'}">
      ${UNDO_WORDS.restored(outcome.restored)} ${answered.length > 0 && UNDO_WORDS.left(answered.length)}
    </p>
    ${
      lines.length > 0 &&
      table(
        'What was left, and why',
        LEFT_COLUMNS,
        lines.slice(0, LEFT_AT_MOST).map(
          ({ key, on, property, why }) =>
            html`<tr>
              <th scope="row">${pairLink(root, key)}</th>
              <td>${on}</td>
              <td class="long">${property}</td>
              <td class="long">${why}</td>
            </tr>`,
        ),
      )
    }
    ${
      lines.length > LEFT_AT_MOST &&
      html`<p class="soft">
        … and ${lines.length - LEFT_AT_MOST} more: <code>${commandLine(`undo --resume ${id}`)}</code> has all.
      </p>`
    }
    ${
      state === 'done' &&
      html`<p>
        <a href="${root}/undo?cause=${encodeURIComponent(`undo:${id}`)}">Undo this undo</a>
      </p>`
    }`;
}

/** The reason that {@link outcomeOf} gives for a pair that has not answered yet. */
const NOT_DONE = 'not done yet';

function runWords(run: UndoRun): string {
  if (run.is === 'running')
    return run.progress ? `${run.progress.state}, ${run.progress.told} pairs` : 'no worker answers';
  return `it stopped before it was done: ${run.why ?? 'its workflow does not exist, or failed'}`;
}

function workingForms(id: string, run: UndoRun, viewer: Viewer, root: string): Html {
  if (run.is === 'running') return html`<p><a href="${outcomeUrl(root, id)}">Look again</a></p>`;
  return form(
    viewer,
    '/undo/resume',
    html`<input type="hidden" name="id" value="${id}" /><button aria-label="Go on with ${id}">Go on</button>`,
  );
}
