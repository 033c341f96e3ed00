import { asAttempt } from '../../src/sync/attempts';
import { showsAttempt } from '../../src/sync/rules/lostWrites';
import { attemptsOf, unconfirmedOf, withOverruled } from '../../src/sync/abandonedIntent';
import {
  HISTORY_CHARACTERS,
  HISTORY_LIMIT,
  blankWrite,
  emptyAgreement,
  newLink,
  type Link,
  type OverruledValue,
} from '../../src/sync/link';
import { NOW } from '../support/world';

/** A11: the lost answers and lost values of a link stay far below the maximum size of a document. */

const long = (seed: string) => seed.repeat(1_000_000);
const linkWith = (over: Partial<Link> = {}): Link => ({
  ...newLink('TicketToProject/zendesk:ticket:1', 'TicketToProject', 'm', NOW),
  ...over,
});
const entry = (lost: string): OverruledValue => ({
  at: NOW,
  row: 'text',
  side: 'pms',
  lost,
  kept: 'k',
  rule: 'latest',
});

test('A11: an attempt stores a digest of a long text, which distinguishes it from other texts', () => {
  const [tried, other] = [asAttempt(long('a')), asAttempt(long('b'))];
  expect(JSON.stringify(tried).length).toBeLessThan(60);
  expect(showsAttempt(tried, long('a'))).toBe(true);
  expect(showsAttempt(other, long('a'))).toBe(false);
  // Attempts in the form of earlier releases, and values of other types.
  expect(showsAttempt(long('a'), long('a'))).toBe(true);
  for (const value of ['short', 7, null, ['a', 'b']])
    expect(showsAttempt(asAttempt(value), value)).toBe(true);
});

test('A11: ten attempts at long texts are small, and a refused attempt is not stored', () => {
  let link = linkWith();
  for (const seed of 'abcdefghij') {
    const write = { ...blankWrite('pms', 'update'), rows: ['text'] };
    const next = { ...emptyAgreement(), snapshot: { text: long(seed) } };
    const intent = { id: seed, writes: [write], next, then: 'linked' as const, seen: {} };
    link = { ...link, intent };
    expect(attemptsOf(link, write).pms?.['text'] ?? []).toHaveLength(seed.charCodeAt(0) - 97);
    link = { ...link, attempted: attemptsOf(link), intent: null };
  }
  expect(link.attempted?.pms?.['text']).toHaveLength(10);
  expect(JSON.stringify(link).length).toBeLessThan(2_000);
});

test('A11: the size of the history is bounded as well, and the latest entry is kept at any size', () => {
  const many = Array.from({ length: HISTORY_LIMIT }, (_, n) => entry(`${n} ${long('x')}`));
  const { history } = withOverruled(linkWith(), { known: many, unknown: [] });
  expect(JSON.stringify(history).length).toBeLessThan(HISTORY_CHARACTERS + 1_000);
  expect(history.at(-1)).toEqual(many.at(-1));
  const huge = entry(long('xxx'));
  expect(
    withOverruled(linkWith({ history: many.slice(0, 2) }), { known: [huge], unknown: [] }).history,
  ).toEqual([huge]);
  expect(unconfirmedOf(linkWith({ unconfirmed: many })).length).toBeLessThan(4);
  const small = [entry('a'), entry('b')];
  expect(withOverruled(linkWith({ history: small }), { known: [], unknown: [] }).history).toEqual(small);
});
