import { schedulesOf, type ScheduleState } from '../../scheduleStates';
import { ENTITY_TYPES, type EntityType } from '../../../sync/record';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html } from '../html';
import { form, mark, outside, table, time, type Page, type Viewer } from '../layout';

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
  const body = html`
    ${notice !== null && html`<p class="notice" role="status">${notice}</p>`}
    ${
      schedules.length === 0
        ? html`<p>There is no Schedule yet: the worker creates them when it starts.</p>`
        : table(
            'Schedules in Temporal',
            ['Schedule', 'State', 'Note', 'Last run', 'Next run', 'Action'],
            schedules.map(
              (schedule) =>
                html`<tr>
                  <th scope="row">${schedule.id}</th>
                  <td>
                    ${schedule.paused ? mark('paused') : schedule.running ? 'running now' : 'waiting'}
                    ${outside(links.schedule(schedule.id), 'Open in the Temporal Web UI')}
                  </td>
                  <td>${schedule.note}</td>
                  <td>${time(schedule.lastRun)}</td>
                  <td>${time(schedule.paused ? null : schedule.nextRun)}</td>
                  <td>${scheduleForm(viewer, schedule)}</td>
                </tr>`,
            ),
          )
    }
    <h2>Entities</h2>
    <p class="soft">
      A paused entity rests: what comes for its pairs is kept, and told to them on resuming. A worker must
      run.
    </p>
    ${table(
      'Pauses by entity',
      ['Entity', 'Paused since', 'Pairs with pending changes', 'Action'],
      ENTITY_TYPES.map((type) => {
        const what = paused[type] === undefined ? 'Pause' : 'Resume';
        return html`<tr>
          <th scope="row">${type}</th>
          <td>${time(paused[type])}</td>
          <td>${heldBack[type] ?? 0}</td>
          <td>
            ${form(
              viewer,
              '/entities',
              html`<input type="hidden" name="scope" value="${type}" />
                <button name="what" value="${what.toLowerCase()}" aria-label="${what} ${type}">
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

function scheduleForm(viewer: Viewer, { id, paused }: ScheduleState): Html {
  const what = paused ? 'Resume' : 'Pause';
  return form(
    viewer,
    '/schedules',
    html`<input type="hidden" name="id" value="${id}" />
      <input type="hidden" name="what" value="${what.toLowerCase()}" />
      ${
        !paused &&
        html`<label>Why<br /><input name="why" maxlength="200" aria-label="Why ${id} is paused" /></label>`
      }
      <button aria-label="${what} ${id}">${what}</button>`,
    'row',
  );
}
