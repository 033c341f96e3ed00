import { MongoClient } from 'mongodb';
import { z } from 'zod';
import type { CanonicalKey } from '../../sync/canonicalKey';
import { commandLine } from '../../platform/commandLine';

/** What the links' documents say of a pair. Rows are named by their ids. */
export interface LinkReasons {
  /** Why a side did not take a row's value; null while the link does not say it. */
  notTaken(key: CanonicalKey, row: string): Promise<string | null>;
  /** The hold of the brake that a row waits for; null where it waits for none. */
  held(key: CanonicalKey, row: string): Promise<string | null>;
}

/** As much of a link's document as says why a value is not on both sides. */
const linkShape = z.looseObject({
  notTaken: z.array(z.looseObject({ row: z.string(), words: z.string() })).optional(),
  braked: z.array(z.looseObject({ hold: z.string(), row: z.string().optional() })).optional(),
});

const ANSWER_WITHIN_MS = 3_000;

/** Reads links as documents, so that nothing of the sync's own code is between them and the check. */
export async function linkReasons(
  uri: string,
  database: string,
): Promise<LinkReasons & { close: () => Promise<void> }> {
  const mongo = await MongoClient.connect(uri, { serverSelectionTimeoutMS: ANSWER_WITHIN_MS });
  const links = mongo.db(database).collection<{ _id: string }>('links');
  const linkOf = async (key: CanonicalKey) => linkShape.parse((await links.findOne({ _id: key })) ?? {});
  return {
    async notTaken(key, row) {
      const { notTaken = [] } = await linkOf(key);
      return notTaken.find((each) => each.row === row)?.words ?? null;
    },
    async held(key, row) {
      const { braked = [] } = await linkOf(key);
      return braked.find((each) => each.row === row)?.hold ?? null;
    },
    close: () => mongo.close(),
  };
}

/** What a line says of a value that is not there: held, or late. @param hold null where nothing is held */
export function missingWords(hold: string | null, seconds: number): string {
  return hold === null
    ? `not there after ${Math.round(seconds)} s`
    : `the brake holds it (${hold}); see "${commandLine('brake show')}"`;
}
