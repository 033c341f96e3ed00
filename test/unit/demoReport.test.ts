import {
  colour,
  formatDuration,
  formatTable,
  printTable,
  ProgressLine,
  shorten,
  textWidth,
} from '../../apps/demo/report';

class Sink {
  text = '';
  columns = 40;
  constructor(readonly isTTY: boolean) {}
  write(text: string): void {
    this.text += text;
  }
}

describe('textWidth', () => {
  it.each([
    ['abc', 3],
    ['café', 4],
    ['cafe\u0301', 4],
    ['日本', 4],
    ['🎉', 2],
    ['👩‍💻', 2],
    ['שלום', 4],
    ['a\u200fb', 2],
    ['', 0],
  ])('measures %j as %d columns', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });
});

describe('shorten', () => {
  it('keeps within the width without splitting a wide character', () => {
    expect(shorten('日本語テキスト', 6)).toBe('日本…');
    expect(textWidth(shorten('🎉🎉🎉🎉', 4))).toBeLessThanOrEqual(4);
  });

  it('turns a customer’s text into one line without control characters', () => {
    expect(shorten('a\r\n\tb\u001b[31mc', 20)).toBe('a b [31mc');
  });
});

describe('formatTable', () => {
  it('aligns columns by width, numbers to the right', () => {
    const table = formatTable(
      [{ title: 'name' }, { title: 'count' }],
      [
        ['日本', 1_234],
        ['abc', 5],
      ],
    );
    expect(table.split('\n')).toEqual(['name  count', '────  ─────', '日本  1,234', 'abc       5']);
  });

  it('has placeholders for missing cells and empty tables', () => {
    expect(formatTable([{ title: 'a' }, { title: 'b' }], [['x']])).toContain('x');
    expect(formatTable([{ title: 'a' }], [])).toBe('a\n─');
  });
});

describe('output that is not a terminal', () => {
  it('carries no colour', () => {
    const sink = new Sink(false);
    printTable(sink, 'Title', [{ title: 'a' }], [[colour(sink, 'red', 'x')]]);
    expect(sink.text).not.toContain('\u001b');
    expect(colour(new Sink(true), 'red', 'x')).toContain('\u001b[31m');
  });

  it('gets one progress line per step', () => {
    const sink = new Sink(false);
    const progress = new ProgressLine(sink);
    for (let n = 0; n < 5; n++) progress.update('tickets', n, 5);
    progress.update('comments', 1);
    progress.finish('done');
    expect(sink.text).toBe('tickets\ncomments\ndone\n');
  });
});

it('rewrites the progress line on a terminal', () => {
  const sink = new Sink(true);
  const progress = new ProgressLine(sink);
  progress.update('tickets', 1, 5, 'fast');
  progress.finish('done');
  expect(sink.text).toBe('\r\u001b[2Ktickets: 1 of 5 fast\r\u001b[2Kdone\n');
});

it('writes durations for people', () => {
  expect([formatDuration(850), formatDuration(1_250), formatDuration(64_000)]).toEqual([
    '850 ms',
    '1.3 s',
    '1:04',
  ]);
});
