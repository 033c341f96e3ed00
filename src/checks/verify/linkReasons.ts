import { MongoClient } from 'mongodb';
import { z } from 'zod';
import type { ReasonOf } from './refusalChecks';

/** As much of a link's document as says why a value was not taken. */
const linkShape = z.looseObject({
  notTaken: z.array(z.looseObject({ row: z.string(), words: z.string() })).optional(),
});

const ANSWER_WITHIN_MS = 3_000;

/** Reads links as documents, so that nothing of the sync's own code is between them and the check. */
export async function linkReasons(
  uri: string,
  database: string,
): Promise<{ of: ReasonOf; close: () => Promise<void> }> {
  const mongo = await MongoClient.connect(uri, { serverSelectionTimeoutMS: ANSWER_WITHIN_MS });
  const links = mongo.db(database).collection<{ _id: string }>('links');
  return {
    of: async (key, row) => {
      const { notTaken = [] } = linkShape.parse((await links.findOne({ _id: key })) ?? {});
      return notTaken.find((each) => each.row === row)?.words ?? null;
    },
    close: () => mongo.close(),
  };
}
