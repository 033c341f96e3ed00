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
 * The link store. Look-ups go by `_id` only: a pair by its canonical key in `links`, a record of either side
 * in `claims`. `observations` holds what was last seen of a record until its pair has dealt with it, so that
 * no record's body passes through a workflow history. No transaction is assumed anywhere.
 */

interface MetaDocument {
  _id: string;
  value: string;
}

/** The links, and what is kept beside them. */
export interface LinkStore extends Links {
  /** ISO time at which this store came into being; older records may have counterparts it knows nothing of. */
  readonly since: string;
  /** Records that webhooks spoke of and that were not read yet. */
  readonly hints: HintStore;
  /** The users whom our credentials acted as. */
  readonly identities: Identities;
  readonly upkeep: Upkeep;
  readonly control: ControlStore;
  /** What the brake holds, and what it counts. */
  readonly holds: HoldStore;
  readonly changeCounts: ChangeCountStore;
  /** How far behind the streams were, in the last hour. */
  readonly lag: LagSamples;
  readonly backfill: BackfillStore;
  /** What the mapping's names were bound to, and what rests. */
  readonly bindings: BindingStore;
  /** Which mappings came into use when. */
  readonly mappings: MappingVersions;
  /** Which pair each record is claimed for. */
  readonly claims: Claims;
  readonly observations: ObservationStore;
  readonly decisions: DecisionStore;
  readonly cursors: CursorStore;
  /** What could not be taken in and was passed over. */
  readonly aside: SetAsideStore;
  /** What the sync wrote to either system. */
  readonly journal: JournalStore;
  /** What people asked to be undone. */
  readonly undos: UndoStore;
  /** Who may see each ticket. */
  readonly firstComments: FirstCommentStore;
  /** What is wrong with a side, the mapping or the service, as its processes find it. */
  readonly troubles: Troubles;
}

/**
 * Opens the store in a database, creating its indexes. Works alike on MongoDB and on compatible servers.
 * @param prefix sets its collections apart from those of another store in the same database
 * @param bounds of the journal
 * @throws NewerStore where a later release has written to it; nothing is changed then
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
  // Saves name both; compatible servers use an index only for just the fields that it has, and would scan otherwise.
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

/** A store as it is, for looking only: nothing is created in the database. */
export function peekAtLinks(
  db: Db,
): Pick<LinkStore, 'getMany' | 'claims' | 'bindings' | 'cursors' | 'observations'> {
  return storeIn(db, '', '', () => new Date(), {
    schema: SCHEMA,
    bounds: JOURNAL_BOUNDS,
  });
}

/** The value that whoever came first stored under a name. */
async function firstValue(meta: Collection<MetaDocument>, name: string, value: string): Promise<string> {
  try {
    await meta.insertOne({ _id: name, value });
    return value;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return (await meta.findOne({ _id: name }))?.value ?? value;
  }
}
