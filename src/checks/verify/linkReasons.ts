import { MongoClient } from 'mongodb';
import { z } from 'zod';
import type { CanonicalKey } from '../../sync/canonicalKey';
import { commandLine } from '../../platform/commandLine';

/** Reads from a pair's link why a value is not on both sides. Rows are named by their ids. */
export interface LinkReasons {
  /** The reason why a side did not take a row's value; null if the link has none. */
  notTaken(key: CanonicalKey, row: string): Promise<string | null>;
  /** The id of the brake's hold that a row waits for; null if it waits for none. */
  held(key: CanonicalKey, row: string): Promise<string | null>;
}

/** The fields of a link's document that explain why a value is not on both sides. */
const linkShape = z.looseObject({
  notTaken: z.array(z.looseObject({ row: z.string(), words: z.string() })).optional(),
  braked: z.array(z.looseObject({ hold: z.string(), row: z.string().optional() })).optional(),
});

const ANSWER_WITHIN_MS = 3_000;

/** Reads the documents directly, so that a bug in the sync's own store cannot hide a fault. */
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

/** The reason for a missing value: the brake holds it, or it is late. @param hold null if the brake holds nothing */
export function missingWords(hold: string | null, seconds: number): string {
  return hold === null
    ? `not there after ${Math.round(seconds)} s`
    : `the brake holds it (${hold}); see "${commandLine('brake show')}"`;
}
