import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { axeFaults, describeInBrowser, startBrowser, watch } from '../support/browser';
import { Starts } from '../../src/links/failedStarts';
import { escapeText } from '../../src/operator/console/html';
import { WITHOUT_POLLS } from '../../src/operator/temporalLists';
import { TOKEN, Visitor } from '../support/console';
import { goWrong, startGallery, type Gallery } from '../support/consoleGallery';
import { cliOf } from '../support/cli';

/**
 * The look of the console with one record of each state: on a phone and a desktop, in light and dark, and for axe.
 */

let gallery: Gallery;
let url: string;
/** A service that was never started. */
let fresh: string;
/** Both as connections of one process. */
let several: string;

beforeAll(async () => {
  gallery = await startGallery();
  const { world } = gallery;
  const places = {
    ...{ consoleToken: TOKEN, temporalUiUrl: 'https://temporal.acme.example', zendeskSubdomain: 'acme' },
    pmsRecordUrl: 'https://pms.acme.example/{kind}s/{id}',
  };
  url = await world.serve(places);
  const empty = `${world.stack.taskQueue}-fresh`;
  fresh = await world.serve({ ...places, taskQueue: empty, mongodbDatabase: empty });
  const other = { taskQueue: empty, mongodbDatabase: empty };
  several = await world.serve(
    { ...places, connection: 'nordwind' },
    { ...places, ...other, connection: 'acme-emea' },
    { ...places, ...other, connection: 'acme-us', mongodbDatabase: `${empty}-us` },
  );
  await new Starts(world.dbOf(`${empty}-us`)).note({
    ...{ process: 'worker-2 4711', why: 'ZENDESK_OAUTH_CLIENT_SECRET: no such secret in the vault' },
    ...{ since: new Date().toISOString(), nextAttempt: new Date(Date.now() + 60_000).toISOString() },
  });
});
afterAll(async () => gallery.world.stop());

const pairAt = (key: string) => `/pair?key=${encodeURIComponent(key)}`;
const onPage = async (at: string, from = url) => {
  const visitor = new Visitor(from);
  await visitor.logIn();
  const { text } = await visitor.get(`/console${at}`);
  return text.replace(/<(?:wbr \/|\/?span[^>]*)>/g, '').replace(/\s+/g, ' ');
};

describe('O5: names instead of ids', () => {
  const numbers = /custom_fields\.\d+|customFields/;

  test('the console calls a custom field by its title on every page', async () => {
    for (const at of ['/conflicts', '/pairs', pairAt(gallery.conflict), '/history'])
      expect({ at, shown: (await onPage(at)).includes('Product') }).toEqual({ at, shown: true });
    const { markup } = { markup: await onPage(pairAt(gallery.conflict)) };
    expect(markup).toContain('Product: take the value of PMS');
    // Only form values and commands contain the row's id.
    const shown = markup.replace(/<[^>]*>/g, ' ').replace(/--row \S+/g, '');
    expect(shown).not.toMatch(numbers);
  });

  test('the command line does so too, with the id that commands accept', async () => {
    const { boxes, stack, mappingFile } = gallery.world;
    const cli = cliOf(boxes, stack, { MAPPING_FILE: mappingFile, COLUMNS: '200' });
    expect((await cli('conflicts', 'list')).out).toContain('Product (customFields_product)');
    const shown = (await cli('links', 'show', gallery.conflict)).out;
    expect(shown).toContain('both sides changed title, dueDate, "Product"');
    expect(shown).toContain('Product (customFields_product)');
    expect((await cli('history', '--pair', gallery.conflict)).out).toContain(
      'Product (customFields_product)',
    );
    expect((await cli('quarantine', 'list')).out).toContain('Invoice 2026-1187 was charged twice');
  });

  test('a pair that was never in sync, a candidate and a reference have their records’ titles', async () => {
    expect(await onPage('/quarantine')).toContain('Invoice 2026-1187 was charged twice</bdi></a>');
    expect(await onPage(pairAt(gallery.ambiguous))).toMatch(/Hanse Kontor pms:customer:/);
    expect(await onPage(pairAt(gallery.linked))).toContain('Nordwind Logistik GmbH</bdi></a>');
  });
});

test('O2: a comment has a page of its own', async () => {
  const keys: string[] = [];
  for await (const { _id, entity } of gallery.world.stack.store.all())
    if (entity === 'CommentToProject') keys.push(_id);
  expect(keys).toHaveLength(1);
  expect(await onPage(pairAt(keys[0] ?? ''))).toContain('<h1>The technician comes on Thursday.</h1>');
});

test('decisions come first, and rows in agreement are folded', async () => {
  const page = await onPage(pairAt(gallery.conflict));
  const order = ['id="decide"', '<h2>Values', '15 more properties', '<h2>Written', '<h2>Details'];
  expect(order.map((each) => page.indexOf(each)).every((at, n, all) => at > (all[n - 1] ?? 0))).toBe(true);
});

test('O9: Temporal’s list without the polls shows all pairs, and the console links to it', async () => {
  const { client, taskQueue } = gallery.world.stack;
  const query = `TaskQueue = '${taskQueue}' AND ${WITHOUT_POLLS}`;
  const types = new Set<string>();
  // The server lists a workflow a moment later.
  while (types.size < 3) for await (const { type } of client.workflow.list({ query })) types.add(type);
  expect([...types].sort()).toEqual(['CommentToProject', 'OrgToCustomer', 'TicketToProject']);
  expect(await onPage('')).toContain(escapeText(`/workflows?query=${encodeURIComponent(WITHOUT_POLLS)}`));
});

test('a page without content says so', async () => {
  for (const [at, words] of [
    ['', 'No worker runs'],
    ['', 'Nothing in the last hour.'],
    ['', 'No limit is known yet'],
    ['/pairs', 'No pair found.'],
    ['/conflicts', 'No conflicts: there is nothing to decide.'],
    ['/conflicts?text=x', 'Nothing matches the filter.'],
    ['/quarantine', 'Nothing is in quarantine.'],
    ['/history', 'Nothing was written'],
    ['/schedules', 'There is no Schedule yet'],
  ] as const)
    expect({ at, shown: (await onPage(at, fresh)).includes(words) }).toEqual({ at, shown: true });
});

const WIDTHS = [390, 1280];
const SCHEMES = ['light', 'dark'] as const;
/** Pictures end there, because the rest is similar. */
const HEIGHT_AT_MOST = 1_400;

describeInBrowser('every page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
    await goWrong(gallery);
  });
  afterAll(async () => browser.close());

  /** Pages, by the names of their pictures. */
  const pages = (): [name: string, address: string][] => [
    ['overview', `${url}/console`],
    ['pairs', `${url}/console/pairs`],
    ['conflicts', `${url}/console/conflicts`],
    ['quarantine', `${url}/console/quarantine`],
    ['history', `${url}/console/history`],
    ['schedules', `${url}/console/schedules`],
    ['pair', `${url}/console${pairAt(gallery.conflict)}`],
    ['choose', `${url}/console${pairAt(gallery.ambiguous)}`],
    ['', `${url}/console${pairAt(gallery.quarantined)}&done=retry`],
    ['', `${url}/console${pairAt(gallery.notTaken)}`],
    ['', `${url}/console/pairs?text=nothing-like-it&status=linked`],
    ['', `${url}/console/nowhere`],
    ['', `${url}/console/pair?key=nonsense`],
    ['connections', `${several}/console`],
    ...['', '/pairs', '/conflicts', '/quarantine', '/history', '/schedules'].map((at): [string, string] => [
      '',
      `${fresh}/console${at}`,
    ]),
  ];

  async function logIn(page: Page, at: string): Promise<void> {
    await page.goto(`${at}/console/login`);
    await page.fill('#token', TOKEN);
    await page.fill('#name', 'Ann');
    await page.click('button');
  }

  test.each(SCHEMES.flatMap((scheme) => WIDTHS.map((width) => [scheme, width] as const)))(
    'axe finds no problem and nothing is cut, in %s at %i px',
    async (colorScheme, width) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } });
      const page = await context.newPage();
      const misdeeds = await watch(context, url, fresh, several);
      await page.goto(`${url}/console/login`);
      const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(ground).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(18, 23, 29)');
      await look(page, 'login', `login-${width}-${colorScheme}`);
      for (const from of [url, fresh, several]) await logIn(page, from);
      for (const [name, at] of pages()) {
        await page.goto(at);
        await look(page, at, name && `${name}-${width}-${colorScheme}`);
      }
      expect(misdeeds.list).toEqual([]);
      await context.close();
    },
  );

  async function look(page: Page, at: string, picture: string): Promise<void> {
    const folder = process.env['CONSOLE_SCREENSHOTS'] ?? '';
    if (folder !== '' && picture !== '') {
      mkdirSync(folder, { recursive: true });
      const height = Number(await page.evaluate('document.documentElement.scrollHeight'));
      const width = page.viewportSize()?.width ?? 0;
      const clip = { x: 0, y: 0, width, height: Math.min(height, HEIGHT_AT_MOST) };
      await page.screenshot({ path: path.join(folder, `${picture}.png`), fullPage: true, clip });
    }
    for (const open of [false, true]) {
      await page.evaluate(`for (const it of document.querySelectorAll('details')) it.open = ${open}`);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect({ at, open, overflow, faults: await axeFaults(page) }).toEqual({
        at,
        open,
        overflow: 0,
        faults: [],
      });
      expect({ at, cut: await page.evaluate(CUT) }).toEqual({ at, cut: [] });
    }
  }
});

/** Tables that do not fit, and targets that are too small (WCAG 2.2, 2.5.8: 24 px, except links within a text). */
const CUT = `[
  ...[...document.querySelectorAll('.wide')].filter((it) => it.scrollWidth > it.clientWidth),
  ...[...document.querySelectorAll('button, input, select, textarea, summary, nav a')].filter((it) => {
    const { width, height } = it.getBoundingClientRect();
    return height > 0 && it.type !== 'radio' && (height < 24 || width < 24);
  }),
].map((it) => it.outerHTML.slice(0, 200))`;
