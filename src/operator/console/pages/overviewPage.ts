import type { CurrentBudget } from '../../../systems/budget/currentBudget';
import { usedSince, type UsedWindow } from '../../../systems/budget/pastWindows';
import type { LagSample } from '../../../links/lagSamples';
import type { StreamPosition } from '../../../links/cursorStore';
import type { ApiTokenState } from '../../apiToken';
import { gatherFacts } from '../../facts';
import type { Status } from '../../status';
import { verdict, type Verdict } from '../../verdict';
import { LINK_STATUSES, type LinkStatus } from '../../../sync/link';
import { ENTITY_TYPES, SIDES, type EntityType, type Side } from '../../../sync/record';
import { barChart, type Bar } from '../chart';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html } from '../html';
import { SIDE_NAMES, mark, table, time, type Page } from '../layout';

const HOUR_MS = 60 * 60_000;
const MINUTE_MS = 60_000;

export interface Overview {
  judged: Verdict;
  pairs: Record<EntityType, Record<LinkStatus, number>>;
  /** Worker processes; null where Temporal does not answer. */
  workers: number | null;
  waitingRecords: number;
  positions: readonly StreamPosition[];
  lag: readonly LagSample[];
  windows: readonly UsedWindow[];
  budgets: readonly CurrentBudget[];
  bugs: Status['bugs'];
  aside: Status['aside'];
  /** Null where the workers sign in to Zendesk with an OAuth client. */
  apiToken: ApiTokenState | null;
  now: number;
}

/** Almost all of it from MongoDB, where any process finds it: this page is there when Temporal is not. */
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

export function overviewPage(overview: Overview, { root }: Pick<ConsoleContext, 'root'>): Page {
  const { judged, pairs, workers, waitingRecords, apiToken, bugs, aside } = overview;
  const count = (status: LinkStatus) => ENTITY_TYPES.reduce((sum, type) => sum + pairs[type][status], 0);
  const isTold = judged.faults.some(({ code }) => code === 'api_token');
  const body = html`
    ${verdictSection(judged)} ${apiToken && !isTold && html`<p class="notice">${apiToken.notice}</p>`}
    <ul class="tiles">
      ${tile(`${root}/conflicts`, count('conflict'), 'conflicts to decide')}
      ${tile(`${root}/quarantine`, count('quarantined'), 'pairs in quarantine')}
      ${tile(`${root}/pairs?status=pending`, count('pending'), 'pairs pending')}
      ${tile(`${root}/pairs?code=bug`, bugs.count, 'pairs that ended in a bug')}
    </ul>
    <p>
      Records that were seen and that their pairs have not dealt with yet: ${waitingRecords}. Worker
      processes: ${workers ?? 'not known, as Temporal does not answer'}.
    </p>
    ${aside.count > 0 && asideList(aside)} ${pairsTable(pairs)}
    <h2>Lag, last hour</h2>
    <p class="soft">Maximum lag of each side, in each minute.</p>
    <div class="two">${SIDES.map((side) => lagChart(side, overview))}</div>
    ${streamsTable(overview)}
    <h2>Rate budget</h2>
    ${limitsTable(overview)}
    <p class="soft">
      Last hour: calls in each window of each limit, our own and those of others that answers told of; the
      dashed line is the limit as the API last said it.
    </p>
    <div class="two">${rateCharts(overview)}</div>
  `;
  return { title: 'Overview', current: '', body };
}

function asideList({ count, examples }: Overview['aside']): Html {
  return html`<p class="notice bad">
      ${count} records or pages could not be taken in. <code>zendesk-pms-sync aside list</code> has all of
      them, and <code>aside retry</code> reads them again.
    </p>
    ${table(
      'Set aside',
      ['What', 'why', 'bytes', 'since'],
      examples.map(
        ({ what, reason, bytes, since }) =>
          html`<tr>
            <th scope="row">${what}</th>
            <td>${reason}</td>
            <td>${bytes ?? '—'}</td>
            <td>${time(since)}</td>
          </tr>`,
      ),
    )}`;
}

/** The same words as in `status`. */
export function verdictSection({ well, line, faults }: Verdict): Html {
  if (well) return html`<p class="notice" role="status">${line}</p>`;
  return html`<section aria-label="What is wrong">
    ${faults.map(
      ({ weight, what, since, affects, cure }) =>
        html`<div class="notice ${weight === 'outage' ? 'bad' : 'wait'}" role="status">
          <strong>${what}</strong>${since !== null && html`, since ${time(since)}`}
          ${affects !== '' && html`<div>Effect: ${affects}.</div>`}
          <div>What to do: ${cure}.</div>
        </div>`,
    )}
  </section>`;
}

function pairsTable(pairs: Overview['pairs']): Html {
  return table(
    'Pairs by entity and state',
    ['Entity', ...LINK_STATUSES],
    ENTITY_TYPES.map(
      (type) =>
        html`<tr>
          <th scope="row">${type}</th>
          ${LINK_STATUSES.map((status) => html`<td>${pairs[type][status]}</td>`)}
        </tr>`,
    ),
  );
}

function streamsTable({ positions, now }: Overview): Html {
  return table(
    'Change streams',
    ['Stream', 'behind', 'read to its end', 'last change'],
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
  return table(
    'Limits of both APIs now',
    ['Limit', 'left', 'of', 'used by us', 'by others', 'expected of others', 'no call before'],
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
  );
}

function tile(url: string, count: number, what: string): Html {
  return html`<li>
    <a href="${url}"><strong>${count}</strong> ${what}</a>
  </li>`;
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
  // A side that is not read any more has no sample of the present minute.
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
