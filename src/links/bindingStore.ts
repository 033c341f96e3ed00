import type { AnyBulkWriteOperation, Collection, Db } from 'mongodb';
import type { FormerName } from '../sync/bindProperties';
import type { BoundProperty, Resting } from '../sync/mapping';

/** The property that a name in the mapping file was bound to when the property last existed. */
interface BoundDocument extends BoundProperty {
  _id: string;
}

/** A row, match rule or filter that rests, and since when. */
export interface RestingSince extends Resting {
  /** ISO time. */
  since: string;
}

type RestingDocument = RestingSince & { _id: string };

/** When a property last existed again, or a name was last bound to another property. */
interface ChangeDocument {
  _id: 'offered';
  /** ISO time. */
  at: string;
}

/**
 * The properties that the mapping's names were bound to, and the rows that rest because their property no longer
 * exists. If a property is missing at the start, this shows that it existed before: its rows rest, and the service
 * starts.
 */
export class BindingStore {
  private readonly names: Collection<BoundDocument>;
  private readonly rests: Collection<RestingDocument>;
  private readonly changes: Collection<ChangeDocument>;

  constructor(
    db: Db,
    prefix: string,
    private readonly now: () => Date,
  ) {
    this.names = db.collection(`${prefix}bindings`);
    this.rests = db.collection(`${prefix}resting`);
    this.changes = db.collection(`${prefix}bindingChanges`);
  }

  /** The names under which a property that is missing now was known. */
  async formerNames(): Promise<FormerName> {
    const names = new Map((await this.names.find().toArray()).map(({ _id, name }) => [_id, name]));
    return (property) => names.get(idOf(property));
  }

  /** The names of the mapping file, with the properties that they were last bound to. */
  async bound(): Promise<BoundProperty[]> {
    return (await this.names.find().toArray()).map(({ _id, ...rest }) => rest);
  }

  /** Stores new bindings of the mapping's names. @returns whether a known name is bound to another property now */
  async keep(bound: readonly BoundProperty[]): Promise<boolean> {
    const known = new Map((await this.bound()).map((each) => [idOf(each), each]));
    const former = (each: BoundProperty) => known.get(idOf(each))?.name;
    const isNew = (each: BoundProperty) => {
      const before = known.get(idOf(each));
      return before?.name !== each.name || before.title !== each.title || before.unique !== each.unique;
    };
    const news = bound.filter(isNew);
    const writes = news.map((each): AnyBulkWriteOperation<BoundDocument> => ({
      replaceOne: { filter: { _id: idOf(each) }, replacement: each, upsert: true },
    }));
    if (writes.length > 0) await this.names.bulkWrite(writes, { ordered: false });
    return news.some((each) => former(each) !== undefined && former(each) !== each.name);
  }

  /** Stores the time of such a change. Pairs may have values that were not compared since. */
  async noteChange(): Promise<void> {
    const at = this.now().toISOString();
    await this.changes.updateOne({ _id: 'offered' }, { $set: { at } }, { upsert: true });
  }

  async changedAt(): Promise<Date | null> {
    const found = await this.changes.findOne({ _id: 'offered' });
    return found && new Date(found.at);
  }

  /** Replaces the list of resting rows. @returns `began`: rows that are new in it; `ended`: rows that no longer rest */
  async rest(all: readonly Resting[]): Promise<{ began: Resting[]; ended: RestingSince[] }> {
    const before = await this.rests.find().toArray();
    const wanted = new Map(all.map((each) => [restingId(each), each]));
    const known = new Set(before.map(({ _id }) => _id));
    const began = [...wanted].filter(([id]) => !known.has(id));
    const since = this.now().toISOString();
    const ended = before.filter(({ _id }) => !wanted.has(_id));
    const writes = [
      ...began.map(([_id, each]): AnyBulkWriteOperation<RestingDocument> => ({
        updateOne: { filter: { _id }, update: { $setOnInsert: { ...each, since } }, upsert: true },
      })),
      ...ended.map(({ _id }): AnyBulkWriteOperation<RestingDocument> => ({ deleteOne: { filter: { _id } } })),
    ];
    if (writes.length > 0) await this.rests.bulkWrite(writes, { ordered: false });
    return { began: began.map(([, each]) => each), ended: ended.map(withoutId) };
  }

  async resting(): Promise<RestingSince[]> {
    const all = (await this.rests.find().sort({ _id: 1 }).toArray()).map(withoutId);
    if (all.length === 0) return [];
    const titles = new Map((await this.bound()).map((each) => [idOf(each), each.title]));
    return all.map((each) => {
      const title = titles.get(idOf(each));
      return { ...each, ...(title !== undefined && { title }) };
    });
  }
}

function idOf({ side, kind, property }: Omit<BoundProperty, 'name'>): string {
  return `${side} ${kind} ${property}`;
}

function restingId({ entity, what, side }: Resting): string {
  return `${entity} ${side} ${what}`;
}

function withoutId({ _id, ...rest }: RestingDocument): RestingSince {
  return rest;
}
