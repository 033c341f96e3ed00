import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandboxes } from './bed';
import { changes } from 'testkit';

const LOOK_MS = 10;

export interface Pace {
  /** Edits in total, and per second. */
  count: number;
  perSecond: number;
  /** The duration of the edits. The last one must arrive within `withinMs` after that. */
  seconds: number;
  withinMs: number;
  /** The number of projects that are edited in turn; by default, each is edited once. */
  projects?: number;
}

/**
 * Makes edits in the PMS at a steady pace and measures when they arrive in Zendesk.
 * @returns milliseconds from edit to arrival, by quantile
 */
export async function editAtPace(sandboxes: Sandboxes, pace: Pace): Promise<(quantile: number) => number> {
  const { count, perSecond, seconds, withinMs, projects = Infinity } = pace;
  const project = changes(sandboxes).find(({ name }) => name === 'project edited');
  if (!project) throw new Error('found no change "project edited"');
  const open = new Map<() => boolean, number>();
  const took: number[] = [];
  const began = performance.now();
  for (let made = 0; took.length < count;) {
    const now = performance.now();
    if (now - began > seconds * 1_000 + withinMs)
      throw new Error(`${count - took.length} edits have not arrived`);
    for (; made < count && now - began >= (made / perSecond) * 1_000; made += 1)
      open.set(project.make(made % projects), now);
    for (const [arrived, at] of open)
      if (arrived()) {
        open.delete(arrived);
        took.push(performance.now() - at);
      }
    await sleep(LOOK_MS);
  }
  took.sort((a, b) => a - b);
  return (quantile) => Math.round(took[Math.floor(quantile * (took.length - 1))] ?? 0);
}
