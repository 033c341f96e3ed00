import path from 'node:path';
import fc from 'fast-check';
import { commandTree } from '../../src/operator/cli/commandTree';
import { clipped, printLine, printTable, printTablesAs } from '../../src/operator/cli/output';
import { csvRow } from '../../src/operator/cli/csv';
import { ENTITY_TYPES } from '../../src/sync/record';

const MAPPING = path.resolve(__dirname, '../../mapping.yaml');

/** Reads one row as RFC 4180 describes it. */
function cellsIn(row: string): string[] {
  expect(row.endsWith('\r\n')).toBe(true);
  const line = `,${row.slice(0, -2)}`;
  const cells = [...line.matchAll(/,(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)];
  expect(cells.map(([all]) => all).join('')).toBe(line);
  return cells.map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain);
}

test('O13: cells are quoted if RFC 4180 requires it, and otherwise not', () => {
  expect(csvRow(['plain', 'a,b', 'say "no"', 'two\nlines', ''])).toBe(
    'plain,"a,b","say ""no""","two\nlines",\r\n',
  );
});

test('O13: every cell is read back unchanged, except formulas', () => {
  const cell = fc.string({ maxLength: 20 }).filter((text) => !/^[=+\-@\t\r\0]/.test(text));
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 6 }), (cells) => {
      expect(cellsIn(csvRow(cells))).toEqual(cells);
    }),
  );
});

test.each(['=1+1', '+49 30 123', '-1+cmd', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("http://x","y")'])(
  'O13: a spreadsheet reads %j as text',
  (text) => {
    expect(cellsIn(csvRow([text]))).toEqual([`'${text}`]);
  },
);

test('O13: numbers keep their sign', () => {
  expect(csvRow(['-5', '+5', '-0.25', '5'])).toBe('-5,+5,-0.25,5\r\n');
});

describe('a command with --csv', () => {
  let out = '';
  let err = '';
  beforeEach(() => {
    [out, err] = ['', ''];
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
    printTablesAs('csv');
  });
  afterEach(() => {
    printTablesAs('text');
    jest.restoreAllMocks();
  });

  test('O13: prints the table to stdout, and messages to stderr', () => {
    printLine('To decide the first:');
    printTable(['record', 'title'], [['zendesk:ticket:1', 'Ramp, dark']]);
    expect(out).toBe('record,title\r\nzendesk:ticket:1,"Ramp, dark"\r\n');
    expect(err).toBe('To decide the first:\n');
  });

  test('O13: prints the titles of an empty table, so that a program finds its columns', () => {
    printTable(['record', 'title'], [], 'nothing is quarantined');
    expect([out, err]).toEqual(['record,title\r\n', '']);
  });

  test('O13: shortens nothing, leaves absent values empty, and removes control characters', () => {
    printTable(['a', 'b', 'c'], [[clipped('x'.repeat(80), 40), '—', '\u001b[2J']]);
    expect(out).toBe(`a,b,c\r\n${'x'.repeat(80)},,�[2J\r\n`);
  });

  test('O13: does not change the output of a command without --csv', () => {
    printTablesAs('text');
    printTable(['record'], [[clipped('x'.repeat(80), 4)]]);
    printTable(['record'], [], 'nothing is quarantined');
    expect(out).toBe('record\nxxxx\nnothing is quarantined\n');
  });

  test('O13: the mapping is one table, which names the entity in each row', async () => {
    printTablesAs('text');
    await commandTree().parseAsync(['node', 'zps', 'mapping', 'show', MAPPING, '--csv']);
    const [titles, ...rows] = out
      .trimEnd()
      .split('\r\n')
      .map((row) => cellsIn(`${row}\r\n`));
    expect(titles).toEqual([
      'entity',
      'Zendesk property',
      'PMS property',
      'PMS data type',
      'direction',
      'transform',
      'winner',
    ]);
    expect(new Set(rows.map(([entity]) => entity))).toEqual(new Set(ENTITY_TYPES));
    expect(rows).toContainEqual(expect.arrayContaining(['TicketToProject', 'subject', 'title', 'both']));
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([7]));
    expect(err).toBe('');
  });

  test('O13: the next command prints a table for people again', async () => {
    await commandTree().parseAsync(['node', 'zps', 'mapping', 'show', MAPPING]);
    expect(out).toMatch(/^TicketToProject: Zendesk ticket ↔ PMS project/m);
  });

  test('O13: --csv with --json is refused', async () => {
    const both = ['node', 'zps', 'mapping', 'show', MAPPING, '--csv', '--json'];
    await expect(commandTree().parseAsync(both)).rejects.toThrow(
      /'--csv' cannot be used with option '--json'/,
    );
    expect(out).toBe('');
  });
});
