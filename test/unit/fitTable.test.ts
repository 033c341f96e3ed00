import fc from 'fast-check';
import { brokenLines, fitted } from '../../src/operator/cli/fitTable';

const TITLES = ['record', 'title', 'property', 'Zendesk', 'PMS'];
const ROWS = [
  [
    'zendesk:ticket:123',
    'The loading ramp display stays dark',
    'title',
    'Loading ramp: dark',
    'Display is dark',
  ],
];

test('O4: at 80 columns no text that a person decides by is cut', () => {
  const fit = fitted(TITLES, ROWS, 80);
  const lines = fit?.rows[0]?.map((cell) => cell.split('\n')) ?? [];
  expect(lines.map((each) => each.join(' '))).toEqual(ROWS[0]);
  expect(fit?.titles).toEqual(TITLES);
  const widths = lines.map((each) => Math.max(...each.map((line) => line.length)));
  expect(widths.reduce((a, b) => a + b, 2 * (widths.length - 1))).toBeLessThanOrEqual(80);
});

test('O4: words stay whole if they fit; ids break after their separators', () => {
  expect(brokenLines('3 in quarantine since noon', 12)).toEqual(['3 in', 'quarantine', 'since noon']);
  expect(brokenLines('CommentToProject/zendesk:comment:70001', 20)).toEqual([
    'CommentToProject/',
    'zendesk:comment:',
    '70001',
  ]);
});

test('O4: a table that fits is unchanged; one with too many columns becomes a list of records', () => {
  expect(fitted(['a', 'b'], [['1', '2']], 80)).toEqual({ titles: ['a', 'b'], rows: [['1', '2']] });
  const many = Array.from({ length: 12 }, (_, n) => `a long title ${n}`);
  expect(fitted(many, [many], 80)).toBeNull();
});

test('O4: no text is lost, and no line is wider than its terminal', () => {
  const cell = fc.string({ maxLength: 60 }).map((text) => text.replace(/\s+/g, ' ').trim());
  fc.assert(
    fc.property(
      fc.array(cell, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 40, max: 120 }),
      (row, width) => {
        const fit = fitted(
          row.map(() => 'x'),
          [row],
          width,
        );
        if (!fit) return;
        const lines = fit.rows[0]?.map((text) => text.split('\n')) ?? [];
        const plain = (text: string) => text.replace(/[\s]/g, '');
        expect(lines.map((each) => plain(each.join('')))).toEqual(row.map(plain));
        const widest = lines.map((each) => Math.max(...each.map((line) => [...line].length)));
        expect(widest.reduce((a, b) => a + b, 2 * (row.length - 1))).toBeLessThanOrEqual(width);
      },
    ),
  );
});
