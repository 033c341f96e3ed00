import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { historyFromJSON, historyToJSON, type History } from '@temporalio/common/lib/proto-utils';

/** Recorded histories: test/histories/<workflow>/<scenario>.json. */

export const HISTORIES = path.resolve(__dirname, '../histories');

export interface RecordedHistory {
  workflow: string;
  scenario: string;
  history: History;
}

export function recordedHistories(): RecordedHistory[] {
  return readdirSync(HISTORIES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: workflow }) =>
      readdirSync(path.join(HISTORIES, workflow)).map((file) => {
        const text = readFileSync(path.join(HISTORIES, workflow, file), 'utf8');
        const history = historyFromJSON(JSON.parse(text));
        return { workflow, scenario: file.replace(/\.json$/, ''), history };
      }),
    );
}

/** @param names texts to replace everywhere, also within payloads: machine, task queue, random ids */
export function saveHistory(
  workflow: string,
  scenario: string,
  history: History,
  names: ReadonlyMap<string, string>,
): void {
  mkdirSync(path.join(HISTORIES, workflow), { recursive: true });
  const scrubbed = scrub(JSON.parse(historyToJSON(history)), (text) => {
    let result = text;
    for (const [from, to] of names) result = result.replaceAll(from, to);
    return result;
  });
  writeFileSync(path.join(HISTORIES, workflow, `${scenario}.json`), `${JSON.stringify(scrubbed, null, 1)}\n`);
}

function scrub(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((each) => scrub(each, replace));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]: [string, unknown]) => {
      if (field === 'identity') return [field, 'worker'];
      // Stacks contain this machine's paths.
      if (field === 'stackTrace') return [field, ''];
      // A payload's data is text in base64.
      if (field === 'data' && typeof inner === 'string') {
        const text = Buffer.from(inner, 'base64').toString();
        return [field, Buffer.from(replace(text)).toString('base64')];
      }
      return [field, scrub(inner, replace)];
    }),
  );
}
