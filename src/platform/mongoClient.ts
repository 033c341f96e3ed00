import { MongoClient, type MongoClientOptions } from 'mongodb';

/**
 * What the sync's correctness rests on is set here, not in an address that is copied from somewhere: a link is saved only
 * at the revision that was read, so reads go to the primary, and a save counts once a majority of the members has it.
 * https://www.mongodb.com/docs/manual/core/read-preference/, https://www.mongodb.com/docs/manual/reference/write-concern/
 */
const PINNED = { readPreference: 'primary', writeConcern: { w: 'majority' } } as const;

/** Options of an address that say what {@link PINNED} says, or the opposite; in lower case. */
const DECIDED_HERE = new Set([
  'readpreference',
  'readpreferencetags',
  'maxstalenessseconds',
  'w',
  'journal',
  'wtimeout',
  'wtimeoutms',
  'readconcernlevel',
  'safe',
  'slaveok',
]);

/** A client whose reads and writes are as the sync needs them, whatever the address says. */
export function mongoClient(uri: string, options: MongoClientOptions = {}): MongoClient {
  return new MongoClient(withoutPinned(uri), { ...options, ...PINNED });
}

/** The same, connected. @throws where no server answers */
export function connectMongo(uri: string, options: MongoClientOptions = {}): Promise<MongoClient> {
  return mongoClient(uri, options).connect();
}

/**
 * Options of an address that contradict what the sync needs, as they stand there, e.g. `w=1`. They have no effect here;
 * whoever wrote them expects otherwise.
 */
export function contradictions(uri: string): string[] {
  return optionsOf(uri).filter((option) => {
    const [name, value] = named(option);
    return DECIDED_HERE.has(name) && !AGREES.some(([known, like]) => known === name && like.test(value));
  });
}

const AGREES: readonly (readonly [string, RegExp])[] = [
  ['readpreference', /^primary$/i],
  ['w', /^majority$/i],
  ['journal', /^true$/i],
  ['safe', /^true$/i],
  ['readconcernlevel', /^(local|majority|linearizable)$/i],
  ['slaveok', /^false$/i],
];

function withoutPinned(uri: string): string {
  const [address = ''] = uri.split('?', 1);
  const kept = optionsOf(uri).filter((option) => !DECIDED_HERE.has(named(option)[0]));
  return kept.length === 0 ? address : `${address}?${kept.join('&')}`;
}

function optionsOf(uri: string): string[] {
  const at = uri.indexOf('?');
  return at < 0
    ? []
    : uri
        .slice(at + 1)
        .split(/[&;]/)
        .filter((option) => option !== '');
}

function named(option: string): [name: string, value: string] {
  const [name = '', ...value] = option.split('=');
  return [decodeURIComponent(name).toLowerCase(), decodeURIComponent(value.join('='))];
}
