import { fillTemplate, fromCanonical, sameValue, toCanonical, type References } from '../../src/sync/values';
import type { PropertyRow } from '../../src/sync/mapping';
import type { Json, Side } from '../../src/sync/record';
import { NO_REFERENCES, testMapping } from '../support/world';

function row(over: Record<string, unknown>): PropertyRow {
  const [first] = testMapping([{ zendesk: 'z', pms: 'p', direction: 'both', ...over }]).entities
    .TicketToProject.rows;
  if (!first) throw new Error('no row');
  return first;
}
const kinds = () => ({ zendesk: 'organization', pms: 'customer' });
const read = (over: Record<string, unknown>, side: Side, raw: Json, references: References = NO_REFERENCES) =>
  toCanonical(row(over), side, raw, references, kinds);

describe('F25: a value that cannot be stored unchanged is refused by name, and a blank is empty', () => {
  const found = (type: string, raw: Json) => {
    const result = read({ type }, 'zendesk', raw);
    return result.ok ? result.value : 'problem' in result ? result.problem : 'waits';
  };
  const refused = (raw: Json, type: string) =>
    `zendesk property "z": found ${JSON.stringify(raw)}, expected ${type}`;

  test.each([
    ['integer', 9_007_199_254_740_991, 9_007_199_254_740_991],
    ['integer', '-12', -12],
    ['integer', '12.0', 12],
    ['integer', ' 7 ', 7],
    ['integer', -0, 0],
    ['decimal', '0.1', 0.1],
    ['decimal', '1234567.25', 1_234_567.25],
    ['decimal', 1e-7, 1e-7],
    ['boolean', 'true', true],
    ['date', '2024-02-29', '2024-02-29'],
    ['datetime', '2024-02-29', '2024-02-29T00:00:00Z'],
    ['datetime', '2024-02-29 10:00:00.5+0200', '2024-02-29T08:00:00Z'],
  ])('%s %j is kept', (type, raw, value) => expect(found(type, raw)).toBe(value));

  test.each([
    ['integer', '9007199254740993'],
    ['integer', 9_007_199_254_740_992],
    ['integer', '12345678901234567891'],
    ['integer', '0x1F'],
    ['integer', '1e3'],
    ['integer', '0b1'],
    ['integer', '1_000'],
    ['integer', 'Infinity'],
    ['integer', true],
    ['decimal', '0.1234567890123456789'],
    ['decimal', '1e-3'],
    ['decimal', '1,5'],
    ['boolean', '1'],
    ['boolean', 'yes'],
    ['date', '2023-02-29'],
    ['date', '2023-13-01'],
    ['date', '20230101'],
    ['date', '2023-01-01 or so'],
    ['datetime', '1'],
    ['datetime', '2023-02-30T00:00:00Z'],
    ['datetime', '1700000000'],
    ['datetime', 'Jan 1 2024'],
    ['datetime', '2023-01-01T25:00:00Z'],
  ])('%s %j is refused', (type, raw) => expect(found(type, raw)).toBe(refused(raw, type)));

  test.each(['string', 'text', 'integer', 'decimal', 'boolean', 'date', 'datetime'])(
    '%s: a blank is empty',
    (type) => {
      for (const blank of ['', ' ', '\t\n', '\u00a0']) expect(found(type, blank)).toBeNull();
    },
  );

  test('a blank is not an option, a person or a record', () => {
    const empty = { ok: true, value: null };
    expect(read({ type: 'enum', transform: 'enum', table: { a: 'x' } }, 'zendesk', ' ')).toEqual(empty);
    expect(read({ type: 'person', transform: 'person' }, 'pms', '  ')).toEqual(empty);
    const reference = { type: 'reference', transform: 'reference', entity: 'OrgToCustomer' };
    expect(read(reference, 'pms', ' ')).toEqual(empty);
  });
});

describe('canonical values', () => {
  test.each<[string, Record<string, unknown>, Side, Json, Json]>([
    ['text: line ends and trailing space', { type: 'text' }, 'zendesk', 'a \r\nb\t\r\n\r\n', 'a\nb'],
    ['text: empty is null', { type: 'text' }, 'pms', '', null],
    ['string: inner space', { type: 'string' }, 'pms', '  a   b ', 'a b'],
    ['tags are a set', { type: 'string[]', transform: 'tags' }, 'pms', ['B two', 'a', 'a'], ['a', 'b_two']],
    ['a missing list is an empty set', { type: 'string[]' }, 'zendesk', null, []],
    ['a decimal in text form', { type: 'decimal' }, 'zendesk', '12.50', 12.5],
    [
      'a time in whole seconds',
      { type: 'datetime' },
      'pms',
      '2024-01-02T03:04:05.678Z',
      '2024-01-02T03:04:05Z',
    ],
    ['a time zone', { type: 'datetime' }, 'pms', '2024-01-02T03:04:05+02:00', '2024-01-02T01:04:05Z'],
    ['a date from a time', { type: 'date' }, 'zendesk', '2024-01-02T00:00:00Z', '2024-01-02'],
    ['a person', { type: 'person', transform: 'person' }, 'pms', ' Ann@Example.COM', 'ann@example.com'],
    ['a default for an empty value', { type: 'boolean', default: false }, 'zendesk', null, false],
    ['HTML as text', { type: 'text', transform: 'html' }, 'zendesk', '<p>Hi <b>you</b></p>', 'Hi you'],
    ['ids beyond 2^31 keep every digit', { type: 'integer' }, 'zendesk', 370326104793, 370326104793],
  ])('%s', (_, over, side, raw, expected) => {
    expect(read(over, side, raw)).toEqual({ ok: true, value: expected });
  });

  test.each<[string, Record<string, unknown>, Json, string]>([
    [
      'a word instead of a number',
      { type: 'integer' },
      'many',
      'zendesk property "z": found "many", expected integer',
    ],
    ['a fraction instead of an integer', { type: 'integer' }, 1.5, 'found 1.5, expected integer'],
    ['an invalid time', { type: 'datetime' }, 'soon', 'expected datetime'],
    ['an object instead of text', { type: 'text' }, { a: 1 }, 'expected text'],
    [
      'an unknown option',
      { type: 'enum', transform: 'enum', table: { a: 'x' } },
      'b',
      'found "b", expected one of a',
    ],
  ])('%s needs a person, and does not crash', (_, over, raw, problem) => {
    expect(read(over, 'zendesk', raw)).toMatchObject({
      ok: false,
      problem: expect.stringContaining(problem) as unknown,
    });
  });

  test('a table with two entries for one value uses the first in the other direction', () => {
    const both = row({ type: 'enum', transform: 'enum', table: { pending: 'waiting', hold: 'waiting' } });
    expect(toCanonical(both, 'zendesk', 'hold', NO_REFERENCES, kinds)).toEqual({
      ok: true,
      value: 'waiting',
    });
    expect(fromCanonical(both, 'zendesk', 'waiting', NO_REFERENCES)).toEqual({ ok: true, value: 'pending' });
  });

  test('a reference is the key of the parent pair, and its id on either side', () => {
    const known = {
      key: 'OrgToCustomer/zendesk:organization:12',
      ids: { zendesk: '12', pms: 'C-1' },
      ended: false,
    };
    const references: References = {
      byRef: new Map([['zendesk:organization:12', known]]),
      byKey: new Map([[known.key, known]]),
    };
    const reference = { type: 'reference', transform: 'reference', entity: 'OrgToCustomer' };
    expect(read(reference, 'zendesk', '12', references)).toEqual({ ok: true, value: known.key });
    expect(fromCanonical(row(reference), 'pms', known.key, references)).toEqual({ ok: true, value: 'C-1' });
    expect(read(reference, 'zendesk', 13, references)).toEqual({
      ok: false,
      waitsFor: 'zendesk:organization:13',
    });
  });

  test('text for an HTML property is escaped: content never becomes markup', () => {
    expect(
      fromCanonical(row({ type: 'text', transform: 'html' }), 'zendesk', '<script>\n&', NO_REFERENCES),
    ).toEqual({
      ok: true,
      value: '&lt;script&gt;<br>&amp;',
    });
  });

  test('templates fill in values, and nothing for missing ones', () => {
    expect(fillTemplate('Comment by {author_name}{missing} on {n}', { author_name: 'Ann {x}', n: 3 })).toBe(
      'Comment by Ann {x} on 3',
    );
  });

  test('equality ignores the order of keys, and not the order of lists', () => {
    expect(sameValue({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
    expect(sameValue([1, 2], [2, 1])).toBe(false);
    expect(sameValue(undefined, null)).toBe(true);
    expect(sameValue({}, [])).toBe(false);
  });
});
