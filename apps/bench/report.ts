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
  /** The same measurement with slow calls. */
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
  /** Ratios; `raw` has the figures that they are made of. */
  calls: { steady: number; backfill: number; peer: number };
  throughput: { pair: number; backfill: number };
  growth: { memory: number; lookup: number };
  quota: { used: number; rate429: number };
  /** The used share of the ticket updates that agents leave: with agents at work, and without. */
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

/** The text of docs/performance.md. */
export function inWords(report: Report): string {
  const { raw } = report;
  return `${[
    ...ratios(report),
    ...costOfAChange(raw),
    ...firstSync(raw),
    ...throughputAndLatency(raw),
    ...growthOfTheStore(raw),
    ...strictLimit(raw),
    ...besideAgents(raw),
  ].join('\n')}\n`;
}

function ratios({
  run,
  calls,
  throughput,
  growth,
  quota,
  ticketUpdates,
  raw: { delayMs },
}: Report): string[] {
  return [
    '# Performance',
    '',
    '<!-- Written by `npm run bench`; change apps/bench/report.ts. -->',
    '',
    paragraph(
      `Measured on ${run.at.slice(0, 10)} in one ${run.quick ? 'quick ' : ''}run of ${run.minutes.toFixed(0)} minutes, on ${run.machine}. Temporal's development server, the MongoDB-wire server in Java, both sandboxes and the service share these processors.`,
      'The times are those of this machine; the ratios should be similar elsewhere. `npm run bench` repeats the measurement, `npm run bench -- --quick` in less time. The raw figures are in `apps/bench/results/latest.json`.',
    ),
    '',
    table(
      ['ratio', 'measured', 'aim'],
      [
        ['calls for a change, over the minimum that the APIs allow', times(calls.steady), 'at most 1.05'],
        ['calls of a backfill, over the minimum that the APIs allow', times(calls.backfill), 'at most 1.15'],
        ['calls of a polling script, over ours', times(calls.peer), 'at least 2'],
        ['changes a second, over no-op workflows a second', times(throughput.pair), 'at least 0.8'],
        [
          `records a second, over bare HTTP (calls of ${delayMs} ms)`,
          times(throughput.backfill),
          'at least 0.7',
        ],
        ['worker’s memory with the most links, over the fewest', times(growth.memory), 'at most 1.2'],
        ['look-up of a link with the most links, over the fewest', times(growth.lookup), 'at most 1.5'],
        ['used share of a strict limit, by a backfill', percent(quota.used), 'at least 90 %'],
        ['calls answered 429', percent(quota.rate429), 'below 0.1 %'],
        [
          'used share of the ticket updates that agents leave',
          percent(ticketUpdates.beside),
          'at least 90 %',
        ],
        ['used share of the ticket updates without agents', percent(ticketUpdates.alone), 'at least 95 %'],
        ['agents’ edits refused after their first minute', String(ticketUpdates.refusedLater), '0'],
      ],
    ),
    '',
  ];
}

function costOfAChange({ own, peer }: Results): string[] {
  return [
    '## What a change costs',
    '',
    paragraph(
      'Calls that carry a change, by kind of change. Reads of exports and of the feed are counted separately, as intake. The polling script (`apps/bench/peer`) is what a developer would write in an afternoon with node-zendesk.',
    ),
    '',
    table(
      ['change', 'calls', 'minimum', 'polling script'],
      own.costs.map(({ change, calls: each, bound }, n) => [
        change,
        each.toFixed(2),
        String(bound),
        (peer.costs[n]?.calls ?? 0).toFixed(2),
      ]),
    ),
    '',
    paragraph(
      `Intake: ${own.intake.toFixed(2)} calls for a change here, ${peer.intake.toFixed(2)} with the script. It depends on the number of changes that share a poll.`,
    ),
    '',
    'Two kinds of changes take two calls:',
    '',
    '- An update of an organization has no precondition, so the organization is read right before it.',
    '- Zendesk sets the address and the channel of a new ticket. They go back to its project.',
    '',
    paragraph(
      'In Temporal, a change costs one signal-with-start, three workflow tasks and two activities. The first reads the link store, plans, and stores the intent before any call is made. The second runs on the task queue of the API, writes, and commits. Polls and echoes cost none of these.',
    ),
    '',
  ];
}

function firstSync({ backfill, bare, delayMs, slow, slowBare }: Results): string[] {
  return [
    '## The first sync',
    '',
    table(
      ['run', 'records', 'seconds', 'records a second', 'calls', 'minimum'],
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
    paragraph(
      'Bare HTTP (`apps/bench/bare.ts`) reads and writes the same pages with the same concurrency, and stores nothing.',
      `With sandboxes that answer at once, on the same two processors, the backfill has ${times(backfill.recordsPerSecond / bare.recordsPerSecond)} of its speed, because of the link store, claims and intents. Real APIs are slower, so the table at the top has the ratio with slow calls.`,
    ),
    '',
    `The longest history of a backfill had ${Math.max(backfill.events, slow.events)} events.`,
    '',
  ];
}

function throughputAndLatency({ latency, pair }: Results): string[] {
  return [
    '## Throughput and latency',
    '',
    paragraph(
      'Edits accumulate while the polls are paused; a warm service then processes them. It takes turns with no-op workflows: workflows with as many activities, but without search attributes, heartbeats and content.',
    ),
    '',
    table(
      ['work', 'a second'],
      [
        ...Object.entries(pair.pair).map(([name, rate]) => [name, rate.toFixed(1)]),
        ...pair.floor.map((rate, n) => [
          `no-op workflows, ${['before', 'between', 'after'][n] ?? ''}`,
          rate.toFixed(1),
        ]),
      ],
    ),
    '',
    paragraph(
      `Processor time for a change: ${milliseconds(pair.cpuPerChange)}. For a no-op workflow: ${milliseconds(pair.cpuPerNoop)}. The no-op workflows share the processors with Temporal only.`,
    ),
    '',
    'Time from an edit in the PMS to its write in Zendesk, by webhook:',
    '',
    table(
      ['share of the sustained rate', 'changes a second', 'p50, ms', 'p95, ms', 'p99, ms'],
      latency.map(({ share, perSecond, p50, p95, p99 }) => [
        percent(share),
        perSecond.toFixed(1),
        String(p50),
        String(p95),
        String(p99),
      ]),
    ),
    '',
  ];
}

function growthOfTheStore({ growth }: Results): string[] {
  return [
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
      growth.sizes.map((size) => [
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
    `Slopes on log-log axes (0 is flat): memory ${growth.slopes.memory.toFixed(2)}, look-up ${growth.slopes.lookUp.toFixed(2)}, commit ${growth.slopes.commit.toFixed(2)}.`,
    '',
    chart(
      'Look-up by links',
      growth.sizes.map(({ links }) => links.toLocaleString('en')),
      growth.sizes.map(({ lookUp }) => lookUp),
      'ms',
    ),
    '',
    chart(
      'Worker’s memory by links',
      growth.sizes.map(({ links }) => links.toLocaleString('en')),
      growth.sizes.map(({ worker }) => worker),
      'MB',
    ),
    '',
  ];
}

function strictLimit({ quota }: Results): string[] {
  return [
    '## A strict limit',
    '',
    paragraph(
      `A backfill with a Zendesk that refuses every call above its rate: ${quota.useful} of ${quota.allowed} allowed calls in ${quota.minutes} min were useful. A share is reserved for people’s edits ([operations.md](operations.md#rates)).`,
      'This figure concerns the account’s calls only. Ticket updates, of which an account has 100 a minute, limit a sync earlier. The next section measures them.',
    ),
    '',
  ];
}

function besideAgents({ agents }: Results): string[] {
  return [
    '## Ticket updates, beside agents',
    '',
    paragraph(
      `Agents edit in bursts, and the sync always has more to write than ${agents.limit} updates a minute allow.`,
    ),
    '',
    table(
      ['agents’ edits a minute', 'accepted', 'refused', 'updates of the sync'],
      agents.minutes.map(({ burst, isFirst, agents, refused, ours }) => [
        `${burst}${isFirst ? ', first minute' : ''}`,
        String(agents),
        String(refused),
        String(ours),
      ]),
    ),
  ];
}

/** Wraps sentences at 100 columns (docs/style.md). */
function paragraph(...sentences: string[]): string {
  const lines = [''];
  for (const word of sentences.join(' ').split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > 100) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
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

/** A chart that GitHub draws: https://mermaid.js.org/syntax/xyChart.html */
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
