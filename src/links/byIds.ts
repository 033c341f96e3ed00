import type { Collection, Filter, OptionalUnlessRequiredId } from 'mongodb';
import { duplicatesOf } from '../platform/mongoErrors';
import { Together, type Pace } from './together';

/** The most `_id`s of one command, which reads for several callers. */
export const TOGETHER = 50;
/**
 * The pace of commands that an activity of a pair sends once. From about twenty pairs a second on, pairs share commands,
 * which take more of a processor than the documents in them. A walk over many pairs must not read or save them singly.
 */
export const SHARED_PACE: Pace = { atOnce: 5, intervalMs: 50 };
/** A caller with more `_id`s than this gets a command of its own, because others would have to wait for its answer. */
const FEW = 50;

/** Reads documents by their `_id`s (a batch loader). Documents that do not exist are absent from the result. */
export type ReadByIds<T> = (ids: readonly string[]) => Promise<T[]>;

/** @param projection of the wanted fields, unless all are wanted; `T` is the type of the projected document */
export function byIds<D extends { _id: string }, T extends { _id: string } = D>(
  collection: Collection<D>,
  { projection, pace = null }: { projection?: Record<string, 1>; pace?: Pace | null } = {},
): ReadByIds<T> {
  const find = async (ids: readonly string[]) =>
    (await collection
      .find({ _id: { $in: ids } } as Filter<D>, projection && { projection })
      .toArray()) as unknown as T[];
  const few = new Together<readonly string[], T[]>(
    TOGETHER,
    async (questions) => {
      const found = new Map((await find([...new Set(questions.flat())])).map((each) => [each._id, each]));
      return questions.map((ids) => ids.flatMap((id) => found.get(id) ?? []));
    },
    pace,
  );
  return async (ids) => {
    if (ids.length === 0) return [];
    return ids.length > FEW ? find(ids) : few.do(ids);
  };
}

/** Inserts the documents that do not exist yet. @returns the `_id`s of those that exist */
export async function insertNew<T extends { _id: string }>(
  collection: Collection<T>,
  documents: T[],
): Promise<Set<string>> {
  if (documents.length === 0) return new Set();
  try {
    await collection.insertMany(documents as OptionalUnlessRequiredId<T>[], { ordered: false });
    return new Set();
  } catch (error) {
    return new Set(duplicatesOf(error).flatMap((index) => documents[index]?._id ?? []));
  }
}
