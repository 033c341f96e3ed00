import { normalisedText, textOfHtml } from '../../src/sync/plainText';
import { Marker } from '../../src/systems/profile/marker';

/** A2: texts that no person writes, but that a mail may contain. */

const BLANKS = ' '.repeat(1_000_000);
const REF = 'zendesk:comment:12-345';
const marker = new Marker('body', '— {authorName} <!-- {backRef} -->');

const COUNTED = ['charAt', 'charCodeAt', 'slice', 'replace', 'split', 'lastIndexOf', 'indexOf'] as const;

/** Counts the reads of parts of a text, which limits the number of steps. */
function stepsOf(work: () => unknown): number {
  let steps = 0;
  for (const name of COUNTED) {
    const original = Reflect.get(String.prototype, name) as (this: string, ...args: unknown[]) => unknown;
    const counting = function (this: string, ...args: unknown[]) {
      steps += 1;
      return original.apply(this, args);
    };
    jest.spyOn(String.prototype, name).mockImplementation(counting as never);
  }
  try {
    work();
    return steps;
  } finally {
    jest.restoreAllMocks();
  }
}

test('A2: spaces at the ends of lines are removed, and those within lines stay', () => {
  expect(normalisedText('\r\n\n  Hello \t \r\n\u00a0\nx\u00a0y  \n\n ')).toBe('  Hello\n\nx y');
  expect(normalisedText(' \n\t\n')).toBe('');
  expect(normalisedText(`Hello${BLANKS}x`)).toBe(`Hello${BLANKS}x`);
  expect(normalisedText(`Hello${BLANKS}\n${BLANKS}`)).toBe('Hello');
  expect(normalisedText('\n'.repeat(1_000_000) + 'x')).toBe('x');
});

test('A2: the effort grows linearly with the lines and tags of a text', () => {
  for (const blanks of [' ', '\n', '\t', '\r', '\u00a0']) {
    const normalising = (n: number) => stepsOf(() => normalisedText(`a${blanks.repeat(n)}b`));
    expect(normalising(100_000)).toBeLessThanOrEqual(normalising(1_000) * 101);
    const looking = (n: number) => stepsOf(() => marker.taken(`a${blanks.repeat(n)}b`));
    expect(looking(100_000)).toBeLessThanOrEqual(looking(10));
  }
});

test('A2: elements nested deeper than the stack allows keep their text', () => {
  const deep = `<div>`.repeat(50_000) + 'inside' + '</div>'.repeat(50_000) + '<p>after</p>';
  expect(textOfHtml(deep).split(/\s+/).filter(Boolean)).toEqual(['inside', 'after']);
  const quoted = `<blockquote><ul><li>`.repeat(5_000) + 'a<br>b' + 'c';
  expect(
    textOfHtml(quoted)
      .replace(/[>*\s]+/g, ' ')
      .trim(),
  ).toBe('a bc');
});

test('A2: HTML that is not too deep is converted as before', () => {
  expect(
    textOfHtml('<div class="zd-comment"><p dir="auto">One<br>two &amp; <b>three</b></p><p>four</p></div>'),
  ).toBe('One\ntwo & three\n\nfour');
  expect(textOfHtml('1 < 2 and <unclosed')).toMatch(/^1 < 2 and/);
});

test.each([
  ['the words of a marker, many times', `— ${'— '.repeat(50_000)}x`],
  ['a marker that is not closed', `<!-- ${'<!-- '.repeat(50_000)}`],
  ['one long word', 'x'.repeat(500_000)],
])('A2: a marker is searched for once, in %s', (_, text) => {
  expect(marker.taken(text)).toBeNull();
  expect(marker.taken(`${text}\n\n— Mia <!-- ${REF} -->`)).toEqual({
    backRef: REF,
    values: { authorName: 'Mia', body: text.trimEnd() },
  });
});
