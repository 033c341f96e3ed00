import type { Line, Report, Result, Status } from '../../src/checks/verify/checklistLine';
import { htmlOf } from '../../src/checks/verify/reports/htmlReport';
import { junitOf } from '../../src/checks/verify/reports/junitReport';
import { markdownOf } from '../../src/checks/verify/reports/markdownReport';

/** Texts that strangers can write into a ticket. */
const HOSTILE =
  '</td><script>alert(1)</script> "quoted" \'single\' & ]]> `code` | [a](b) \u0000\u001b[31m \ud800 漢字';

const line = (id: string, more: Partial<Line> = {}): Line => ({
  id,
  entity: 'TicketToProject',
  mode: null,
  row: 'title',
  subject: 'subject → title',
  from: 'zendesk',
  check: 'edit',
  what: 'an edit arrives',
  cannot: null,
  ...more,
});
const result = (status: Status, more: Partial<Result> = {}): Result => ({
  line: line(status),
  status,
  reason: null,
  zendesk: 'zendesk:ticket:1',
  pms: 'pms:project:P-1',
  written: 'a',
  found: 'a',
  seconds: 1.25,
  ...more,
});
const report: Report = {
  results: [
    result('passed', { written: HOSTILE, found: HOSTILE }),
    result('failed', { reason: `not there: ${HOSTILE}`, found: HOSTILE, seconds: null }),
    result('not checked', {
      reason: HOSTILE,
      zendesk: null,
      pms: null,
      written: undefined,
      found: undefined,
    }),
    result('passed', { line: line('c', { entity: 'CommentToProject', mode: 'note', subject: HOSTILE }) }),
  ],
  startedAt: '2026-05-01T12:00:00.000Z',
  seconds: 12.5,
  mappingFile: HOSTILE,
  mappingVersion: 'abc',
  tag: null,
  leftBehind: [HOSTILE],
};

interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
  text: string;
}

const unescaped = (text: string) =>
  text.replace(
    /&(amp|lt|gt|quot|#39);/g,
    (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name] ?? '',
  );

/** Reads XML strictly. @throws Error if it is not well-formed */
function parseXml(xml: string): Element {
  const root: Element = { name: '#', attributes: {}, children: [], text: '' };
  const open = [root];
  const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  const token = /<(\/?)([\w-]+)((?: [\w-]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  let end = 0;
  for (let match = token.exec(body); match; match = token.exec(body)) {
    end = token.lastIndex;
    const [, closing, name = '', attributes = '', empty, text] = match;
    const top = open.at(-1);
    if (!top) throw new Error(`nothing is open at ${end}`);
    const bare = (text ?? attributes).replace(/&(amp|lt|gt|quot|#39);/g, '');
    // eslint-disable-next-line no-control-regex
    if (/&|[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(bare)) throw new Error(`not escaped: ${bare}`);
    if (text !== undefined) top.text += unescaped(text);
    else if (closing === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
    } else {
      const found = [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(
        ([, key = '', value = '']) => [key, unescaped(value)] as const,
      );
      const element = { name, attributes: Object.fromEntries(found), children: [], text: '' };
      top.children.push(element);
      if (empty !== '/') open.push(element);
    }
  }
  if (end !== body.length || open.length !== 1)
    throw new Error(`not well-formed at ${body.slice(end, end + 40)}`);
  const [first, ...more] = root.children;
  if (!first || more.length > 0) throw new Error('expected one element');
  return first;
}

test('the XML reader of this file refuses invalid XML', () => {
  for (const bad of ['<a>', '<a></b>', '<a b="<"/>', '<a>&</a>', '<a/><b/>', '<a>\u0000</a>'])
    expect(() => parseXml(bad)).toThrow();
});

test('JUnit output is well-formed XML, whatever was synced, with the right counts', () => {
  const suites = parseXml(junitOf(report));
  expect(suites).toMatchObject({
    name: 'testsuites',
    attributes: { tests: '4', failures: '1', skipped: '1', time: '12.500' },
  });
  expect(
    suites.children.map(({ attributes }) => [
      attributes['name'],
      attributes['tests'],
      attributes['failures'],
    ]),
  ).toEqual([
    ['TicketToProject', '3', '1'],
    ['CommentToProject (mode: note)', '1', '0'],
  ]);
  const [passed, failed, skipped] = suites.children[0]?.children ?? [];
  expect(passed).toMatchObject({
    attributes: {
      classname: 'TicketToProject',
      name: 'subject → title (Zendesk → PMS): an edit arrives',
      time: '1.250',
    },
    children: [{ name: 'system-out' }],
  });
  expect(failed?.children).toMatchObject([
    {
      name: 'failure',
      attributes: { message: expect.stringContaining('<script>alert(1)</script>') as string },
    },
  ]);
  expect(skipped?.children).toMatchObject([{ name: 'skipped' }]);
});

test('the page shows synced content as text', () => {
  const html = htmlOf(report);
  expect(html).not.toContain('<script');
  expect(html).toContain(
    '&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt; &quot;quoted&quot; &#39;single&#39; &amp;',
  );
  expect(html.match(/<tr class="(passed|failed|unchecked)">/g)).toHaveLength(4);
  expect(html).toContain("default-src 'none'");
});

test('Markdown shows synced content as text, in its cell', () => {
  const rows = markdownOf(report)
    .split('\n')
    .filter((row) => /^\| [✓✗–]/.test(row));
  expect(rows).toHaveLength(4);
  for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(9);
  expect(markdownOf(report)).not.toMatch(/<script|(?<!\\)`code|(?<!\\)\[a\]/);
});
