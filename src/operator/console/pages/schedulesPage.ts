import { schedulesOf, type ScheduleState } from '../../scheduleStates';
import { ENTITY_TYPES, type EntityType } from '../../../sync/record';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html } from '../html';
import { form, mark, table, time, type Page, type Viewer } from '../layout';

export interface SchedulesView {
  schedules: ScheduleState[];
  paused: Partial<Record<EntityType, string>>;
  heldBack: Partial<Record<EntityType, number>>;
  notice: string | null;
}

const WITHIN_MS = 10_000;

export async function loadSchedules({ client, database, taskQueue }: ConsoleContext): Promise<SchedulesView> {
  const { store } = await database();
  const states = await client.withDeadline(Date.now() + WITHIN_MS, () => schedulesOf(client, taskQueue));
  return {
    schedules: states.filter(({ exists }) => exists),
    paused: await store.control.paused(),
    heldBack: await store.control.countHeldBack(),
    notice: null,
  };
}

export function schedulesPage(view: SchedulesView, viewer: Viewer, links: ConsoleContext['links']): Page {
  const { schedules, paused, heldBack, notice } = view;
  const pausedFirst = [...schedules].sort((a, b) => Number(b.paused) - Number(a.paused));
  const body = html`
    ${notice !== null && html`<p class="notice" role="status">${notice}</p>`}
    ${
      schedules.length === 0
        ? html`<p>There is no Schedule yet: the worker creates them when it starts.</p>`
        : table(
            'Schedules in Temporal',
            ['Schedule', 'State', 'Note', 'Last run', 'Next run', 'Action'],
            pausedFirst.map((schedule) => scheduleRow(schedule, viewer, links)),
          )
    }
    <h2>Entities</h2>
    <p class="soft">
      While an entity is paused, nothing is written to its pairs, and their changes are kept. They are synced
      after you resume it; a worker must run.
    </p>
    ${table(
      'Pauses by entity',
      ['Entity', 'State', 'Paused since', 'Pairs with pending changes', 'Action'],
      ENTITY_TYPES.map((type) => {
        const what = paused[type] === undefined ? 'Pause' : 'Resume';
        return html`<tr>
          <th scope="row">${type}</th>
          <td>${paused[type] === undefined ? mark('served', 'synced') : mark('paused')}</td>
          <td>${time(paused[type])}</td>
          <td>${heldBack[type] ?? 0}</td>
          <td class="act">
            ${form(
              viewer,
              '/entities',
              html`<input type="hidden" name="scope" value="${type}" />
                <button
                  class="${what === 'Pause' && 'plain'}"
                  name="what"
                  value="${what.toLowerCase()}"
                  aria-label="${what} ${type}"
                >
                  ${what}
                </button>`,
            )}
          </td>
        </tr>`;
      }),
    )}
  `;
  return { title: 'Schedules', current: '/schedules', body };
}

/** The task of a Schedule, by the end of its id. */
const TASKS = [
  ['-poll-zendesk', 'Poll Zendesk'],
  ['-poll-pms', 'Poll the PMS'],
  ['-hygiene', 'Link hygiene'],
  ['-reconcile', 'Reconcile'],
] as const;

function scheduleRow(schedule: ScheduleState, viewer: Viewer, links: ConsoleContext['links']): Html {
  const { id, paused, running, note, lastRun, nextRun } = schedule;
  const task = TASKS.find(([end]) => id.endsWith(end))?.[1] ?? id;
  const place = links.schedule(id);
  return html`<tr>
    <th scope="row">
      ${task}
      <div class="id">
        ${place === null ? id : html`<a href="${place}" rel="noreferrer" aria-label="${id} in the Temporal Web UI">${id}</a>`}
      </div>
    </th>
    <td>${paused ? mark('paused') : running ? mark('linked', 'running now') : mark('waiting')}</td>
    <td class="long">${note}</td>
    <td>${time(lastRun)}</td>
    <td>${time(paused ? null : nextRun)}</td>
    <td class="act">${scheduleForm(viewer, schedule)}</td>
  </tr>`;
}

function scheduleForm(viewer: Viewer, { id, paused }: ScheduleState): Html {
  const what = paused ? 'Resume' : 'Pause';
  return form(
    viewer,
    '/schedules',
    html`<input type="hidden" name="id" value="${id}" />
      <input type="hidden" name="what" value="${what.toLowerCase()}" />
      ${
        !paused &&
        html`<input name="why" maxlength="200" placeholder="Why" aria-label="Why ${id} is paused" />`
      }
      <button class="${!paused && 'plain'}" aria-label="${what} ${id}">${what}</button>`,
    'inline',
  );
}
