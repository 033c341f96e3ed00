import type { Filter } from 'mongodb';
import type { CanonicalKey } from '../sync/canonicalKey';
import type { HoldId } from '../sync/holds';
import type { Side } from '../sync/record';
import type { Undone, UndoFilter } from '../sync/undo';
import { insertNew } from './byIds';
import type { Stored } from './migrations';
import type { VersionedDocuments } from './versions';

/** An undo that a person started. */
export interface Undo {
  id: string;
  /** ISO time of its start. */
  at: string;
  filter: UndoFilter;
  /** The mapping is not corrected yet (`--hold`): the rows stay held until it is. */
  hold: boolean;
  state: 'working' | 'done';
  /** The ids of its holds. */
  holds: HoldId[];
}

export interface UndoDocument extends Stored {
  at: Date;
  filter: string;
  hold: boolean;
  state: Undo['state'];
  holds: HoldId[];
  expires: Date;
}

/** One pair of an undo. It has names, but no values: only the journal has these. */
export interface UndoItem {
  key: CanonicalKey;
  /** `planned`: the pair has planned to put values back, and is writing them. */
  state: 'pending' | 'planned' | 'done';
  rows: Undone[];
  /** Why nothing was undone in the pair; null otherwise. */
  why: string | null;
  refused: Partial<Record<Side, string>>;
}

export interface UndoItemDocument extends Stored {
  key: CanonicalKey;
  state: UndoItem['state'];
  rows: string;
  why: string | null;
  refused: Partial<Record<Side, string>>;
  expires: Date;
}

const PAGE = 500;

/** The undos, and their progress by pair. */
export class UndoStore {
  constructor(
    private readonly undos: VersionedDocuments<UndoDocument>,
    private readonly items: VersionedDocuments<UndoItemDocument>,
    /** How long undos are kept: as long as the journal, which has their values. */
    private readonly keptMs: number,
    private readonly now: () => Date,
  ) {}

  async createIndexes(): Promise<void> {
    for (const { all } of [this.undos, this.items])
      await all.createIndex({ expires: 1 }, { expireAfterSeconds: 0 });
  }

  /** Stores an undo. May be repeated. */
  async begin({ id, filter, hold }: Pick<Undo, 'id' | 'filter' | 'hold'>): Promise<void> {
    const document = this.undos.stamp({
      at: this.now(),
      filter: JSON.stringify(filter),
      hold,
      state: 'working' as const,
      holds: [],
      expires: this.expires(),
    });
    await (await this.undos.toWrite()).updateOne({ _id: id }, { $setOnInsert: document }, { upsert: true });
  }

  async get(id: string): Promise<Undo | null> {
    const found = await this.undos.all.findOne({ _id: id });
    return found && this.undoOf(found);
  }

  /** The latest undos, the latest first. */
  async latest(limit: number): Promise<Undo[]> {
    const found = await this.undos.all.find().sort({ at: -1, _id: -1 }).limit(limit).toArray();
    return found.map((each) => this.undoOf(each));
  }

  async set(id: string, change: Partial<Pick<Undo, 'state' | 'holds'>>): Promise<void> {
    await this.undos.all.updateOne({ _id: id }, { $set: change });
  }

  /** The holds of undos that are still running. */
  async heldNow(): Promise<Set<HoldId>> {
    const working = await this.undos.all.find({ state: 'working' }).toArray();
    return new Set(working.flatMap(({ holds }) => holds));
  }

  /** Adds pairs to an undo. Existing ones stay as they are. */
  async add(id: string, keys: readonly CanonicalKey[]): Promise<void> {
    const blank = { state: 'pending' as const, rows: '[]', why: null, refused: {} };
    const expires = this.expires();
    const documents = keys.map((key) => this.items.stamp({ _id: itemId(id, key), key, ...blank, expires }));
    await insertNew(await this.items.toWrite(), documents);
  }

  async item(id: string, key: CanonicalKey): Promise<UndoItem | null> {
    const found = await this.items.all.findOne({ _id: itemId(id, key) });
    return found && this.itemOf(found);
  }

  /** The next pairs, in the order of their keys. @param open whether to return only pairs that are not done */
  async page(id: string, after: CanonicalKey | null, limit: number, open = false): Promise<UndoItem[]> {
    const query = {
      _id: { $gt: itemId(id, after ?? ''), $lt: `${id}$` },
      ...(open && { state: { $ne: 'done' } }),
    } as Filter<UndoItemDocument>;
    const found = await this.items.all.find(query).sort({ _id: 1 }).limit(limit).toArray();
    return found.map((each) => this.itemOf(each));
  }

  async *all(id: string): AsyncIterable<UndoItem> {
    for (let after: CanonicalKey | null = null; ;) {
      const page = await this.page(id, after, PAGE);
      yield* page;
      after = page.at(-1)?.key ?? null;
      if (page.length < PAGE) return;
    }
  }

  countOpen(id: string, keys: readonly CanonicalKey[]): Promise<number> {
    return this.items.all.countDocuments({
      _id: { $in: keys.map((key) => itemId(id, key)) },
      state: { $ne: 'done' },
    });
  }

  async note(
    id: string,
    key: CanonicalKey,
    { rows, ...change }: Partial<Omit<UndoItem, 'key'>>,
  ): Promise<void> {
    const set = { ...change, ...(rows && { rows: JSON.stringify(rows) }) };
    await this.items.all.updateOne({ _id: itemId(id, key) }, { $set: set });
  }

  private expires(): Date {
    return new Date(this.now().getTime() + this.keptMs);
  }

  private undoOf(document: UndoDocument & { _id: string }): Undo {
    const { at, filter, hold, state, holds } = this.undos.read(document);
    const { _id: id } = document;
    return { id, at: at.toISOString(), filter: JSON.parse(filter) as UndoFilter, hold, state, holds };
  }

  private itemOf(document: UndoItemDocument): UndoItem {
    const { key, state, rows, why, refused } = this.items.read(document);
    return { key, state, rows: JSON.parse(rows) as Undone[], why, refused };
  }
}

function itemId(id: string, key: CanonicalKey): string {
  return `${id}#${key}`;
}
