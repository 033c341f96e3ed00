import type { Collection, Db } from 'mongodb';
import { isDuplicateKey } from '../platform/mongoErrors';
import { BackfillStore } from './backfillStore';
import { BindingStore } from './bindingStore';
import { ChangeCountStore } from './changeCounts';
import { Claims, type ClaimDocument } from './claims';
import { CursorStore } from './cursorStore';
import { FirstCommentStore } from './firstCommentStore';
import { DecisionStore, type DecisionDocument } from './decisionStore';
import { HintStore } from './hintStore';
import { HoldStore } from './holdStore';
import { Identities } from './identities';
import {
  DAY_MS,
  JOURNAL_BOUNDS,
  JournalStore,
  type JournalBounds,
  type JournalDocument,
} from './journalStore';
import { LagSamples } from './lagSamples';
import { Upkeep } from './linkWalk';
import { MappingVersions } from './mappingVersions';
import { SCHEMA, type Schema } from './migrations/storedSchema';
import type { Links } from './links';
import { MongoLinks, type LinkDocument } from './mongoLinks';
import { ObservationStore, type ObservationDocument } from './observationStore';
import { SetAsideStore } from './setAside';
import { ControlStore } from './pauseStore';
import { UndoStore, type UndoDocument, type UndoItemDocument } from './undoStore';
import { Troubles } from './troubles';
import { Versions } from './versions';

/**
 * The link store. Documents are looked up by `_id` only: a pair by its canonical key in `links`, a record of either
 * side in `claims`. `observations` has each record as it was last seen, until its pair has processed it, so that no
 * record content passes through a workflow history. The store uses no transactions.
 */

interface MetaDocument {
  _id: string;
  value: string;
}

/** The links and the other collections. */
export interface LinkStore extends Links {
  /** ISO time at which this store was created. Older records may have counterparts that the store does not know. */
  readonly since: string;
  /** Records that webhooks named and that were not read yet. */
  readonly hints: HintStore;
  /** The users that our credentials acted as. */
  readonly identities: Identities;
  readonly upkeep: Upkeep;
  readonly control: ControlStore;
  /** The holds of the brake; `changeCounts` has its counts. */
  readonly holds: HoldStore;
  readonly changeCounts: ChangeCountStore;
  /** The lag of the streams in the last hour. */
  readonly lag: LagSamples;
  readonly backfill: BackfillStore;
  /** The properties that the mapping's names are bound to, and the rows that rest. */
  readonly bindings: BindingStore;
  /** The mappings that were in use, and since when. */
  readonly mappings: MappingVersions;
  /** The pair that owns each record. */
  readonly claims: Claims;
  readonly observations: ObservationStore;
  readonly decisions: DecisionStore;
  readonly cursors: CursorStore;
  /** Dead letters: records and pages that could not be processed. */
  readonly aside: SetAsideStore;
  /** All writes of the sync. */
  readonly journal: JournalStore;
  /** The undos that people started. */
  readonly undos: UndoStore;
  /** The visibility of each ticket. */
  readonly firstComments: FirstCommentStore;
  /** Present problems of a side, the mapping or the service. */
  readonly troubles: Troubles;
}

/**
 * Opens the store in a database, and creates its indexes. It works on MongoDB and on compatible servers.
 *
 * @param prefix of its collections, if the database has several stores
 * @param bounds of the journal
 * @throws NewerStore if a later release has written to the store; nothing is changed then
 */
export async function openLinkStore(
  db: Db,
  now: () => Date = () => new Date(),
  prefix = '',
  schema = SCHEMA,
  bounds: JournalBounds = JOURNAL_BOUNDS,
): Promise<LinkStore> {
  const versions = new Versions(db, prefix, schema);
  await versions.check();
  const links = db.collection<LinkDocument>(`${prefix}links`);
  const meta = db.collection<MetaDocument>(`${prefix}meta`);
  // A save queries both fields. Some compatible servers use an index only for exactly its fields, and would scan
  // otherwise.
  await links.createIndex({ _id: 1, rev: 1 }, { unique: true });
  await links.createIndex({ waitsFor: 1 });
  await links.createIndex({ 'braked.hold': 1 });
  await links.createIndex({ status: 1, entity: 1 });
  const observations = db.collection<ObservationDocument>(`${prefix}observations`);
  await observations.createIndex({ parent: 1 });
  await observations.createIndex({ parent: 1, made: -1 });
  const since = await firstValue(meta, 'since', now().toISOString());
  const store = storeIn(db, prefix, since, now, { schema, bounds });
  await store.journal.createIndexes();
  await store.undos.createIndexes();
  return store;
}

function storeIn(
  db: Db,
  prefix: string,
  since: string,
  now: () => Date,
  { schema, bounds }: { schema: Schema; bounds: JournalBounds },
): LinkStore {
  const versions = new Versions(db, prefix, schema);
  const lag = new LagSamples(db, prefix);
  return Object.assign(new MongoLinks(versions.of<LinkDocument>('links'), now), {
    since,
    lag,
    claims: new Claims(versions.of<ClaimDocument>('claims')),
    observations: new ObservationStore(versions.of<ObservationDocument>('observations'), now),
    decisions: new DecisionStore(versions.of<DecisionDocument>('decisions')),
    cursors: new CursorStore(db, prefix, lag, now),
    aside: new SetAsideStore(db, prefix, now),
    journal: new JournalStore(versions.of<JournalDocument>('journal'), bounds, now),
    undos: new UndoStore(
      versions.of<UndoDocument>('undos'),
      versions.of<UndoItemDocument>('undoItems'),
      bounds.days * DAY_MS,
      now,
    ),
    firstComments: new FirstCommentStore(db, prefix),
    troubles: new Troubles(db, prefix, now),
    hints: new HintStore(db, prefix),
    identities: new Identities(db),
    bindings: new BindingStore(db, prefix, now),
    mappings: new MappingVersions(db, now),
    upkeep: new Upkeep(versions),
    control: new ControlStore(db, prefix),
    holds: new HoldStore(db, prefix),
    changeCounts: new ChangeCountStore(db, prefix),
    backfill: new BackfillStore(db, prefix, versions),
  });
}

/** The store for reading only: nothing is created in the database. */
export function peekAtLinks(
  db: Db,
): Pick<LinkStore, 'getMany' | 'claims' | 'bindings' | 'cursors' | 'observations'> {
  return storeIn(db, '', '', () => new Date(), {
    schema: SCHEMA,
    bounds: JOURNAL_BOUNDS,
  });
}

/** The value that the first process stored under a name. */
async function firstValue(meta: Collection<MetaDocument>, name: string, value: string): Promise<string> {
  try {
    await meta.insertOne({ _id: name, value });
    return value;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return (await meta.findOne({ _id: name }))?.value ?? value;
  }
}
