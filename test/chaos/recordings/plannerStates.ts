import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Mapping } from '../../../src/sync/mapping';
import type { PairState } from '../../../src/sync/plan';

/**
 * Keeps what the planner was asked: one line of JSON for each call, and each mapping once, in a folder. Two planners can
 * then be compared over states that really occurred.
 */

/** JSON in which a Map survives, as `{ "$map": [[key, value], …] }`. */
export function dehydrate(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (each instanceof Map ? { $map: [...each] } : each));
}

export function revive<T>(json: string): T {
  return JSON.parse(json, (_, each: unknown) =>
    each !== null && typeof each === 'object' && '$map' in each
      ? new Map((each as { $map: [unknown, unknown][] }).$map)
      : each,
  ) as T;
}

/** @returns what notes one call of the planner in files of `folder` */
export function recorder(folder: string): (state: PairState, mapping: Mapping) => void {
  mkdirSync(folder, { recursive: true });
  const known = new Set<string>();
  const append = (name: string, value: unknown) =>
    appendFileSync(path.join(folder, `${name}-${process.pid}.jsonl`), `${dehydrate(value)}\n`);
  return (state, mapping) => {
    if (!known.has(mapping.version)) append('mappings', mapping);
    known.add(mapping.version);
    append('states', { mapping: mapping.version, state });
  };
}
