import { MongoClient } from 'mongodb';
import type { RestingSince } from '../links/bindingStore';
import { peekAtLinks } from '../links/linkStore';
import type { FormerName } from '../sync/bindProperties';
import type { Resting } from '../sync/mapping';

/** What rests because a side does not offer its property any more, for people. */

type RestingNow = Resting & Partial<Pick<RestingSince, 'since'>>;

/** One line for all pairs: what rests, why, and when it goes on. */
export function restingWords(resting: RestingNow): string {
  return `${whatRests(resting)}; it goes on when the field is back, or change the mapping`;
}

/** What rests, and why. */
export function whatRests({ entity, what, side, kind, property, name, title, since }: RestingNow): string {
  const called = title ?? property;
  const known = name === called ? '' : ` (${name})`;
  const from = since === undefined ? '' : ` since ${since}`;
  return `${entity} ${what} rests${from}: ${side} ${kind} does not offer "${called}"${known} any more`;
}

/** What the link store knows of properties that are not offered now. */
export interface StoredBindings {
  formerName: FormerName;
  resting: readonly RestingSince[];
}

const ANSWER_WITHIN_MS = 3_000;

/** Nothing where there is no link store, or it does not answer: then each such property counts as one that never was. */
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

/** What rests by the fields of now, with since when it does by the link store. */
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
