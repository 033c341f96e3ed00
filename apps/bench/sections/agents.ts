import { setTimeout as sleep } from 'node:timers/promises';
import { Bed, callsOf, log, startSandboxes, total, type Sandboxes, type Servers } from '../bed';
import { changes } from 'testkit';
import { completeSync } from './firstSync';

/**
 * Ticket updates, of which an account has 100 a minute, with agents who edit in bursts and a sync that always has
 * more to write. Measures what is left to the agents, and how much of the rest the sync uses.
 * https://developer.zendesk.com/api-reference/introduction/rate-limits/#endpoint-rate-limits
 */

const LIMIT = 100;
/** Edits of agents per minute, in each burst. */
const BURSTS = [0, 40, 80, 0];
const TICKETS = 600;
/** Tickets that agents edit; the sync's changes concern other tickets. */
const AGENTS_TICKETS = 150;
/** Changes of the PMS that wait to be written: always more than a minute allows. */
const WAITING = 200;
const LOOK_MS = 250;
const MINUTE_MS = 60_000;
const SEED = 20_261_129;

/** One minute of a burst. In its first minute the agents begin or end. */
export interface AgentsMinute {
  /** The agents' edits per minute in this burst. */
  burst: number;
  isFirst: boolean;
  ours: number;
  agents: number;
  refused: number;
  /** Refused edits in minutes of the account that began more than a minute after the start of the burst. */
  refusedLater: number;
}

export interface AgentsShare {
  limit: number;
  minutes: AgentsMinute[];
  /**
   * The part of the updates left by agents that the sync used, without the first minute of each burst, with agents at
   * work.
   */
  usedBeside: number;
  /** The same without agents. */
  usedAlone: number;
  /**
   * Refused edits of agents: in a minute of the account that began within a minute after the start of their burst,
   * and later. The account's minutes begin independently of the bursts.
   */
  refusedAtFirst: number;
  refusedLater: number;
  /** Calls of the sync that were answered 429. */
  rate429: number;
}

export async function agentsShare(servers: Servers, minutesEach: number): Promise<AgentsShare> {
  const account = { tickets: TICKETS, commentsPerTicket: 0, notes: 0 };
  const boxes = await startSandboxes(account, { ticketUpdatesPerMinute: LIMIT });
  const bed = await Bed.start(servers, boxes, { PMS_POLL_SECONDS: '1', ZENDESK_POLL_SECONDS: '5' });
  try {
    await completeSync(bed, boxes.size);
    const flood = new Flood(boxes);
    flood.start();
    // The first window is not measured, because it began with the backfill.
    await sleep(MINUTE_MS);
    const minutes: AgentsMinute[] = [];
    for (const burst of BURSTS)
      for (let n = 0; n < minutesEach; n += 1) {
        const minute = { burst, isFirst: n === 0, ...(await oneMinute(boxes, burst, n, minutes.length)) };
        log(`agents ${burst} a minute: ${JSON.stringify(minute)}`);
        minutes.push(minute);
      }
    flood.stop();
    const refusals = (await callsOf(boxes)).filter(
      ({ side, status }) => side === 'zendesk' && status === 429,
    );
    return { ...sharesOf(minutes), rate429: total(refusals) };
  } finally {
    await bed.stop();
    await boxes.close();
  }
}

function sharesOf(minutes: AgentsMinute[]): Omit<AgentsShare, 'rate429'> {
  const settled = minutes.filter(({ isFirst }) => !isFirst);
  const used = (some: AgentsMinute[]) =>
    sum(some, ({ ours }) => ours) / sum(some, ({ agents }) => LIMIT - agents);
  return {
    limit: LIMIT,
    minutes,
    usedBeside: used(settled.filter(({ burst }) => burst > 0)),
    usedAlone: used(settled.filter(({ burst }) => burst === 0)),
    refusedAtFirst: sum(minutes, ({ refused, refusedLater }) => refused - refusedLater),
    refusedLater: sum(minutes, ({ refusedLater }) => refusedLater),
  };
}

const sum = (minutes: readonly AgentsMinute[], of: (minute: AgentsMinute) => number): number =>
  minutes.reduce((total, minute) => total + of(minute), 0);

async function oneMinute(
  boxes: Sandboxes,
  burst: number,
  minuteOfBurst: number,
  n: number,
): Promise<Omit<AgentsMinute, 'burst' | 'isFirst'>> {
  const before = await ticketUpdates(boxes);
  const began = Date.now();
  let agents = 0;
  let refused = 0;
  let refusedLater = 0;
  const firstMinuteEnds = began + (1 - minuteOfBurst) * MINUTE_MS;
  for (const at of momentsOf(burst, n)) {
    await sleep(Math.max(0, began + at - Date.now()));
    const edit = agentEdits(boxes, n * burst + agents + refused);
    if (!edit.refused) agents += 1;
    else {
      refused += 1;
      const accountMinuteBegan = Date.now() + edit.retryAfterSeconds * 1000 - MINUTE_MS;
      if (accountMinuteBegan > firstMinuteEnds) refusedLater += 1;
    }
  }
  await sleep(Math.max(0, began + MINUTE_MS - Date.now()));
  return { ours: (await ticketUpdates(boxes)) - before, agents, refused, refusedLater };
}

/** Times of edits in milliseconds within a minute: one random time in each equal part of it, by the seed. */
function momentsOf(edits: number, minute: number): number[] {
  let state = SEED + minute;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  return Array.from({ length: edits }, (_, n) => ((n + random()) * MINUTE_MS) / edits);
}

function agentEdits({ zendesk }: Sandboxes, n: number): ReturnType<Sandboxes['zendesk']['agentEdits']> {
  const tickets = [...zendesk.store.tickets.keys()].slice(-AGENTS_TICKETS);
  const id = tickets[n % tickets.length];
  if (id === undefined) throw new Error('the account has no tickets');
  return zendesk.agentEdits(id, { priority: n % 2 === 0 ? 'high' : 'normal' });
}

/** Ticket updates that the sync made. Agents in Zendesk's web interface make no calls. */
async function ticketUpdates(boxes: Sandboxes): Promise<number> {
  const calls = await callsOf(boxes);
  return total(
    calls.filter(
      ({ side, method, route, status }) =>
        side === 'zendesk' && method === 'PUT' && route.includes('/tickets/') && status < 300,
    ),
  );
}

/** People of the PMS who keep a number of changes waiting for Zendesk. */
class Flood {
  private readonly edit;
  private readonly waiting = new Map<number, () => boolean>();
  private timer: NodeJS.Timeout | undefined;
  private next = 0;

  constructor(boxes: Sandboxes) {
    const edit = changes(boxes).find(({ name }) => name === 'project edited');
    if (!edit) throw new Error('found no change "project edited"');
    this.edit = edit;
  }

  start(): void {
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    for (const [n, hasArrived] of this.waiting) if (hasArrived()) this.waiting.delete(n);
    while (this.waiting.size < WAITING) {
      const n = this.next % (TICKETS - AGENTS_TICKETS);
      this.next += 1;
      if (!this.waiting.has(n)) this.waiting.set(n, this.edit.make(n));
    }
  }
}
