import type { AgentsShare } from './sections/agents';
import type { FirstSync } from './sections/firstSync';
import type { Growth } from './sections/growth';
import type { Latency } from './sections/latency';
import type { Quota } from './sections/quota';
import type { Steady } from './sections/steady';
import type { Throughput } from './sections/throughput';

export interface Results {
  backfill: FirstSync;
  bare: Rate;
  /** The same with slow calls. */
  slow: FirstSync;
  slowBare: Rate;
  delayMs: number;
  own: Steady;
  peer: Steady;
  pair: Throughput;
  latency: Latency[];
  growth: Growth;
  quota: Quota;
  agents: AgentsShare;
}

interface Rate {
  seconds: number;
  recordsPerSecond: number;
}

interface Run {
  quick: boolean;
  at: string;
  minutes: number;
  machine: string;
}

export interface Report {
  run: Run;
  /** Each a ratio; `raw` has what it was made of. */
  calls: { steady: number; backfill: number; peer: number };
  throughput: { pair: number; backfill: number };
  growth: { memory: number; lookup: number };
  quota: { used: number; rate429: number };
  /** Of the ticket updates that agents leave: beside them, and once they are gone. */
  ticketUpdates: { beside: number; alone: number; refusedLater: number };
  raw: Results;
}

export function summary(raw: Results, run: Run): Report {
  const bound = raw.own.costs.reduce((sum, cost) => sum + cost.bound, 0) / raw.own.costs.length;
  return {
    run,
    calls: {
      steady: raw.own.calls / bound,
      backfill: raw.backfill.calls.ratio,
      peer: raw.peer.calls / raw.own.calls,
    },
    throughput: {
      pair: raw.pair.ratio,
      backfill: raw.slow.recordsPerSecond / raw.slowBare.recordsPerSecond,
    },
    growth: { memory: raw.growth.memory, lookup: raw.growth.lookUp },
    quota: { used: raw.quota.used, rate429: raw.quota.rate429 },
    ticketUpdates: {
      beside: raw.agents.usedBeside,
      alone: raw.agents.usedAlone,
      refusedLater: raw.agents.refusedLater,
    },
    raw,
  };
}

/** docs/performance.md. */
export function inWords({ run, calls, throughput, growth, quota, ticketUpdates, raw }: Report): string {
  const { own, peer, backfill, bare, slow, slowBare, delayMs, pair } = raw;
  return `${[
    '# Performance',
    '',
    '<!-- Written by `npm run bench`; change apps/bench/report.ts. -->',
    '',
    `Measured on ${run.at.slice(0, 10)} in one ${run.quick ? 'quick ' : ''}run of ${run.minutes.toFixed(0)} minutes: ${run.machine}; Temporal's`,
    'development server, the MongoDB-wire server in Java, both sandboxes and the service share its processors. Seconds are this',
    'machine’s; ratios are meant to hold elsewhere. `npm run bench` measures again, `npm run bench -- --quick` in less time;',
    'raw figures: `apps/bench/results/latest.json`.',
    '',
    table(
      ['', 'measured', 'aim'],
      [
        ['calls a change, over what the APIs allow at best', times(calls.steady), 'at most 1.05'],
        ['calls of a backfill, over what the APIs allow at best', times(calls.backfill), 'at most 1.15'],
        ['calls of a polling script, over ours', times(calls.peer), 'at least 2'],
        ['changes a second, over a workflow that does nothing', times(throughput.pair), 'at least 0.8'],
        [
          `records a second, over bare HTTP (calls of ${delayMs} ms)`,
          times(throughput.backfill),
          'at least 0.7',
        ],
        ['worker’s memory, most links over fewest', times(growth.memory), 'at most 1.2'],
        ['look-up of a link, most links over fewest', times(growth.lookup), 'at most 1.5'],
        ['share of a strict limit that a backfill uses', percent(quota.used), 'at least 90 %'],
        ['answers 429', percent(quota.rate429), 'below 0.1 %'],
        ['ticket updates used of what agents leave', percent(ticketUpdates.beside), 'at least 90 %'],
        ['ticket updates used once agents are gone', percent(ticketUpdates.alone), 'at least 95 %'],
        ['edits refused after the minute they begin in', String(ticketUpdates.refusedLater), '0'],
      ],
    ),
    '',
    '## What a change costs',
    '',
    'Calls that carry a change, by kind of change; reading exports and the feed is intake, and apart. The polling script',
    '(`apps/bench/peer`) is what one would write in an afternoon with node-zendesk.',
    '',
    table(
      ['change', 'calls', 'at best', 'polling script'],
      own.costs.map(({ change, calls: each, bound }, n) => [
        change,
        each.toFixed(2),
        String(bound),
        (peer.costs[n]?.calls ?? 0).toFixed(2),
      ]),
    ),
    '',
    `Intake: ${own.intake.toFixed(2)} calls a change here, ${peer.intake.toFixed(2)} of the script; it depends on how many changes share a poll.`,
    'Why two kinds take two: an organization’s update takes no precondition, so it is read right before; and what a new ticket gets from',
    'Zendesk alone (its address and channel) goes back to the project that it was made for.',
    '',
    'In Temporal a change costs one signal-with-start, three workflow tasks and two activities: *plan* looks at the link store and',
    'makes the intent durable before anything is sent; *write* runs on the API’s own queue, and commits. Polls and echoes cost none.',
    '',
    '## The first sync',
    '',
    table(
      ['', 'records', 'seconds', 'records a second', 'calls', 'at best'],
      [
        [
          'backfill',
          backfill.records,
          backfill.seconds,
          backfill.recordsPerSecond,
          backfill.calls.made,
          backfill.calls.bound,
        ],
        ['bare HTTP', backfill.records, bare.seconds, bare.recordsPerSecond, '', ''],
        [
          `backfill, ${delayMs} ms a call`,
          slow.records,
          slow.seconds,
          slow.recordsPerSecond,
          slow.calls.made,
          slow.calls.bound,
        ],
        [
          `bare HTTP, ${delayMs} ms a call`,
          slow.records,
          slowBare.seconds,
          slowBare.recordsPerSecond,
          '',
          '',
        ],
      ].map((row) => row.map((cell) => (typeof cell === 'number' ? round(cell) : cell))),
    ),
    '',
    'Bare HTTP (`apps/bench/bare.ts`) reads and writes the same pages with the same window and keeps nothing. Against sandboxes that answer at',
    `once, on the same two processors, the backfill has ${times(backfill.recordsPerSecond / bare.recordsPerSecond)} of its speed: the rest goes into the link store, claims and intents.`,
    'No API answers at once; the ratio above is that with slow calls.',
    '',
    `The longest history of a backfill’s run had ${Math.max(backfill.events, slow.events)} events.`,
    '',
    '## How fast changes go',
    '',
    'Edits that gathered while nobody polled, worked off by a service that is warm; in turns with workflows of as many activities that',
    'do nothing and need nothing: no search attributes, no heartbeats, no content.',
    '',
    table(
      ['', 'a second'],
      [
        ...Object.entries(pair.pair).map(([name, rate]) => [name, rate.toFixed(1)]),
        ...pair.floor.map((rate, n) => [
          `workflows that do nothing, ${['before', 'between', 'after'][n] ?? ''}`,
          rate.toFixed(1),
        ]),
      ],
    ),
    '',
    `Processor time for a change: ${milliseconds(pair.cpuPerChange)}; for a workflow that does nothing: ${milliseconds(pair.cpuPerNoop)}. ` +
      'The floor shares the processors with nobody but Temporal.',
    '',
    'From an edit in the PMS to its write in Zendesk, told by a webhook:',
    '',
    table(
      ['share of what is sustained', 'changes a second', 'p50, ms', 'p95, ms', 'p99, ms'],
      raw.latency.map(({ share, perSecond, p50, p95, p99 }) => [
        percent(share),
        perSecond.toFixed(1),
        String(p50),
        String(p95),
        String(p99),
      ]),
    ),
    '',
    '## Growth',
    '',
    table(
      [
        'links',
        'look-up, ms',
        'commit, ms',
        'worker, MB',
        'intake, MB',
        'MongoDB-wire server, MB',
        'longest history',
      ],
      raw.growth.sizes.map((size) => [
        size.links.toLocaleString('en'),
        size.lookUp.toFixed(2),
        size.commit.toFixed(2),
        String(size.worker),
        String(size.intake),
        String(size.mongo),
        String(size.events),
      ]),
    ),
    '',
    `Slopes on log-log axes: memory ${raw.growth.slopes.memory.toFixed(2)}, look-up ${raw.growth.slopes.lookUp.toFixed(2)}, commit ${raw.growth.slopes.commit.toFixed(2)} (0 is flat).`,
    '',
    chart(
      'Look-up by links',
      raw.growth.sizes.map(({ links }) => links.toLocaleString('en')),
      raw.growth.sizes.map(({ lookUp }) => lookUp),
      'ms',
    ),
    '',
    chart(
      'Worker’s memory by links',
      raw.growth.sizes.map(({ links }) => links.toLocaleString('en')),
      raw.growth.sizes.map(({ worker }) => worker),
      'MB',
    ),
    '',
    '## A strict limit',
    '',
    `A backfill against a Zendesk that refuses every call above its rate: ${raw.quota.useful} of ${raw.quota.allowed} allowed calls in ${raw.quota.minutes} min were useful. A share is`,
    'kept back for people’s edits (docs/operations.md). This figure is of the account’s calls alone. It says nothing of',
    'ticket updates, of which an account has 100 a minute: they bind a sync first, and are measured below.',
    '',
    '## Ticket updates, beside agents',
    '',
    `Agents edit in bursts, and the sync always has more to write than ${raw.agents.limit} updates a minute allow.`,
    '',
    table(
      ['agents’ edits a minute', 'taken', 'refused', 'updates of the sync'],
      raw.agents.minutes.map(({ burst, isFirst, agents, refused, ours }) => [
        `${burst}${isFirst ? ', first minute' : ''}`,
        String(agents),
        String(refused),
        String(ours),
      ]),
    ),
  ].join('\n')}\n`;
}

const times = (ratio: number): string => ratio.toFixed(2);
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.01 ? 2 : 0)} %`;
const milliseconds = (seconds: Record<string, number>) =>
  Object.entries(seconds)
    .map(([what, each]) => `${what} ${(each * 1000).toFixed(0)} ms`)
    .join(', ');

const round = (value: number): string => (value < 100 ? value.toFixed(1) : value.toFixed(0));

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** GitHub draws it: https://mermaid.js.org/syntax/xyChart.html */
function chart(title: string, labels: string[], values: number[], unit: string): string {
  return [
    '```mermaid',
    'xychart-beta',
    `  title "${title}"`,
    `  x-axis [${labels.map((label) => `"${label}"`).join(', ')}]`,
    `  y-axis "${unit}" 0 --> ${(Math.max(...values) * 1.2).toFixed(2)}`,
    `  bar [${values.map((value) => value.toFixed(2)).join(', ')}]`,
    '```',
  ].join('\n');
}
