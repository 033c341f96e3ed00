import { VALUE_CHARACTERS, entryId, entryOf, outcomeShown, type Written } from '../../src/sync/journal';
import { mergedCauses } from '../../src/sync/journalCauses';
import { linesOf } from '../../src/operator/history';
import { blankWrite, newLink, type Intent, type Link, type PlannedWrite } from '../../src/sync/link';
import { bindingsOf } from '../../src/sync/rules/sameFields';
import { emptyAgreement } from '../../src/sync/planner';
import { NOW, NO_REFERENCES, record, testMapping } from '../support/world';

const KEY = 'TicketToProject/zendesk:ticket:1';
const ROWS = [
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'pms' },
  {
    zendesk: 'priority',
    pms: 'priority',
    type: 'enum',
    direction: 'both',
    transform: 'enum',
    table: { urgent: 'critical', low: 'low' },
  },
  { zendesk: 'tags', pms: 'labels', type: 'string[]', direction: 'both', transform: 'tags' },
];
const mapping = testMapping(ROWS);
const scene = { mapping, references: NO_REFERENCES, now: NOW };

const link = (over: Partial<Link> = {}): Link => ({
  ...newLink(KEY, 'TicketToProject', mapping.version, NOW),
  snapshot: { title: 'a', priority: 'low', labels: [] },
  bound: { ...bindingsOf(mapping.entities.TicketToProject) },
  ...over,
});

function written(over: Partial<PlannedWrite> = {}, more: Partial<Written> = {}): Written {
  const write: PlannedWrite = {
    ...blankWrite('zendesk', 'update'),
    ref: 'zendesk:ticket:1',
    version: '1',
    values: { subject: 'b' },
    rows: ['title'],
    expects: { title: 'a' },
    ...over,
  };
  const intent: Intent = {
    id: `${KEY}@3`,
    writes: [write],
    next: { ...emptyAgreement(), snapshot: { title: 'b', priority: 'critical', labels: ['x'] } },
    then: 'linked',
    seen: { pms: { ref: 'pms:project:P-1', version: '7', order: 7, state: 'live', updatedAt: NOW } },
    causes: ['poll:pms:changes'],
  };
  return { link: link(), intent, write, outcome: 'done', ...more };
}

describe('an entry of the journal', () => {
  test('names record and row, both values, the cause and the outcome', () => {
    expect(entryOf(written({}, { answer: record('zendesk', { subject: 'b' }, 2) }), scene)).toEqual({
      id: expect.stringContaining(`${KEY}@3/zendesk/update/`) as string,
      at: NOW,
      key: KEY,
      entity: 'TicketToProject',
      side: 'zendesk',
      ref: 'zendesk:ticket:1',
      op: 'update',
      rows: [
        {
          row: 'title',
          property: 'subject',
          before: 'a',
          known: 'agreed',
          after: 'b',
          shown: 'b',
          binding: bindingsOf(mapping.entities.TicketToProject)['title'],
        },
      ],
      causes: ['poll:pms:changes'],
      from: 'pms:project:P-1@7',
      mapping: mapping.version,
      outcome: 'done',
      words: null,
    });
  });

  test('has values in the form of the written side', () => {
    const entry = entryOf(
      written({ values: { priority: 'urgent' }, rows: ['priority'], expects: { priority: 'low' } }),
      scene,
    );
    expect(entry.rows).toMatchObject([{ property: 'priority', before: 'low', after: 'urgent' }]);
    const pms = entryOf(
      written({
        side: 'pms',
        values: { priority: 'low' },
        rows: ['priority'],
        expects: { priority: 'critical' },
      }),
      scene,
    );
    expect(pms.rows).toMatchObject([{ before: 'critical', after: 'low' }]);
  });

  test('has the former value from the side itself, if the side returned it', () => {
    const [row] = entryOf(written({}, { replaced: { subject: 'edited' } }), scene).rows;
    expect(row).toMatchObject({ before: 'edited', known: 'side' });
  });

  test('keeps the former agreement if the row was bound again, and names the mapping as a cause', () => {
    const other = link({ bound: { ...link().bound, title: 'other' } });
    const entry = entryOf(written({}, { link: other }), scene);
    expect(entry.rows).toMatchObject([{ former: { value: 'a', binding: 'other' } }]);
    expect(entry.causes).toEqual([`mapping:${mapping.version}`, 'poll:pms:changes']);
  });

  test('has the same id in each attempt, and another id for another write', () => {
    const one = written();
    expect(entryId(one.intent, one.write)).toBe(
      entryId(one.intent, { ...one.write, lookFirst: true, done: true }),
    );
    expect(entryId(one.intent, one.write)).not.toBe(
      entryId(one.intent, { ...one.write, values: { subject: 'c' } }),
    );
  });

  test('keeps the beginning of a long value and marks it as shortened', () => {
    const long = 'x'.repeat(VALUE_CHARACTERS * 2);
    const [row] = entryOf(written({ values: { subject: long }, expects: { title: 'a' } }), scene).rows;
    expect(row).toMatchObject({ before: 'a', cut: true });
    expect(row?.after).toHaveLength(VALUE_CHARACTERS);
    expect(linesOf(entryOf(written({ values: { subject: long } }), scene))[0]?.outcome).toContain(
      'cannot be undone',
    );
  });

  test('shows a row that was not taken', () => {
    const notTaken = [
      {
        row: 'title',
        side: 'zendesk' as const,
        offered: 'b',
        why: 'ignored' as const,
        words: '',
        since: NOW,
      },
    ];
    expect(entryOf(written({}, { notTaken }), scene).rows).toMatchObject([{ notTaken: true }]);
  });

  test('of a comment has its text, and no former value', () => {
    const entry = entryOf(
      written({ op: 'followUp', values: { text: 'said', public: false }, rows: ['title'], expects: {} }),
      scene,
    );
    expect(entry.rows).toEqual([{ row: 'title', property: 'text', after: 'said' }]);
    expect(linesOf(entry)).toMatchObject([{ what: 'commented', after: 'said', outcome: 'done' }]);
  });
});

describe('a write whose answer was lost', () => {
  const { intent, write } = written();
  const seen = (subject: string, order: number) =>
    outcomeShown({ intent, write }, KEY, record('zendesk', { subject }, order), scene);
  test.each([
    ['is done if the record shows the written value', 'b', 2, 'done'],
    ['is not done if the record is unchanged', 'a', 1, 'not done'],
    ['is unknown if the record changed, even if it shows the former value', 'a', 2, 'unknown'],
    ['is unknown if the record shows another value', 'c', 2, 'unknown'],
  ])('%s', (_, subject, order, outcome) => {
    expect(seen(subject, order)).toBe(outcome);
  });
  test('is unknown if the record was not read, and if the write adds something', () => {
    expect(outcomeShown({ intent, write }, KEY, undefined, scene)).toBe('unknown');
    expect(
      outcomeShown(
        { intent, write: { ...write, op: 'followUp' } },
        KEY,
        record('zendesk', { subject: 'b' }),
        scene,
      ),
    ).toBe('unknown');
  });
});

test('causes that arrived together are stored once each, five at most', () => {
  expect(mergedCauses(['a', 'b'], undefined, ['b', 'c'])).toEqual(['a', 'b', 'c']);
  expect(mergedCauses('123456'.split(''))).toHaveLength(5);
  expect(mergedCauses('123456'.split(''), ['undo:U1'])[0]).toBe('undo:U1');
});
