import { isOwnForm, isTrusted } from '../../src/operator/console/access';
import { barChart } from '../../src/operator/console/chart';
import { deepLinks } from '../../src/operator/console/deepLinks';
import { Html, escapeText, html } from '../../src/operator/console/html';
import { breakable, pairUrl, table, time, value } from '../../src/operator/console/layout';
import { verdictSection } from '../../src/operator/console/pages/overviewPage';
import { conflictsPage, pairsPage, type PairList } from '../../src/operator/console/pages/pairsPage';
import { SESSION_MS, Sessions } from '../../src/operator/console/sessions';
import { Throttle } from '../../src/operator/console/throttle';
import { valuesOf } from '../../src/operator/console/shownValues';
import { FieldTitles } from '../../src/operator/titles';
import { newLink, type Link } from '../../src/sync/link';
import { NOW, NO_REFERENCES, record, testMapping } from '../support/world';

const NO_TITLES = new FieldTitles([]);

describe('markup', () => {
  test('escapes all values, whatever they contain', () => {
    const hostile = `<script>alert('1')</script> & "q" \`b\``;
    expect(html`<p title="${hostile}">${hostile}</p>`.markup).toBe(
      '<p title="&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;q&quot; &#96;b&#96;">' +
        '&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;q&quot; &#96;b&#96;</p>',
    );
  });

  test('nests its own results and lists of them, and prints nothing for empty values', () => {
    const items = ['a', '<b>'].map((item) => html`<i>${item}</i>`);
    expect(html`${items}${null}${undefined}${false}${0}`.markup).toBe('<i>a</i><i>&lt;b&gt;</i>0');
  });

  test('an object that only looks like a result is refused', () => {
    const forged = { markup: '<script>' };
    expect(forged).not.toBeInstanceOf(Html);
    expect(() => html`${forged as unknown as Html}`.markup).toThrow();
  });

  test.each([
    ['a null and an escape character', 'a\u0000b\u001b[2Jc', 'a\ufffdb\ufffd[2Jc'],
    ['a change of text direction', 'gnp\u202etxt', 'gnp\ufffdtxt'],
    ['a direction isolate', '\u2066a\u2069', '\ufffda\ufffd'],
    ['lines and tabs unchanged', 'a\n\tb\r\n', 'a\n\tb\r\n'],
    ['other scripts unchanged', 'שלום 🖨️ é', 'שלום 🖨️ é'],
  ])('shows %s', (_, text, expected) => expect(escapeText(text)).toBe(expected));
});

test('a value is shown as text: empty ones are marked, long ones are folded', () => {
  expect(value(undefined).markup).toContain('not known');
  for (const empty of [null, '', []]) expect(value(empty).markup).toContain('empty');
  expect(value(['a', '<b>']).markup).toBe('<span class="value">a, &lt;b&gt;</span>');
  expect(value(false).markup).toBe('<span class="value">false</span>');
  expect(value('x'.repeat(700)).markup).toContain('<summary>All 700 characters</summary>');
});

describe('a chart', () => {
  const at = Date.parse(NOW);
  const chart = { id: 'c', title: 'Calls <b>', unit: 'calls', from: at - 3_600_000, to: at, least: 1 };

  test('shows its latest and highest values in words and as a table, and fits its frame', () => {
    const bars = [
      { at: at - 3_600_000, value: 900, limit: 200 },
      { at: at - 60_000, value: 150, limit: 200 },
      { at, value: 0, limit: 200 },
    ];
    const { markup } = barChart({ ...chart, bars });
    expect(markup).toContain('Latest: 0 of 200 calls. Highest of the last hour: 900 calls.');
    expect(markup).toContain('Calls &lt;b&gt;');
    expect(markup).toMatch(/<td>23:59<\/td>\s*<td>150<\/td>\s*<td>200<\/td>/);
    const numbers = [
      ...markup.matchAll(/<rect[^>]*?x="([\d.-]+)"\s+y="([\d.-]+)"\s+width="([\d.]+)"\s+height="([\d.]+)"/g),
    ];
    expect(numbers).toHaveLength(3);
    for (const [, x, y, width, height] of numbers) {
      expect(Number(x)).toBeGreaterThanOrEqual(48);
      expect(Number(x) + Number(width)).toBeLessThanOrEqual(640);
      expect(Number(y)).toBeGreaterThanOrEqual(10);
      expect(Number(y) + Number(height)).toBeLessThanOrEqual(128);
    }
    // It needs no style that the policy forbids.
    expect(markup).not.toContain('style=');
  });

  test('without a bar has a message', () => {
    const { markup } = barChart({ ...chart, bars: [] });
    expect(markup).toContain('Nothing in the last hour.');
    expect(markup).not.toContain('NaN');
  });
});

describe('links to other systems', () => {
  const places = {
    temporalUiUrl: 'https://temporal.acme.example/',
    temporalNamespace: 'sync.a1',
    pairPrefix: '',
    zendeskUrl: 'https://acme.zendesk.com',
    pmsRecordUrl: 'https://pms.acme.example/{kind}s/{id}?tab={id}',
  };
  const links = deepLinks(places);

  test('lead to the pair’s workflow, the Schedule and each record', () => {
    expect(links.workflow('TicketToProject/zendesk:ticket:1')).toBe(
      'https://temporal.acme.example/namespaces/sync.a1/workflows/TicketToProject%2Fzendesk%3Aticket%3A1',
    );
    expect(links.schedule('x-poll-pms')).toBe(
      'https://temporal.acme.example/namespaces/sync.a1/schedules/x-poll-pms',
    );
    expect(links.record('zendesk:ticket:1')).toBe('https://acme.zendesk.com/agent/tickets/1');
    expect(links.record('zendesk:organization:2')).toBe('https://acme.zendesk.com/agent/organizations/2');
    expect(links.record('pms:project:P-7')).toBe('https://pms.acme.example/projects/P-7?tab=P-7');
  });

  test('an id cannot change the path around it', () => {
    expect(links.record('pms:project:..%2f"><b>')).toBe(
      'https://pms.acme.example/projects/..%252f%22%3E%3Cb%3E?tab=..%252f%22%3E%3Cb%3E',
    );
  });

  test('are missing if the address is unknown, or has no page', () => {
    const none = deepLinks({ ...places, temporalUiUrl: null, zendeskUrl: null, pmsRecordUrl: null });
    expect([
      none.workflow('x'),
      none.schedule('x'),
      none.record('zendesk:ticket:1'),
      none.record('pms:note:1'),
      none.events(),
    ]).toEqual([null, null, null, null, null]);
    expect(links.record('zendesk:comment:1')).toBeNull();
  });
});

describe('both values of a pair', () => {
  const mapping = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' },
    { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'manual' },
    { zendesk: 'tags', pms: 'tags', type: 'string[]', direction: 'both' },
    { pms: 'origin', type: 'string', direction: 'toPms', transform: 'constant', value: 'Z', write: 'create' },
  ]);
  const side = (ref: string, residue = {}) => ({
    ref,
    version: '1',
    order: 1,
    state: 'live' as const,
    updatedAt: NOW,
    residue,
    backRef: false,
  });
  const link: Link = {
    ...newLink('TicketToProject/zendesk:ticket:1', 'TicketToProject', 'v', NOW),
    sides: {
      zendesk: side('zendesk:ticket:1', { note: 'z' }),
      pms: side('pms:project:P-1', { note: null, tags: ['p'] }),
    },
    snapshot: { title: 's', note: 'n', tags: ['a'] },
    conflicts: [{ row: 'note', zendesk: 'z', pms: null, since: NOW }],
  };

  test('show the agreed values, and where a side differs', () => {
    const rows = valuesOf(mapping, link, {}, NO_REFERENCES);
    expect(
      rows.map(({ row, sides, state }) => [row.id, sides.zendesk.value, sides.pms.value, state]),
    ).toEqual([
      ['title', 's', 's', 'agreed'],
      ['note', 'z', null, 'conflict'],
      ['tags', ['a'], ['p'], 'differs'],
      ['origin', undefined, undefined, 'onCreation'],
    ]);
  });

  test('include pending changes', () => {
    const observed = { zendesk: record('zendesk', { subject: ' new  subject ', note: 'z' }, 2) };
    const [title, note] = valuesOf(mapping, link, observed, NO_REFERENCES);
    expect(title?.sides.zendesk).toEqual({ value: 'new subject', isNew: true });
    expect(title?.state).toBe('differs');
    expect(note?.sides.zendesk).toEqual({ value: 'z', isNew: false });
  });

  test('exclude changes from before the pair’s last turn', () => {
    const observed = { zendesk: record('zendesk', { subject: 'before' }, 1) };
    const [title] = valuesOf(mapping, link, observed, NO_REFERENCES);
    expect(title?.sides.zendesk).toEqual({ value: 's', isNew: false });
  });

  test('are unknown for a record that was never linked', () => {
    const alone = { ...link, sides: { zendesk: side('zendesk:ticket:1') }, conflicts: [] };
    const [title] = valuesOf(mapping, alone, {}, NO_REFERENCES);
    expect(title).toMatchObject({ sides: { zendesk: { value: 's' }, pms: {} }, state: 'unknown' });
    expect(title?.sides.pms.value).toBeUndefined();
  });

  test('in a list are text, and each page links to the next with its filters', () => {
    const hostile = { ...link, conflicts: [{ row: 'note', zendesk: '<img src=x>', pms: 'p', since: NOW }] };
    const list: PairList = {
      ...{ links: [hostile], query: { text: '"><b>' }, next: link._id },
      ...{ isPartial: false, naming: { mapping, titles: NO_TITLES, pairs: new Map([[link._id, 's']]) } },
    };
    const links = deepLinks({
      temporalUiUrl: null,
      temporalNamespace: 'x',
      pairPrefix: '',
      zendeskUrl: null,
      pmsRecordUrl: null,
    });
    const pairs = pairsPage(list, { links, root: '/console' }).body.markup;
    expect(pairs).toContain('value="&quot;&gt;&lt;b&gt;"');
    expect(pairs).toContain(
      'href="/console/pairs?text=%22%3E%3Cb%3E&amp;after=TicketToProject%2Fzendesk%3Aticket%3A1"',
    );
    expect(pairs).toContain(`href="${pairUrl('/console', link._id)}"`);
    const conflicts = conflictsPage(list, { root: '/console' }).body.markup;
    expect(conflicts).toContain('<span class="value">&lt;img src=x&gt;</span>');
    // O4: on a narrow screen each cell names its column; O5: a pair has its title, with its id below.
    expect(conflicts).toMatch(/<td data-title="Zendesk">/);
    const id = /<bdi>s<\/bdi><\/a>\s*<div class="id">(.*?)<\/div>/.exec(pairs)?.[1] ?? '';
    expect(id.replace(/<[^>]*>/g, '')).toBe('zendesk:ticket:1');
  });
});

describe('a table', () => {
  test('O4: shows the column in each cell on a phone, also below a heading of several rows', () => {
    const { markup } = table(
      'All',
      ['Pair', 'Property', 'Value', 'Action'],
      [
        [
          html`<tr>
            <th scope="rowgroup" rowspan="2">one</th>
            <td>title</td>
            <td></td>
            <td class="act" rowspan="2">go</td>
          </tr>`,
          html`<tr>
            <td>tags</td>
            <td>—</td>
          </tr>`,
        ],
        [
          html`<tr>
            <th scope="rowgroup">two</th>
            <td colspan="2" data-title="Reason">because</td>
            <td class="act">go</td>
          </tr>`,
        ],
      ],
    );
    expect([...markup.matchAll(/<td ([^>]*)><div>\s*(\S*?)\s*<\/div>/g)].map(([, a, b]) => [a, b])).toEqual([
      ['data-title="Property"', 'title'],
      ['data-empty data-title="Value"', ''],
      ['data-title="Action" class="act" rowspan="2"', 'go'],
      ['data-title="Property"', 'tags'],
      ['data-empty data-title="Value"', '—'],
      ['colspan="2" data-title="Reason"', 'because'],
      ['data-title="Action" class="act"', 'go'],
    ]);
    expect(markup.match(/<tbody/g)).toHaveLength(2);
  });

  test('breaks an id after its parts only, and a time after its date only', () => {
    expect(html`${breakable('zendesk:ticket:1')}`.markup).toBe(
      '<span class="whole">zendesk:</span><wbr /><span class="whole">ticket:</span><wbr /><span class="whole">1</span>',
    );
    expect(html`${time('2026-05-01T12:00:00.000Z')}`.markup).toContain(
      '<span>2026-05-01</span> <span>12:00:00 UTC</span>',
    );
  });
});

test('O3: the overview links to the page that fixes a fault, and marks commands as code', () => {
  const fault = { weight: 'person', what: 'w', since: null, affects: '', code: 'conflicts' } as const;
  const cure = '"npx zendesk-pms-sync conflicts list"';
  const { markup } = verdictSection({ well: false, line: 'w', faults: [{ ...fault, cure }] }, '/console');
  expect(markup).toContain('<a href="/console/conflicts">Decide the conflicts</a>');
  expect(markup).toContain('<code>npx zendesk-pms-sync conflicts list</code>');
});

describe('a session', () => {
  let now = Date.parse(NOW);
  const sessions = new Sessions('a secret of sixteen', () => now);
  beforeEach(() => (now = Date.parse(NOW)));

  test('is identified by its cookie, until it expires', () => {
    const session = sessions.begin('Ann', 'token');
    const sealed = sessions.seal(session);
    expect(sessions.open(sealed)).toEqual(session);
    now += SESSION_MS - 1;
    expect(sessions.open(sealed)).toEqual(session);
    now += 1;
    expect(sessions.open(sealed)).toBeNull();
  });

  test('is invalid if a letter of its cookie changed, or with another secret', () => {
    const sealed = sessions.seal(sessions.begin('Ann', 'token'));
    for (const n of [0, 5, sealed.indexOf('.') + 1])
      expect(
        sessions.open(`${sealed.slice(0, n)}${sealed[n] === 'A' ? 'B' : 'A'}${sealed.slice(n + 1)}`),
      ).toBeNull();
    expect(new Sessions('another secret here', () => now).open(sealed)).toBeNull();
    for (const nonsense of ['', '.', 'x.y', sealed.split('.')[0] ?? ''])
      expect(sessions.open(nonsense)).toBeNull();
  });

  test('has its own form token', () => {
    const [one, two] = [sessions.begin('Ann', 'token'), sessions.begin('Ann', 'token')];
    expect(sessions.formToken(one)).toBe(sessions.formToken({ ...one }));
    expect(sessions.formToken(one)).not.toBe(sessions.formToken(two));
    expect(sessions.seal(one)).not.toContain(sessions.formToken(one));
  });
});

describe('wrong tokens', () => {
  let now = 0;
  const failing = (throttle: Throttle, address: string, times: number) => {
    for (let i = 0; i < times; i += 1) throttle.failed(address);
  };

  test('from one address make only that address wait for a quarter of an hour', () => {
    const throttle = new Throttle(() => now);
    failing(throttle, '192.0.2.1', 4);
    expect(throttle.waitSeconds('192.0.2.1')).toBe(0);
    failing(throttle, '192.0.2.1', 1);
    expect(throttle.waitSeconds('192.0.2.1')).toBe(900);
    expect(throttle.waitSeconds('::ffff:192.0.2.1')).toBe(900);
    expect(throttle.waitSeconds('192.0.2.2')).toBe(0);
    now += 900_000;
    expect(throttle.waitSeconds('192.0.2.1')).toBe(0);
    failing(throttle, '192.0.2.1', 1);
    expect(throttle.waitSeconds('192.0.2.1')).toBe(0);
  });

  test('are counted for an IPv6 network as a whole, and reset by the right token', () => {
    const throttle = new Throttle(() => now);
    failing(throttle, '2001:db8:1:2::1', 3);
    failing(throttle, '2001:db8:1:2::2', 2);
    expect(throttle.waitSeconds('2001:db8:1:2::3')).toBe(900);
    expect(throttle.waitSeconds('2001:db8:1:3::1')).toBe(0);
    throttle.succeeded('2001:db8:1:2::9');
    expect(throttle.waitSeconds('2001:db8:1:2::1')).toBe(0);
  });

  test('of many addresses do not fill the memory', () => {
    const throttle = new Throttle(() => now);
    failing(throttle, '192.0.2.1', 5);
    for (let i = 0; i < 1_000; i += 1) throttle.failed(`10.0.${i >> 8}.${i & 255}`);
    expect(throttle.waitSeconds('192.0.2.1')).toBe(0);
  });
});

test.each([
  ['10.0.0.5', ['10.0.0.5'], true],
  ['10.0.0.6', ['10.0.0.5'], false],
  ['10.0.0.77', ['10.0.0.0/24'], true],
  ['::ffff:10.0.0.5', ['10.0.0.5'], true],
  ['fd00::5', ['10.0.0.0/8', 'fd00::/8'], true],
  ['10.0.0.5', ['fd00::/8'], false],
  ['', ['10.0.0.5'], false],
  ['10.0.0.5', [], false],
])('%s, with %j trusted: %s', (address, proxies, expected) =>
  expect(isTrusted(proxies, address)).toBe(expected),
);

test.each<[Record<string, string>, boolean]>([
  [{ 'sec-fetch-site': 'same-origin', origin: 'https://console.acme.example' }, true],
  [{ 'sec-fetch-site': 'same-origin' }, true],
  [{ origin: 'https://console.acme.example' }, true],
  [{ origin: 'https://console.acme.example:444' }, false],
  [{ origin: 'https://evil.example' }, false],
  [{ 'sec-fetch-site': 'none', origin: 'https://console.acme.example' }, false],
  [{ 'sec-fetch-site': 'cross-site', origin: 'https://console.acme.example' }, false],
  [{ origin: 'null' }, false],
  [{}, false],
])('a form with %j is the console’s own: %s', (headers, expected) =>
  expect(isOwnForm({ headers, peer: '', host: 'console.acme.example' })).toBe(expected),
);
