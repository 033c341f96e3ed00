import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pollScheduleId } from '../../../src/workers/schedules';
import { SIDES } from '../../../src/sync/record';
import { log, type Bed, type Servers } from '../bed';
import { changes, type Change } from 'testkit';
import { Clock } from '../process';

const FLOOR = path.resolve(__dirname, '../floor/main.js');
const LOOK_MS = 100;
/**
 * Warm-up, as a share of the measured changes: a service runs for weeks, so its code is warm. The same holds for the
 * floor.
 */
const WARM_UP = 0.25;
const ROUNDS = 2;

export interface Throughput {
  /** Changes per second, by kind of change. */
  pair: Record<string, number>;
  /** Workflows per second without work, before and after. */
  floor: number[];
  ratio: number;
  /** Mean processor seconds of each process per change. */
  cpuPerChange: Record<string, number>;
  /** The same for a workflow whose activities do nothing. */
  cpuPerNoop: Record<'service' | 'temporal', number>;
}

/**
 * Lets changes accumulate while polls are paused, and measures how fast the service processes them. Temporal slows
 * down as its data grows, so the floor is measured before, between and after.
 */
export async function throughput(bed: Bed, count: number): Promise<Throughput> {
  const { temporal } = bed.servers;
  const each = Math.ceil(count / ROUNDS);
  const warmUp = Math.ceil(each * WARM_UP);
  const edits = changes(bed.sandboxes).filter(
    ({ name }) => name === 'ticket edited' || name === 'project edited',
  );
  for (const edit of edits) await workOff(bed, edit, warmUp);
  const floors = [await floorOf(temporal, warmUp, each)];
  const pair = new Map<string, number[]>();
  const used: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const edit of edits) {
      const { perSecond, seconds } = await workOff(bed, edit, each);
      pair.set(edit.name, [...(pair.get(edit.name) ?? []), perSecond]);
      for (const [what, spent] of Object.entries(seconds))
        used[what] = (used[what] ?? 0) + spent / each / edits.length / ROUNDS;
      log(`${edit.name}: ${perSecond.toFixed(1)} a second`);
    }
    floors.push(await floorOf(temporal, warmUp, each));
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const floor = floors.map(({ perSecond }) => perSecond);
  return {
    pair: Object.fromEntries([...pair].map(([name, rates]) => [name, mean(rates)])),
    floor,
    ratio: mean([...pair.values()].flat()) / mean(floor),
    cpuPerChange: used,
    cpuPerNoop: {
      service: mean(floors.map(({ cpu }) => cpu)),
      temporal: mean(floors.map(({ temporalCpu }) => temporalCpu)),
    },
  };
}

/**
 * @returns changes per second from the first arrival to the last, and the processor seconds of each process in that
 * time
 */
async function workOff(
  bed: Bed,
  { make }: Change,
  count: number,
): Promise<{ perSecond: number; seconds: Record<string, number> }> {
  const { temporal, mongo } = bed.servers;
  const polls = SIDES.map((side) => bed.client.schedule.getHandle(pollScheduleId(bed.name, side)));
  for (const poll of polls) await poll.pause('changes gather');
  await bed.quiet();
  const open = new Set(Array.from({ length: count }, (_, n) => make(n)));
  for (const poll of polls) await poll.unpause();
  for (const poll of polls) await poll.trigger();
  let first = 0;
  let atFirst = 0;
  let clock: Clock | null = null;
  while (open.size > 0) {
    await sleep(LOOK_MS);
    for (const arrived of open) if (arrived()) open.delete(arrived);
    if (clock || open.size === count) continue;
    first = performance.now();
    atFirst = count - open.size;
    clock = new Clock({
      service: () => bed.worker.pid,
      temporal: () => temporal.pid,
      mongo: () => mongo.pid,
      sandboxes: () => process.pid,
    });
  }
  const perSecond = ((count - atFirst) / (performance.now() - first)) * 1_000;
  const seconds = clock?.seconds() ?? {};
  await bed.quiet();
  return { perSecond, seconds };
}

interface Floor {
  perSecond: number;
  /** Processor seconds per workflow, of the worker and of Temporal. */
  cpu: number;
  temporalCpu: number;
}

async function floorOf({ address, pid }: Servers['temporal'], warmUp: number, count: number): Promise<Floor> {
  const name = `floor-${randomBytes(3).toString('hex')}`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    FLOOR,
    address,
    String(warmUp),
    String(count),
    name,
    String(pid),
  ]);
  const measured = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Floor;
  log(`floor: ${measured.perSecond.toFixed(1)} a second`);
  return measured;
}
