import type { CurrentBudget } from '../../../systems/budget/currentBudget';
import { usedSince, type UsedWindow } from '../../../systems/budget/pastWindows';
import type { LagSample } from '../../../links/lagSamples';
import type { StreamPosition } from '../../../links/cursorStore';
import type { ApiTokenState } from '../../apiToken';
import { gatherFacts } from '../../facts';
import type { Status } from '../../status';
import { verdict, type Fault, type FaultCode, type Verdict } from '../../verdict';
import { LINK_STATUSES, type LinkStatus } from '../../../sync/link';
import { ENTITY_TYPES, SIDES, type EntityType, type Side } from '../../../sync/record';
import { barChart, type Bar } from '../chart';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html, type Part } from '../html';
import { SIDE_NAMES, breakable, mark, outside, table, time, type Page } from '../layout';
import { splitAtCommands } from '../../../platform/commandLine';

const HOUR_MS = 60 * 60_000;
const MINUTE_MS = 60_000;

/** The pages for faults that a person can resolve in the console itself. */
const PAGES_OF: Partial<Record<FaultCode, { path: string; name: string }>> = {
  conflicts: { path: '/conflicts', name: 'Decide the conflicts' },
  quarantine: { path: '/quarantine', name: 'Open the quarantine' },
  bug: { path: '/pairs?code=bug', name: 'Show these pairs' },
  schedule: { path: '/schedules', name: 'Open the Schedules' },
  paused: { path: '/schedules', name: 'Open the pauses' },
};

export interface Overview {
  judged: Verdict;
  pairs: Record<EntityType, Record<LinkStatus, number>>;
  /** Worker processes; null if Temporal does not answer. */
  workers: number | null;
  waitingRecords: number;
  positions: readonly StreamPosition[];
  lag: readonly LagSample[];
  windows: readonly UsedWindow[];
  budgets: readonly CurrentBudget[];
  bugs: Status['bugs'];
  aside: Status['aside'];
  /** Null if the workers sign in to Zendesk with an OAuth client. */
  apiToken: ApiTokenState | null;
  now: number;
}

/** Almost all of it comes from MongoDB, so that the page is available without Temporal. */
export async function loadOverview(context: ConsoleContext): Promise<Overview> {
  const { connection, client, database, taskQueue, dataDir, now } = context;
  const { db, store } = await database();
  const at = now();
  const since = new Date(at - HOUR_MS);
  const sources = { connection, client, database, taskQueue, dataDir, now: () => new Date(now()) };
  const [facts, positions, lag, windows] = await Promise.all([
    gatherFacts(sources),
    store.cursors.positions(),
    store.lag.since(since),
    usedSince(db, since),
  ]);
  const { status } = facts;
  return {
    judged: verdict(facts),
    pairs: status?.pairs ?? (await store.countByStatus()),
    workers: status?.workers ?? null,
    waitingRecords: status?.waitingRecords ?? 0,
    positions,
    lag,
    windows,
    budgets: status?.budgets ?? [],
    apiToken: status?.apiToken ?? null,
    bugs: status?.bugs ?? { count: 0, examples: [] },
    aside: status?.aside ?? { count: 0, examples: [] },
    now: at,
  };
}

export function overviewPage(
  overview: Overview,
  { root, links }: Pick<ConsoleContext, 'root' | 'links'>,
): Page {
  const { judged, pairs, workers, waitingRecords, apiToken, bugs, aside } = overview;
  const count = (status: LinkStatus) => ENTITY_TYPES.reduce((sum, type) => sum + pairs[type][status], 0);
  const isTold = judged.faults.some(({ code }) => code === 'api_token');
  const body = html`
    ${verdictSection(judged, root)} ${apiToken && !isTold && html`<p class="notice">${apiToken.notice}</p>`}
    <ul class="tiles">
      ${tile(`${root}/conflicts`, count('conflict'), 'conflicts to decide')}
      ${tile(`${root}/quarantine`, count('quarantined'), 'pairs in quarantine')}
      ${tile(`${root}/pairs?status=pending`, count('pending'), 'pairs pending')}
      ${tile(`${root}/pairs?code=bug`, bugs.count, 'pairs that failed with a bug')}
      ${tile(null, waitingRecords, 'records with pending changes')}
      ${tile(null, workers ?? '—', workers === null ? 'workers: Temporal does not answer' : 'worker processes')}
    </ul>
    ${aside.count > 0 && asideList(aside)}
    <h2>Pairs</h2>
    ${pairsTable(pairs, root)}
    <p>${outside(links.events(), 'What pairs did, in the Temporal Web UI (without the polls)')}</p>
    <h2>Lag, last hour</h2>
    <p class="soft">Maximum lag of each side, in each minute.</p>
    <div class="two">${SIDES.map((side) => lagChart(side, overview))}</div>
    ${streamsTable(overview)}
    <h2>Rate limits</h2>
    ${limitsTable(overview)}
    <p class="soft">
      Calls of the last hour, the sync's own and those of others as far as the API tells of them. The dashed
      line is the limit.
    </p>
    <div class="two">${rateCharts(overview)}</div>
  `;
  return { title: 'Overview', current: '', body };
}

/** The verdict shows the number of these records, and the fix. */
function asideList({ count, examples }: Overview['aside']): Html {
  return table(
    count > examples.length
      ? `Could not be processed: ${examples.length} of ${count}`
      : 'Could not be processed',
    ['What', 'Why', 'Bytes', 'Since'],
    examples.map(
      ({ what, reason, bytes, since }) =>
        html`<tr>
          <th scope="row">${breakable(what)}</th>
          <td>${reason}</td>
          <td>${bytes ?? '—'}</td>
          <td>${time(since)}</td>
        </tr>`,
    ),
  );
}

/** The same words as in `status`. A fault that can be resolved in the console has a link to its page. */
export function verdictSection({ well, line, faults }: Verdict, root: string): Html {
  if (well) return html`<p class="notice" role="status">${line}</p>`;
  return html`<section class="faults" aria-label="What is wrong">
    ${faults.map((fault) => faultNotice(fault, root))}
  </section>`;
}

function faultNotice({ code, weight, what, since, affects, cure }: Fault, root: string): Html {
  const page = PAGES_OF[code];
  return html`<div class="notice ${weight === 'outage' ? 'bad' : 'wait'}" role="status">
    <strong>${what}</strong>${since !== null && html` <span class="soft">since ${time(since)}</span>`}
    ${affects !== '' && html`<p>Effect: ${affects}.</p>`}
    ${
      page
        ? html`<p>
            <a href="${root}${page.path}">${page.name}</a> <span class="soft">or ${commandsIn(cure)}</span>
          </p>`
        : html`<p>What to do: ${commandsIn(cure)}.</p>`
    }
  </div>`;
}

/** A text in which quoted commands are shown as code. */
function commandsIn(text: string): Part[] {
  return splitAtCommands(text).map(({ part, isCommand }) => (isCommand ? html`<code>${part}</code>` : part));
}

function pairsTable(pairs: Overview['pairs'], root: string): Html {
  const cell = (type: EntityType, status: LinkStatus) => {
    const count = pairs[type][status];
    const url = `${root}/pairs?entity=${type}&status=${status}`;
    return html`<td>
      ${count === 0 ? html`<span class="soft">0</span>` : html`<a href="${url}" aria-label="${count} ${status}: ${type}">${count}</a>`}
    </td>`;
  };
  return table(
    'By entity and state',
    ['Entity', ...LINK_STATUSES],
    ENTITY_TYPES.map(
      (type) =>
        html`<tr>
          <th scope="row">${type}</th>
          ${LINK_STATUSES.map((status) => cell(type, status))}
        </tr>`,
    ),
    'numbers few',
  );
}

function streamsTable({ positions, now }: Overview): Html {
  return table(
    'Change streams',
    ['Stream', 'Behind', 'Read to its end', 'Last change'],
    positions.map(
      ({ name, readAt, movedAt, currentAt }) =>
        html`<tr>
          <th scope="row">${name}</th>
          <td>${behind(currentAt, now)}</td>
          <td>${time(readAt)}</td>
          <td>${time(movedAt)}</td>
        </tr>`,
    ),
  );
}

function limitsTable({ budgets }: Overview): Html {
  if (budgets.length === 0) return html`<p>No limit is known yet: there was no call.</p>`;
  return table(
    'Limits of both APIs now',
    ['Limit', 'Left', 'Of', 'Used by us', 'By others', 'Expected of others', 'No call before'],
    budgets.map(
      (budget) =>
        html`<tr>
          <th scope="row">${budget.name}</th>
          <td>${budget.left}</td>
          <td>${budget.limit} in ${budget.windowSeconds} s</td>
          <td>${budget.ours}</td>
          <td>${budget.others}</td>
          <td>${budget.expectedOfOthers}</td>
          <td>${time(budget.blockedUntil)}</td>
        </tr>`,
    ),
    'numbers',
  );
}

/** @param url the page that lists them; null if there is none */
function tile(url: string | null, count: number | string, what: string): Html {
  const words = html`<strong>${count}</strong> ${what}`;
  return html`<li>${url === null ? html`<div>${words}</div>` : html`<a href="${url}">${words}</a>`}</li>`;
}

function behind(currentAt: string | null, now: number): Html | string {
  if (currentAt === null) return mark('pending');
  return `${Math.max(0, Math.round((now - Date.parse(currentAt)) / 1000))} s`;
}

/** The lag of a side is that of its slowest stream. */
function lagChart(side: Side, { lag, positions, now }: Overview): Html {
  const most = new Map<number, number>();
  const note = (minute: number, ms: number) => most.set(minute, Math.max(most.get(minute) ?? 0, ms / 1000));
  for (const { stream, minute, behindMs } of lag)
    if (stream.startsWith(`${side}:`)) note(minute.getTime(), behindMs);
  // A side that is no longer read has no sample for the present minute.
  for (const { name, currentAt } of positions)
    if (name.startsWith(`${side}:`) && currentAt !== null)
      note(Math.floor(now / MINUTE_MS) * MINUTE_MS, Math.max(0, now - Date.parse(currentAt)));
  const bars = [...most].sort(([a], [b]) => a - b).map(([at, value]): Bar => ({ at, value }));
  return barChart({
    id: `lag-${side}`,
    title: `${SIDE_NAMES[side]}: seconds behind`,
    unit: 'seconds',
    bars,
    from: now - HOUR_MS,
    to: now,
    least: 60,
  });
}

function rateCharts({ windows, now }: Overview): Html[] {
  const limits = new Map<string, { side: Side; bucket: string; bars: Bar[] }>();
  for (const { side, bucket, endsAt, used, limit } of windows) {
    const name = `${side}-${bucket}`;
    const bars = limits.get(name)?.bars ?? [];
    bars.push({ at: Math.min(endsAt.getTime(), now), value: used, limit });
    limits.set(name, { side, bucket, bars });
  }
  if (limits.size === 0) return [html`<p>No call to either API in the last hour.</p>`];
  return [...limits].sort().map(([name, { side, bucket, bars }]) =>
    barChart({
      id: `rate-${name}`,
      title: `${SIDE_NAMES[side]}: calls a minute (${bucket})`,
      unit: 'calls',
      bars,
      from: now - HOUR_MS,
      to: now,
      least: 1,
    }),
  );
}
