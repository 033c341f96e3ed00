import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { say, type Bed, type Servers } from '../bed';
import { changes } from '../people';
import { cpuSeconds } from '../process';

const FLOOR = path.resolve(__dirname, '../floor/main.js');
const LOOK_MS = 25;

export interface Throughput {
  /** Changes per second, by kind of change. */
  pair: Record<string, number>;
  /** Workflows per second whose activities do nothing: before and after. */
  floor: number[];
  ratio: number;
  /** Processor seconds that each process used for a change, in the mean. */
  cpuPerChange: Record<string, number>;
  /** The same of a workflow whose activities do nothing. */
  cpuPerNoop: Record<'service' | 'temporal', number>;
}

/** Changes that have gathered while the service was away, and how fast it works them off; then the floor again. */
export async function throughput(bed: Bed, count: number): Promise<Throughput> {
  const { temporal, mongo } = bed.servers;
  const floors = [await floorOf(temporal, count)];
  const pair: Record<string, number> = {};
  const used = { service: 0, temporal: 0, mongo: 0, sandboxes: 0 };
  let done = 0;
  for (const { name, make } of changes(bed.sandboxes)) {
    if (name !== 'ticket edited' && name !== 'project edited') continue;
    await bed.worker.stop();
    const open = new Set(Array.from({ length: count }, (_, n) => make(n)));
    const before = {
      temporal: cpuSeconds(temporal.pid),
      mongo: cpuSeconds(mongo.pid),
      sandboxes: cpuSeconds(process.pid),
    };
    bed.worker.start();
    let first = 0;
    let atFirst = 0;
    let service = 0;
    while (open.size > 0) {
      await sleep(LOOK_MS);
      for (const arrived of open) if (arrived()) open.delete(arrived);
      if (first === 0 && open.size < count) {
        first = performance.now();
        atFirst = count - open.size;
        // What it takes to start is no part of a change.
        service = cpuSeconds(bed.worker.pid);
      }
    }
    pair[name] = ((count - atFirst) / (performance.now() - first)) * 1000;
    done += count;
    used.service += cpuSeconds(bed.worker.pid) - service;
    used.temporal += cpuSeconds(temporal.pid) - before.temporal;
    used.mongo += cpuSeconds(mongo.pid) - before.mongo;
    used.sandboxes += cpuSeconds(process.pid) - before.sandboxes;
    say(`${name}: ${pair[name].toFixed(1)} a second`);
    await bed.quiet();
  }
  floors.push(await floorOf(temporal, count));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const floor = floors.map(({ perSecond }) => perSecond);
  return {
    pair,
    floor,
    ratio: mean(Object.values(pair)) / mean(floor),
    cpuPerChange: Object.fromEntries(Object.entries(used).map(([what, seconds]) => [what, seconds / done])),
    cpuPerNoop: {
      service: mean(floors.map(({ cpu }) => cpu)),
      temporal: mean(floors.map(({ temporalCpu }) => temporalCpu)),
    },
  };
}

interface Floor {
  perSecond: number;
  /** Processor seconds of the worker for each workflow. */
  cpu: number;
  temporalCpu: number;
}

async function floorOf({ address, pid }: Servers['temporal'], count: number): Promise<Floor> {
  const name = `floor-${randomBytes(3).toString('hex')}`;
  const before = cpuSeconds(pid);
  const { stdout } = await promisify(execFile)(process.execPath, [FLOOR, address, String(count), name]);
  const temporalCpu = (cpuSeconds(pid) - before) / count;
  const measured = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Omit<Floor, 'temporalCpu'>;
  say(`floor: ${measured.perSecond.toFixed(1)} a second`);
  return { ...measured, temporalCpu };
}
