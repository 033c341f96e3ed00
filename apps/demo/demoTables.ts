import type { Edit } from 'testkit';
import type { AgreementReport, Excuse } from './agreementReport';
import type { Environment } from './environment';
import { colour, formatDuration, printLine, printTable } from './report';
import type { Spending } from './spending';

/** The tables at the end of the demo: latencies, the checker's report, calls. */

const out = process.stdout;

export interface Latency {
  where: Edit['where'];
  took: number;
}

/** Latencies are measured from the edit's answer to its arrival, with a look every 50 ms. */
export function printLatencies(latencies: readonly Latency[], how: string): void {
  const right = (title: string) => ({ title, align: 'right' as const });
  const names = { zendesk: 'Zendesk → PMS', pms: 'PMS → Zendesk', both: 'both at once' };
  const rows = (['zendesk', 'pms', 'both'] as const).map((where) => {
    const sorted = latencies.filter((each) => each.where === where).map(({ took }) => took);
    sorted.sort((a, b) => a - b);
    const at = (share: number) =>
      formatDuration(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN);
    return [names[where], sorted.length, at(0.5), at(0.95), at(1)];
  });
  printTable(
    out,
    `From edit to arrival, by ${how}`,
    [{ title: '' }, right('edits'), right('p50'), right('p95'), right('longest')],
    rows,
  );
}

export function printReport({ rows, problems, waiting, notTaken, orderBroken }: AgreementReport): void {
  const right = (title: string) => ({ title, align: 'right' as const });
  printTable(
    out,
    'Compared through the public APIs',
    [
      { title: '' },
      right('Zendesk'),
      right('PMS'),
      right('linked'),
      right('agreeing'),
      right('not taken'),
      right('differing'),
      right('missing'),
      right('waiting'),
      right('conflicts'),
      right('duplicates'),
    ],
    rows.map((row) => [
      row.entity,
      row.zendesk,
      row.pms,
      row.linked,
      row.agreeing,
      row.notTaken,
      row.differing,
      row.missing,
      row.waiting,
      row.conflicts,
      row.duplicates,
    ]),
  );
  printExcuses('waiting', waiting);
  printExcuses('not taken', notTaken);
  for (const { kind, text } of problems.slice(0, 20))
    printLine(out, colour(out, 'red', `  ${kind}: ${text}`));
  if (problems.length > 20) printLine(out, `  … and ${problems.length - 20} more`);
  if (orderBroken.length > 0)
    printLine(out, `  comments in another order on: ${orderBroken.slice(0, 5).join(', ')}`);
}

function printExcuses(what: string, excuses: readonly Excuse[]): void {
  for (const { reason, count, records } of excuses)
    printLine(
      out,
      `  ${count} ${what}: ${reason}${records.length > 0 ? ` (${records.slice(0, 3).join(', ')}${records.length > 3 ? ', …' : ''})` : ''}`,
    );
}

/** The state of pairs that are not linked, by the link store, including records that no public list shows. */
export async function printUnlinked({ store }: Environment): Promise<void> {
  const groups = new Map<string, { count: number; example: string }>();
  for await (const link of store.all()) {
    if (link.status === 'linked') continue;
    const key = `${link._id.slice(0, link._id.indexOf('/'))} ${link.status}`;
    const group = groups.get(key) ?? {
      count: 0,
      example: `${link._id.slice(link._id.indexOf('/') + 1)}: ${link.reason?.text ?? ''}`,
    };
    groups.set(key, { ...group, count: group.count + 1 });
  }
  if (groups.size === 0) return;
  printTable(
    out,
    'Pairs that are not linked',
    [{ title: 'pair' }, { title: 'pairs', align: 'right' }, { title: 'for example' }],
    [...groups].map(([key, { count, example }]) => [key, count, example]),
  );
}

export function printSpending(
  first: Spending,
  live: Spending | null,
  idle: Spending,
  linked: number,
  edits: number,
): void {
  const right = (title: string) => ({ title, align: 'right' as const });
  const perChange = (spent: Spending, changes: number) =>
    changes === 0 ? '—' : ((spent.writes + spent.reads + spent.people) / changes).toFixed(2);
  const row = (name: string, changes: number | string, spent: Spending) => [
    name,
    changes,
    spent.writes,
    spent.reads,
    spent.people,
    spent.polls,
    spent.refused,
    typeof changes === 'number' ? perChange(spent, changes) : '—',
  ];
  printTable(
    out,
    'API calls of the sync',
    [
      { title: '' },
      right('changes'),
      right('writes'),
      right('reads'),
      right('people'),
      right('polls'),
      right('refused'),
      right('calls per change'),
    ],
    [
      row('first sync (pairs)', linked - (live?.creates ?? 0), first),
      ...(live ? [row('edits by people', edits, live)] : []),
      row('afterwards', 0, idle),
    ],
  );
  printLine(
    out,
    'A ticket created from a project needs a second write: its address in Zendesk goes back to the project.',
  );
  printLine(out, `Writes after everything was synced (echoes): ${idle.writes}`);
}
