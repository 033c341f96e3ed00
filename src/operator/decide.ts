import type { PairSummary } from '../activities/types';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Mapping, PropertyRow } from '../sync/mapping';
import type { EntityType, Json } from '../sync/record';
import { refusalOf, type Resolution } from '../sync/resolution';
import { referenceKinds, toCanonical } from '../sync/values';
import { answerOf } from './answer';
import type { OperatorContext } from './operatorContext';
import { BadInput, Problem } from './operatorErrors';
import { recordNamed } from './findPairs';

/** A person's decision, as it was typed. A value that merges both sides' values is in the PMS's form. */
export type Choice = Resolution | { row: string; value: string };

export interface DecideOptions {
  /** Seconds to wait for the pair's answer. */
  wait: number;
  /** The name of the typed value in messages. */
  valueName: string;
  /** The person who decides, for the link's history; absent if not known. */
  by?: string;
}

/** @throws Problem if the pair refuses the decision; BadInput if the value does not fit its property */
export async function decide(
  { client, commands, store, mapping }: OperatorContext,
  key: CanonicalKey,
  choice: Choice,
  { wait, valueName, by }: DecideOptions,
): Promise<PairSummary> {
  const signed = by === undefined ? {} : { by };
  const ask = (resolution: Resolution) => answerOf(client, wait, () => commands.resolve(key, resolution));
  if ('counterpart' in choice) {
    if (choice.counterpart !== 'create' && choice.counterpart !== 'none')
      recordNamed(mapping, choice.counterpart);
    return ask(choice);
  }
  if ('choice' in choice) return ask({ ...choice, ...signed });
  const { row } = choice;
  const resolution: Resolution = { row, choice: 'merged', ...signed };
  const { entity } = parseCanonicalKey(key);
  const why = refusalOf(key, await store.get(key), mapping.entities[entity], resolution);
  if (why !== null) throw new Problem(why);
  // The value is stored in the link store, because workflow histories must not contain record contents.
  const value = canonicalValue(mapping, entity, row, choice.value, valueName);
  await store.decisions.keep(key, { row, choice: 'merged', value, ...signed });
  return ask(resolution);
}

/** @throws BadInput */
function canonicalValue(
  mapping: Mapping,
  entity: EntityType,
  id: string,
  text: string,
  valueName: string,
): Json {
  const table = mapping.entities[entity];
  const row = table.rows.find((each) => each.id === id);
  if (!row) throw new BadInput(`the mapping has no property "${id}" any more`);
  if (row.transform.kind === 'reference')
    throw new BadInput(
      `${valueName}: "${id}" points to another record; expected zendesk or pms to be chosen for it`,
    );
  const nothing = { byRef: new Map(), byKey: new Map() };
  const value = toCanonical(row, 'pms', parsed(row, text), nothing, referenceKinds(mapping, table));
  if (value.ok) return value.value;
  throw new BadInput(`${valueName}: ${'problem' in value ? value.problem : 'it points to another record'}`);
}

/** A row of text takes the text as it is. For other types, `null`, `true`, `3` and `["a"]` are parsed as JSON. */
function parsed(row: PropertyRow, text: string): Json {
  if (row.type === 'string' || row.type === 'text') return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
