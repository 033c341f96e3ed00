import { readdirSync } from 'node:fs';
import path from 'node:path';
import { planPair } from '../../../src/sync/plan';
import { Counts, kindsOf } from '../../support/plannerStates/counts';
import type { Asked } from '../../support/plannerStates/asked';
import { dehydrate, readRecording, type Line } from '../../support/plannerStates/recorded';

/**
 * Picks different states from recordings, and writes them as one recording to the standard output:
 * `node dist/test/chaos/recordings/select.js FOLDER… > test/fixtures/plannerStates.jsonl`
 */

const MOST_STATES = 400;
const MOST_CHARACTERS = 900_000;

/** By all that a state and its plan are examples of: states that differ in times and words alone are alike. */
function byKind(all: Asked[]): Asked[][] {
  const groups = new Map<string, Asked[]>();
  for (const asked of all) {
    const kinds = kindsOf(asked, planPair(asked.state, asked.mapping));
    const group = `${asked.state.key.split(':')[0]} ${[...new Set(kinds)].sort().join()}`;
    groups.set(group, [...(groups.get(group) ?? []), asked]);
  }
  return [...groups.values()];
}

function select(all: Asked[]): Line[] {
  const groups = byKind(all);
  const lines = new Map<string, Line>();
  let size = 0;
  const add = (line: Line) => {
    const json = dehydrate(line);
    if (!lines.has(json)) size += json.length;
    lines.set(json, line);
  };
  for (let round = 0; groups.some((group) => group.length > round); round += 1) {
    for (const group of groups) {
      const asked = group[round];
      if (!asked || lines.size >= MOST_STATES || size >= MOST_CHARACTERS) continue;
      add({ mapping: asked.mapping });
      add({ state: asked.state, by: asked.mapping.version });
    }
  }
  return [...lines.values()];
}

const all = process.argv
  .slice(2)
  .flatMap((folder) => readdirSync(folder).flatMap((name) => readRecording(path.join(folder, name))));
const lines = select(all);
const counts = new Counts();
const mappings = new Map(
  lines.flatMap((line) => ('mapping' in line ? [[line.mapping.version, line.mapping] as const] : [])),
);
for (const line of lines) {
  process.stdout.write(`${dehydrate(line)}\n`);
  const mapping = 'state' in line ? mappings.get(line.by) : undefined;
  if ('state' in line && mapping) counts.add({ state: line.state, mapping }, planPair(line.state, mapping));
}
process.stderr.write(`${lines.length - mappings.size} of ${all.length} states\n${counts.toString()}\n`);
