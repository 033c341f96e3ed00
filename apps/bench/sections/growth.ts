import { canonicalKey, refKey } from '../../../src/sync/canonicalKey';
import { newLink, type Link } from '../../../src/sync/link';
import { Bed, log, startSandboxes, type Servers } from '../bed';
import { changes } from 'testkit';
import { residentMb } from '../process';
import { completeSync } from './firstSync';

const ACCOUNT = { tickets: 400, commentsPerTicket: 1 };
const EDITS = 100;
/**
 * Rounds of edits before the first measurement, because the memory of a process grows for a while after its start.
 */
const WARM_UP = 3;
const PROBES = 400;
const BATCH = 1_000;
/** Ids of synthetic records, outside of the sandboxes' range. */
const FIRST_ID = 10_000_000;

export interface Size {
  links: number;
  /** Median of milliseconds to find a record's link. */
  lookUp: number;
  /** Median of milliseconds to save a link by its revision. */
  commit: number;
  /** Resident memory after changes at this size, MB. */
  worker: number;
  intake: number;
  mongo: number;
  /** Events of the longest history of a pair. */
  events: number;
}

export interface Growth {
  sizes: Size[];
  /** The last size divided by the first. */
  memory: number;
  lookUp: number;
  commit: number;
  /** Slopes on log-log axes: 0 is flat, 1 is proportional to the size. */
  slopes: { memory: number; lookUp: number; commit: number };
}

/** Measures the same changes next to more and more links of other records. */
export async function growth(servers: Servers, sizes: readonly number[]): Promise<Growth> {
  const boxes = await startSandboxes(ACCOUNT);
  const bed = await Bed.start(servers, boxes, { ZENDESK_POLL_SECONDS: '5', PMS_POLL_SECONDS: '5' });
  try {
    await completeSync(bed, boxes.size);
    const receiver = await bed.receiveWebhooks();
    const measured: Size[] = [];
    let filled = 0;
    for (let round = 0; round < WARM_UP; round += 1) await edit(bed);
    for (const links of sizes) {
      await fill(bed, filled, links);
      filled = links;
      await edit(bed);
      const size: Size = {
        links,
        ...(await probe(bed, links)),
        worker: residentMb(bed.worker.pid) ?? 0,
        intake: residentMb(receiver.pid()) ?? 0,
        mongo: residentMb(servers.mongo.pid) ?? 0,
        events: await longest(bed),
      };
      log(JSON.stringify(size));
      measured.push(size);
    }
    return summary(measured);
  } finally {
    await bed.stop();
    await boxes.close();
  }
}

function summary(sizes: Size[]): Growth {
  const [first, last] = [sizes[0], sizes.at(-1)];
  if (!first || !last) throw new Error('nothing was measured');
  const ratio = (of: 'lookUp' | 'commit' | 'worker') => last[of] / first[of];
  const slope = (of: 'lookUp' | 'commit' | 'worker') =>
    Math.log(ratio(of)) / Math.log(last.links / first.links);
  return {
    sizes,
    memory: ratio('worker'),
    lookUp: ratio('lookUp'),
    commit: ratio('commit'),
    slopes: { memory: slope('worker'), lookUp: slope('lookUp'), commit: slope('commit') },
  };
}

function synthetic(n: number, mappingVersion: string): Link {
  const ticket = { side: 'zendesk', kind: 'ticket', id: String(FIRST_ID + n) } as const;
  const project = { side: 'pms', kind: 'project', id: `P-${FIRST_ID + n}` } as const;
  const at = new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
  const seen = {
    version: at,
    order: FIRST_ID + n,
    state: 'live',
    updatedAt: at,
    residue: {},
    backRef: true,
  } as const;
  return {
    ...newLink(canonicalKey('TicketToProject', ticket), 'TicketToProject', mappingVersion, at),
    status: 'linked',
    sides: { zendesk: { ...seen, ref: refKey(ticket) }, pms: { ...seen, ref: refKey(project) } },
    snapshot: {
      title: `Ticket ${n}`,
      description: `What ticket ${n} is about: it does not work, and that since yesterday.`,
      status: 'open',
      priority: 'high',
      tags: ['bench', `t${n % 7}`],
      requester: `person${n % 1_000}@customer.example`,
    },
  };
}

async function fill(bed: Bed, from: number, to: number): Promise<void> {
  const [linked] = await bed.store.linksAfter(null, 1);
  if (!linked) throw new Error('nothing is linked');
  const began = Date.now();
  for (let start = from; start < to; start += BATCH) {
    const links = Array.from({ length: Math.min(BATCH, to - start) }, (_, n) =>
      synthetic(start + n, linked.mappingVersion),
    );
    await bed.store.claims.claimMany(
      links.flatMap(({ _id: key, sides }) =>
        [sides.zendesk, sides.pms].flatMap((side) => (side ? [{ ref: side.ref, key }] : [])),
      ),
    );
    await bed.store.insertMany(links);
    if (start % 100_000 === 0) log(`${start} links after ${Math.round((Date.now() - began) / 1000)} s`);
  }
}

/** Makes changes that pass through intake, workflows and both APIs. */
async function edit(bed: Bed): Promise<void> {
  for (const { name, make } of changes(bed.sandboxes)) {
    if (name !== 'ticket edited' && name !== 'project edited') continue;
    const arrived = Array.from({ length: EDITS }, (_, n) => make(n));
    await bed.until(name, () => arrived.every((has) => has()));
  }
  await bed.quiet();
}

/** Reads and saves as a caller with many links does, because single reads and saves wait for the store's pace. */
async function probe(bed: Bed, links: number): Promise<{ lookUp: number; commit: number }> {
  const times: { lookUp: number[]; commit: number[] } = { lookUp: [], commit: [] };
  for (let n = 0; n < PROBES; n += 1) {
    const place = Math.floor((n * links) / PROBES);
    const ref = refKey({ side: 'pms', kind: 'project', id: `P-${FIRST_ID + place}` });
    const began = performance.now();
    const key = (await bed.store.claims.owners([ref])).get(ref);
    const link = key === undefined ? null : (await bed.store.getMany([key])).get(key);
    const found = performance.now();
    if (!link) throw new Error(`${ref} has no link`);
    const [saved] = await bed.store.saveMany([link]);
    if (!saved) throw new Error(`${link._id} was saved by another process`);
    times.lookUp.push(found - began);
    times.commit.push(performance.now() - found);
  }
  return { lookUp: median(times.lookUp), commit: median(times.commit) };
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function longest(bed: Bed): Promise<number> {
  let events = 0;
  let looked = 0;
  for await (const { historyLength } of bed.client.workflow.list({ query: `TaskQueue = '${bed.name}'` })) {
    events = Math.max(events, historyLength);
    if ((looked += 1) >= 2_000) break;
  }
  return events;
}
