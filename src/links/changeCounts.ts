import type { Collection, Db } from 'mongodb';
import type { HoldId } from '../sync/holds';

interface CountsDocument {
  /** Milliseconds since the epoch at which the slot begins. */
  _id: number;
  counts: Record<string, number>;
}

/** Numbers of pairs, by the kind of change. */
export type ChangeCounts = ReadonlyMap<HoldId, number>;

/** The numbers of pairs that all workers changed in each way, with one document for each slot of time. */
export class ChangeCountStore {
  private readonly slots: Collection<CountsDocument>;

  constructor(db: Db, prefix: string) {
    this.slots = db.collection(`${prefix}changeCounts`);
  }

  /** Adds to a slot in one command. @returns the counts of the slot afterwards */
  async add(slot: number, counts: ChangeCounts): Promise<ChangeCounts> {
    const $inc = Object.fromEntries([...counts].map(([id, count]) => [`counts.${fieldOf(id)}`, count]));
    const stored = await this.slots.findOneAndUpdate(
      { _id: slot },
      { $inc },
      { upsert: true, returnDocument: 'after' },
    );
    return sum(stored ? [stored] : []);
  }

  /** The sum of the slots that begin at `first` or later, without one slot. */
  async since(from: number, except?: number): Promise<ChangeCounts> {
    const found = await this.slots.find({ _id: { $gte: from } }).toArray();
    return sum(found.filter(({ _id }) => _id !== except));
  }

  /** Deletes the counts of one kind, because a person has decided about it. */
  async forget(id: HoldId): Promise<void> {
    await this.slots.updateMany({}, { $unset: { [`counts.${fieldOf(id)}`]: '' } });
  }

  async dropBefore(slot: number): Promise<void> {
    await this.slots.deleteMany({ _id: { $lt: slot } });
  }
}

function sum(slots: readonly CountsDocument[]): ChangeCounts {
  const total = new Map<HoldId, number>();
  for (const { counts } of slots)
    for (const [field, count] of Object.entries(counts)) {
      const id = decodeURIComponent(field);
      total.set(id, (total.get(id) ?? 0) + count);
    }
  return total;
}

/** Encodes an id as a field name: MongoDB treats dots as paths, and a dollar as an operator. */
function fieldOf(id: HoldId): string {
  return encodeURIComponent(id).replaceAll('.', '%2E').replaceAll('$', '%24');
}
