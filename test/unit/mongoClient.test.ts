import { contradictions, mongoClient } from '../../src/platform/mongoClient';

/** A15: the parameters in MongoDB's address do not affect the correctness of the sync. */

const ADDRESS = 'mongodb://user:p%40ss@a.test,b.test/admin';

test.each([
  ['?w=1&readPreference=secondaryPreferred', ['w=1', 'readPreference=secondaryPreferred']],
  ['?W=0&journal=false&readPreferenceTags=dc:ny', ['W=0', 'journal=false', 'readPreferenceTags=dc:ny']],
  ['?w=majority&readPreference=primary&replicaSet=rs0', []],
  ['?readConcernLevel=available', ['readConcernLevel=available']],
  ['?retryWrites=true&tls=true', []],
  ['', []],
])('A15: an address with %p', (options, contrary) => {
  expect(contradictions(`${ADDRESS}${options}`)).toEqual(contrary);
  const { readPreference, writeConcern, readConcern, options: all } = mongoClient(`${ADDRESS}${options}`);
  expect(readPreference.mode).toBe('primary');
  expect(writeConcern).toMatchObject({ w: 'majority' });
  expect(readConcern?.level).toBeUndefined();
  expect(all.replicaSet).toBe(options.includes('rs0') ? 'rs0' : undefined);
  expect(all.tls ?? false).toBe(options.includes('tls=true'));
  expect(all.credentials?.password).toBe('p@ss');
});
