import { MongoClient } from 'mongodb';
import type { RestingSince } from '../links/bindingStore';
import { peekAtLinks } from '../links/linkStore';
import type { FormerName } from '../sync/bindProperties';
import type { Resting } from '../sync/mapping';

/** Describes rows, match rules and filters that rest because a side no longer offers their property. */

type RestingNow = Resting & Partial<Pick<RestingSince, 'since'>>;

/** One line that counts for all pairs: what rests, why, and when it continues. */
export function restingWords(resting: RestingNow): string {
  return `${whatRests(resting)}; bring the field back, or change the mapping`;
}

/** What rests, and why. */
export function whatRests({ entity, what, side, kind, property, name, title, since }: RestingNow): string {
  const called = title ?? property;
  const known = name === called ? '' : ` (${name})`;
  const from = since === undefined ? '' : ` since ${since}`;
  return `${entity} ${what} rests${from}: ${side} ${kind} does not offer "${called}"${known} any more`;
}

/** The state of properties in the link store. */
export interface StoredBindings {
  formerName: FormerName;
  resting: readonly RestingSince[];
}

const ANSWER_WITHIN_MS = 3_000;

/**
 * Empty if there is no link store, or if it does not answer. Then a missing property counts as one that never
 * existed.
 */
export async function storedBindings(
  uri: string | null | undefined,
  database: string,
): Promise<StoredBindings> {
  const none = { formerName: () => undefined, resting: [] };
  if (uri == null) return none;
  const mongo = new MongoClient(uri, { serverSelectionTimeoutMS: ANSWER_WITHIN_MS });
  try {
    const { bindings } = peekAtLinks(mongo.db(database));
    return { formerName: await bindings.formerNames(), resting: await bindings.resting() };
  } catch {
    return none;
  } finally {
    await mongo.close();
  }
}

/** What rests by the present fields. The link store knows since when. */
export function restingNow(now: readonly Resting[] = [], { resting }: StoredBindings): RestingNow[] {
  return now.map((each) => {
    const known = resting.find(
      ({ entity, what, side }) => entity === each.entity && what === each.what && side === each.side,
    );
    if (!known) return each;
    const { since, title } = known;
    return { ...each, since, ...(title !== undefined && { title }) };
  });
}
