import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { startMongo, startTemporal } from '../../src/platform/embedded/embeddedServers';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';
import type { AccountOptions } from './backfill/generate';
import { Bed, log, startSandboxes, type Servers } from './bed';
import { inWords, summary, type Results } from './report';
import { agentsShare } from './sections/agents';
import { bareHttp } from './sections/bareHttp';
import { completeSync } from './sections/firstSync';
import { growth } from './sections/growth';
import { latency } from './sections/latency';
import { peer } from './sections/peer';
import { quota } from './sections/quota';
import { slowDown } from './sections/slowly';
import { steady } from './sections/steady';
import { throughput } from './sections/throughput';

/** `npm run bench`: the cost of a change, the speed, and the growth of both; all ratios are from one run. */

const ROOT = path.resolve(__dirname, '../../..');
/** A link with its claims needs about 10 KB of the Java server's memory. */
const MONGO_HEAP_MB = { quick: 4_096, full: 14_336 };
const SETTLE_MS = 6_000;

interface Scale {
  /** Tickets of the account that is backfilled and then edited. */
  tickets: number;
  /** Changes of each kind whose calls are counted. */
  each: number;
  /** Changes that accumulate before the service processes them. */
  gathered: number;
  latencySeconds: number;
  links: number[];
  quotaMinutes: number;
  /** The minutes of each burst of agents' edits. */
  agentsMinutes: number;
  mongoHeapMb: number;
}

const FULL: Scale = {
  tickets: 10_000,
  each: 200,
  gathered: 2_000,
  latencySeconds: 40,
  links: [10_000, 100_000, 1_000_000],
  quotaMinutes: 5,
  agentsMinutes: 3,
  mongoHeapMb: MONGO_HEAP_MB.full,
};
const QUICK: Scale = {
  tickets: 3_000,
  each: 20,
  gathered: 400,
  latencySeconds: 10,
  links: [1_000, 10_000, 100_000],
  quotaMinutes: 1,
  agentsMinutes: 2,
  mongoHeapMb: MONGO_HEAP_MB.quick,
};
/** The shortest time of a call to either system over the internet. */
const DELAY_MS = 200;
const POLLS = { ZENDESK_POLL_SECONDS: '5', PMS_POLL_SECONDS: '5' };

async function main(): Promise<void> {
  const { quick, only } = new Command('bench')
    .option('--quick', 'a smaller run')
    .addOption(new Option('--only <section>', 'only this section').choices(['agents']))
    .parse()
    .opts<{ quick?: true; only?: 'agents' }>();
  const scale = quick ? QUICK : FULL;
  const began = Date.now();
  const servers: Servers = {
    temporal: await startTemporal({ searchAttributes: SEARCH_ATTRIBUTES }),
    mongo: await startMongo({ mongoHeapMb: scale.mongoHeapMb }),
  };
  try {
    if (only !== undefined) {
      const share = await agentsShare(servers, scale.agentsMinutes);
      write('agents.json', { at: new Date().toISOString(), ...share });
      return;
    }
    const results = await measure(servers, scale);
    const report = summary(results, {
      quick: quick === true,
      at: new Date().toISOString(),
      minutes: (Date.now() - began) / 60_000,
      machine: `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`,
    });
    write('latest.json', report);
    writeFileSync(path.join(ROOT, 'docs/performance.md'), inWords(report));
    console.log(JSON.stringify({ ...report, raw: undefined }, null, 2));
  } finally {
    await servers.temporal.stop();
    await servers.mongo.stop();
  }
}

function write(file: string, results: object): void {
  const folder = path.join(ROOT, 'apps/bench/results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, file), `${JSON.stringify(results, null, 2)}\n`);
}

async function measure(servers: Servers, scale: Scale): Promise<Results> {
  const account: AccountOptions = { tickets: scale.tickets, commentsPerTicket: 3 };
  log('first sync and bare HTTP');
  const slowBare = await bareHttp(account, DELAY_MS);
  const slow = await onBed(servers, account, {}, async (bed, size) => {
    await slowDown(bed.sandboxes, DELAY_MS);
    return completeSync(bed, size);
  });
  const bare = await bareHttp(account, 0);
  const rest = await onBed(servers, account, POLLS, async (bed, size) => {
    const backfill = await completeSync(bed, size);
    log('cost of a change');
    const until = (what: string, holds: () => boolean) => bed.until(what, holds);
    const own = await steady(bed.sandboxes, scale.each, until, async () => {
      await bed.quiet();
      // The polls read our own writes again, which must cause no further write.
      await sleep(SETTLE_MS);
      await bed.quiet();
    });
    log('throughput');
    const pair = await throughput(bed, scale.gathered);
    const sustainable = pair.pair['project edited'] ?? 0;
    return { backfill, own, pair, latency: await latency(bed, sustainable, scale.latencySeconds) };
  });
  log('polling script');
  const script = await peer({ tickets: 400, commentsPerTicket: 1 }, 20);
  log('growth');
  const grown = await growth(servers, scale.links);
  log('strict limit');
  const strict = await quota(servers, scale.quotaMinutes);
  log('ticket updates with agents at work');
  const agents = await agentsShare(servers, scale.agentsMinutes);
  const firstSyncs = { bare, slow, slowBare, delayMs: DELAY_MS };
  return { ...rest, ...firstSyncs, peer: script, growth: grown, quota: strict, agents };
}

async function onBed<T>(
  servers: Servers,
  account: AccountOptions,
  env: Record<string, string>,
  work: (bed: Bed, size: Awaited<ReturnType<typeof startSandboxes>>['size']) => Promise<T>,
): Promise<T> {
  const boxes = await startSandboxes(account);
  try {
    const bed = await Bed.start(servers, boxes, env);
    try {
      return await work(bed, boxes.size);
    } finally {
      await bed.stop();
    }
  } finally {
    await boxes.close();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
