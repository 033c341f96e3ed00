import { MongoClient, type MongoClientOptions } from 'mongodb';

/**
 * Options that the sync's correctness depends on. They are set here, so that a copied connection string cannot change them:
 * a link is saved only at the revision that was read, so reads go to the primary, and a write must reach a majority.
 * https://www.mongodb.com/docs/manual/core/read-preference/, https://www.mongodb.com/docs/manual/reference/write-concern/
 */
const PINNED = { readPreference: 'primary', writeConcern: { w: 'majority' } } as const;

/** Options of a connection string that would set or contradict {@link PINNED}; in lower case. */
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

/** A client with the options that the sync needs; they override those of the connection string. */
export function mongoClient(uri: string, options: MongoClientOptions = {}): MongoClient {
  return new MongoClient(withoutPinned(uri), { ...options, ...PINNED });
}

/** A connected {@link mongoClient}. @throws if no server answers */
export function connectMongo(uri: string, options: MongoClientOptions = {}): Promise<MongoClient> {
  return mongoClient(uri, options).connect();
}

/**
 * Options of a connection string that contradict {@link PINNED}, e.g. `w=1`. They have no effect, so a warning should name
 * them.
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
