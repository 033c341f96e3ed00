import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandboxes } from './bed';
import { changes } from 'testkit';

const LOOK_MS = 10;

export interface Pace {
  /** Edits in all, and a second. */
  count: number;
  perSecond: number;
  /** For how long edits are made; they must have arrived `withinMs` later. */
  seconds: number;
  withinMs: number;
  /** Projects that are edited in turn; each once if not given. */
  projects?: number;
}

/**
 * Edits in the PMS at a steady pace, and when they are in Zendesk.
 * @returns milliseconds from edit to arrival, by quantile
 */
export async function editAtPace(sandboxes: Sandboxes, pace: Pace): Promise<(quantile: number) => number> {
  const { count, perSecond, seconds, withinMs, projects = Infinity } = pace;
  const project = changes(sandboxes).find(({ name }) => name === 'project edited');
  if (!project) throw new Error('no such change');
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
