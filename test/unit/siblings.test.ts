import fc from 'fast-check';
import { newLink, seenVersion, type Link } from '../../src/sync/link';
import { refKey } from '../../src/sync/canonicalKey';
import type { SyncRecord } from '../../src/sync/record';
import { olderSibling, type Sibling } from '../../src/sync/siblings';
import { NOW, record } from '../support/world';

const at = (second: number) => new Date(Date.parse(NOW) + second * 1000).toISOString();
const note = (id: string, second: number, over: Partial<SyncRecord> = {}) =>
  record('pms', {}, 1, { ref: { side: 'pms', kind: 'note', id }, createdAt: at(second), ...over });
const link = (over: Partial<Link>): Link => ({
  ...newLink('CommentToProject/pms:note:N-1', 'CommentToProject', 'v', NOW),
  ...over,
});
const linked = (of: SyncRecord) => {
  const side = { ...seenVersion(of), residue: {}, backRef: true };
  return link({ status: 'linked', sides: { pms: side, zendesk: side } });
};
const free = (each: SyncRecord): Sibling => ({ record: each, link: null });

test('a record waits for the one right before it, by time and then by number', () => {
  const [first, ninth, tenth, later] = [note('N-30', 0), note('N-9', 1), note('N-10', 1), note('N-1', 2)];
  const all = [later, tenth, first, ninth].map(free);
  expect(olderSibling(first, all)).toBeNull();
  expect(olderSibling(ninth, all)).toBe('pms:note:N-30');
  expect(olderSibling(tenth, all)).toBe('pms:note:N-9');
  expect(olderSibling(later, all)).toBe('pms:note:N-10');
});

test.each<[string, Sibling]>([
  ['is written', { record: note('N-1', 0), link: linked(note('N-1', 0)) }],
  ['is quarantined', { record: note('N-1', 0), link: link({ status: 'quarantined' }) }],
  ['waits for a person to choose', { record: note('N-1', 0), link: link({ status: 'conflict' }) }],
  ['ended', { record: note('N-1', 0), link: link({ status: 'tombstone' }) }],
  [
    'met a bug',
    {
      record: note('N-1', 0),
      link: link({ reason: { code: 'bug', text: '', since: NOW, nextAttempt: null } }),
    },
  ],
  ['was archived before it was written', free(note('N-1', 0, { state: 'archived' }))],
  ['was created for its counterpart', free(note('N-1', 0, { backRef: 'zendesk:comment:1-2' }))],
  ['is out of scope', free(note('N-1', 0, { skip: 'a follow-up' }))],
  ['is of another kind', free(note('P-1', 0, { ref: { side: 'pms', kind: 'project', id: 'P-1' } }))],
])('no record waits for a sibling that %s', (_, sibling) => {
  expect(olderSibling(note('N-2', 1), [sibling])).toBeNull();
});

test('a record waits for a sibling that is itself waiting', () => {
  expect(olderSibling(note('N-2', 1), [{ record: note('N-1', 0), link: link({}) }])).toBe('pms:note:N-1');
});

test('whichever records are parked, the others form one queue without a circle, and one can always proceed', () => {
  const sibling = fc.tuple(fc.nat(3), fc.constantFrom('free', 'linked', 'quarantined', 'pending'));
  fc.assert(
    fc.property(fc.array(sibling, { minLength: 1, maxLength: 8 }), (drawn) => {
      const all = drawn.map(([second, kind], i): Sibling => {
        const own = note(`N-${i + 1}`, second);
        const known = kind === 'linked' ? linked(own) : kind === 'free' ? null : link({ status: kind });
        return { record: own, link: known };
      });
      const active = all.filter(({ link: known }) => known === null || known.status === 'pending');
      const waits = new Map(
        active.map(({ record: own }) => [refKey(own.ref), olderSibling(own, all)] as const),
      );
      const awaited = [...waits.values()].filter((ref) => ref !== null);
      // One queue: each record but the first waits for a different one, and only for one that can proceed.
      expect(awaited).toHaveLength(Math.max(0, active.length - 1));
      expect(new Set(awaited).size).toBe(awaited.length);
      for (const ref of awaited) expect(waits.has(ref)).toBe(true);
      for (const start of waits.keys()) {
        let steps = 0;
        for (let ref: string | null = start; ref !== null; ref = waits.get(ref) ?? null) {
          if ((steps += 1) > active.length) throw new Error('a circle');
        }
      }
    }),
  );
});
