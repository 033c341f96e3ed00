import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Mapping } from '../../../src/sync/mapping';
import type { PairState } from '../../../src/sync/planner';
import type { Asked } from './asked';

/**
 * Recordings of the planner's inputs: one line of JSON for each call, and each mapping once. Two planners can then be
 * compared over states that really occurred.
 */

/** JSON that preserves a Map, as `{ "$map": [[key, value], …] }`. */
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

/** One line of a recording: a mapping, or a state with the version of its mapping. */
export type Line = { mapping: Mapping } | { state: PairState; by: string };

/** @returns a function that records one call of the planner in a file of `folder` */
export function recorder(folder: string): (state: PairState, mapping: Mapping) => void {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${process.pid}.jsonl`);
  const known = new Set<string>();
  const append = (line: Line) => appendFileSync(file, `${dehydrate(line)}\n`);
  return (state, mapping) => {
    if (!known.has(mapping.version)) append({ mapping });
    known.add(mapping.version);
    append({ state, by: mapping.version });
  };
}

export function readRecording(file: string): Asked[] {
  const mappings = new Map<string, Mapping>();
  const asked: Asked[] = [];
  for (const json of readFileSync(file, 'utf8').split('\n')) {
    // A killed process may leave an incomplete line.
    if (!json.endsWith('}')) continue;
    const line = revive<Line>(json);
    if ('mapping' in line) mappings.set(line.mapping.version, line.mapping);
    else {
      const mapping = mappings.get(line.by);
      if (!mapping)
        throw new Error(`${file}: a state names mapping ${line.by}, which the file does not have`);
      asked.push({ state: line.state, mapping });
    }
  }
  return asked;
}
