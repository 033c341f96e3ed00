import { readdirSync } from 'node:fs';
import path from 'node:path';
import { planPair } from '../../../src/sync/planner';
import { Counts, kindsOf } from '../../support/plannerStates/counts';
import type { Asked } from '../../support/plannerStates/asked';
import { dehydrate, readRecording, type Line } from '../../support/plannerStates/recorded';

/**
 * Chooses different states from recordings, and writes them as one recording to standard output: `node
 * dist/test/chaos/recordings/select.js FOLDER… > test/fixtures/plannerStates.jsonl`
 */

const MOST_STATES = 390;
const MOST_CHARACTERS = 900_000;
/** The number of examples of each kind that come first, beginning with the rarest kind. */
const OF_EACH = 15;

interface Example {
  asked: Asked;
  kinds: string[];
  /** The kinds that a state and its plan are examples of. States that differ only in times and texts are equal. */
  likeness: string;
}

function exampleOf(asked: Asked): Example {
  const plan = planPair(asked.state, asked.mapping);
  const kinds = [...new Set(kindsOf(asked, plan))].sort();
  return { asked, kinds, likeness: [asked.state.key.split(':')[0], ...kinds].join() };
}

/** Orders the first state of each kind before the second of each, and so on. */
function byLikeness(examples: Example[]): Example[] {
  const seen = new Map<string, number>();
  return examples
    .map((example) => {
      const before = seen.get(example.likeness) ?? 0;
      seen.set(example.likeness, before + 1);
      return { example, before };
    })
    .sort((a, b) => a.before - b.before)
    .map(({ example }) => example);
}

function select(all: Asked[]): Asked[] {
  const examples = byLikeness(all.map(exampleOf));
  const byKind = new Map<string, Example[]>();
  for (const example of examples)
    for (const kind of example.kinds) byKind.set(kind, [...(byKind.get(kind) ?? []), example]);
  const rarest = [...byKind.values()].sort((a, b) => a.length - b.length);
  const chosen = new Map<string, Asked>();
  let size = 0;
  for (const { asked } of [...rarest.flatMap((some) => some.slice(0, OF_EACH)), ...examples]) {
    const json = dehydrate(asked.state);
    if (chosen.has(json) || chosen.size >= MOST_STATES || size + json.length > MOST_CHARACTERS) continue;
    chosen.set(json, asked);
    size += json.length;
  }
  return [...chosen.values()];
}

function report(title: string, some: Asked[]): void {
  const counts = new Counts();
  for (const asked of some) counts.add(asked, planPair(asked.state, asked.mapping));
  process.stderr.write(`${some.length} ${title}\n${counts.toString()}\n`);
}

const all = process.argv
  .slice(2)
  .flatMap((folder) => readdirSync(folder).flatMap((name) => readRecording(path.join(folder, name))));
report('recorded states', all);
const chosen = select(all);
report('states chosen', chosen);
const mappings = new Map(chosen.map(({ mapping }) => [mapping.version, mapping]));
const lines: Line[] = [
  ...[...mappings.values()].map((mapping) => ({ mapping })),
  ...chosen.map(({ state, mapping }) => ({ state, by: mapping.version })),
];
for (const line of lines) process.stdout.write(`${dehydrate(line)}\n`);
