import { Repeats, isQuiet } from '../../src/activities/quietStreams';
import type { StreamPosition } from '../../src/links/cursorStore';
import { record } from '../support/world';

const at = (minutes: number) => new Date(Date.UTC(2026, 0, 1, 0, minutes)).toISOString();
const stream = (movedAt: string, readAt: string | null): StreamPosition => ({
  name: 'x',
  cursor: 'c',
  movedAt,
  readAt,
  currentAt: readAt,
});

describe('whether a follower stream can be skipped', () => {
  const now = new Date(at(20));
  test.each([
    ['no if neither was ever read', null, null, false],
    ['no if its leader was not read to the end', stream(at(0), null), stream(at(0), at(15)), false],
    [
      'yes if it was read well after its leader last changed',
      stream(at(10), at(19)),
      stream(at(5), at(15)),
      true,
    ],
    [
      'no if it was read too soon after its leader changed',
      stream(at(14), at(19)),
      stream(at(5), at(15)),
      false,
    ],
    ['no if its leader changed since', stream(at(16), at(19)), stream(at(5), at(15)), false],
    ['no if its leader’s state is older than its own', stream(at(10), at(14)), stream(at(5), at(15)), false],
    ['no if it was not read for long', stream(at(1), at(19)), stream(at(0), at(9)), false],
    ['no if it was rewound', stream(at(1), at(19)), stream(at(19), null), false],
  ])('%s', (_, leader, own, quiet) => {
    expect(isQuiet(leader, own, now)).toBe(quiet);
  });
});

describe('repeats of a stream', () => {
  const a = record('zendesk', { subject: 'A' });
  const b = record('zendesk', { subject: 'B' }, 1, { ref: { side: 'zendesk', kind: 'ticket', id: '2' } });

  test('a record that was processed is not new, unless its content differs at the same version', () => {
    const repeats = new Repeats();
    expect(repeats.news(null, [a])).toEqual([a]);
    repeats.handedOn('100', [a]);
    expect(repeats.news('100', [a, b])).toEqual([b]);
    const edited = { ...a, values: { subject: 'A2' } };
    expect(repeats.news('100', [edited])).toEqual([edited]);
  });

  test('a page that was not processed is new again, and so is every record after the cursor was moved', () => {
    const repeats = new Repeats();
    repeats.handedOn('100', [a]);
    expect(repeats.news('100', [b])).toEqual([b]);
    expect(repeats.news('100', [b])).toEqual([b]);
    expect(repeats.news('50', [a])).toEqual([a]);
  });
});
