import { existsSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import {
  MIGRATIONS,
  VERSIONED,
  type Migration,
  type Stored,
  type VersionedCollection,
} from '../../src/links/migrations';
import { NewerStore, SCHEMA, Schema } from '../../src/links/migrations/storedSchema';
import { FIXTURES, recordedStore } from '../support/recordStore';

/** Migrations as pure functions: the existing ones over documents of every release, and any possible ones. */

const RECORDED = Array.from({ length: SCHEMA.version }, (_, version) => version).filter((version) =>
  existsSync(path.join(FIXTURES, `store-v${version}`)),
);
/** The first version with the collection, if it is not the first of all. */
const SINCE: Partial<Record<VersionedCollection, number>> = {
  journal: 1,
  undos: 1,
  undoItems: 1,
};
const NAMES = Object.keys(VERSIONED) as VersionedCollection[];
/** The id of a shelf contains its run. */
const fileOf = (name: VersionedCollection) => (name === 'shelf' ? 'backfill-run-records' : name);
const fieldOf = (document: object, field: string) => (document as Record<string, unknown>)[field];

test('the first version is recorded, and every version with a changed form', () => {
  const changed = MIGRATIONS.filter(({ documents }) => Object.keys(documents).length > 0);
  expect(RECORDED).toEqual(expect.arrayContaining([0, ...changed.map(({ from }) => from)]));
});

describe.each(RECORDED)('documents as version %i wrote them', (version) => {
  const store = recordedStore(version);

  const there = NAMES.filter((name) => (SINCE[name] ?? 0) <= version);
  test.each(there)('%s are read, and fields that are written separately are not changed', (name) => {
    const documents = store[fileOf(name)] as unknown as Stored[];
    expect(documents.length).toBeGreaterThan(0);
    for (const document of documents) {
      expect(document.v ?? 0).toBe(version);
      const before = structuredClone(document);
      const read = SCHEMA.read(name, document);
      expect(read).toMatchObject({ _id: document._id, v: SCHEMA.version });
      for (const field of VERSIONED[name].apart)
        expect(fieldOf(read, field)).toEqual(fieldOf(document, field));
      expect(SCHEMA.read(name, read)).toEqual(read);
      expect(document).toEqual(before);
    }
  });
});

test('a document of a later version is refused in one line with the fix', () => {
  const read = () => SCHEMA.read('links', { _id: 'TicketToProject/zendesk:ticket:1', v: SCHEMA.version + 1 });
  expect(read).toThrow(NewerStore);
  expect(read).toThrow(
    `links TicketToProject/zendesk:ticket:1: found version ${SCHEMA.version + 1} of stored documents, ` +
      `expected at most ${SCHEMA.version}, which this release understands; run the release that wrote them, ` +
      'or a later one (docs/evolution.md)',
  );
});

test('a gap between migrations is a bug of ours', () => {
  expect(() => new Schema([{ from: 1, name: 'the second', documents: {} }])).toThrow('expected 0');
});

describe('any migrations', () => {
  type Change = (document: Record<string, unknown>) => Record<string, unknown>;
  const field = fc.constantFrom('a', 'b', 'c', 'd');
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc
      .tuple(field, field)
      .map(([from, to]): Change => ({ [from]: value, ...rest }) => ({ ...rest, [to]: value })),
    field.map(
      (gone): Change =>
        ({ [gone]: _gone, ...rest }) =>
          rest,
    ),
    fc
      .tuple(field, fc.jsonValue())
      .map(([name, value]): Change => (document) => ({ ...document, [name]: value })),
    field.map((name): Change => (document) => ({ ...document, [name]: [document[name]] })),
  );
  const documents: fc.Arbitrary<Migration['documents']> = fc.dictionary(
    fc.constantFrom('links', 'claims'),
    change,
  );
  const schemas = fc
    .array(documents, { maxLength: 6 })
    .map((list) =>
      list.map((each, from): Migration => ({ from, name: `migration ${from}`, documents: each })),
    );
  const contents = fc.dictionary(field, fc.jsonValue());

  test('are idempotent, and give the same result in one go or in steps', () => {
    fc.assert(
      fc.property(schemas, contents, fc.nat(), fc.nat(), (list, content, one, other) => {
        const newest = new Schema(list);
        const [v = 0, between = 0] = [one, other].map((n) => n % (list.length + 1)).sort((a, b) => a - b);
        const document = { ...content, _id: 'x', ...(v > 0 && { v }) };
        const atOnce = newest.read('links', document);
        expect(newest.read('links', atOnce)).toEqual(atOnce);
        const halfWay = new Schema(list.slice(0, between)).read('links', document);
        expect(newest.read('links', halfWay)).toEqual(atOnce);
        // A document that needs only a new version number needs no other change.
        if (!newest.isOther('links', document))
          expect({ ...atOnce, v: document.v }).toEqual({ ...document, v: document.v });
      }),
    );
  });
});
