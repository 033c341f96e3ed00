import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { describeInBrowser, press, startBrowser, tabTo, watch, type Misdeeds } from '../support/browser';
import { TOKEN, startConsoleWorld, type ConsoleWorld } from '../support/console';

/**
 * The console in a real Chromium, over the whole sync: by keyboard only, with accessibility checks, and with hostile
 * content.
 */

const XSS = [
  '<script>alert("x")</script>',
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  '<img src="https://evil.example/x.png">',
  '<svg/onload=alert(1)>',
  '<svg><animate onbegin=alert(1) attributeName=x dur=1s>',
  '</textarea><script>alert(1)</script>',
  '</title><script>alert(1)</script>',
  '</style><script>alert(1)</script>',
  '--><script>alert(1)</script><!--',
  '<iframe srcdoc="<script>parent.alert(1)</script>">',
  '<a href="javascript:alert(1)">click</a>',
  'javascript:alert(1)',
  '" autofocus onfocus=alert(1) x="',
  '` onmouseover=alert(1) `',
  '<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
  '<base href="https://evil.example/">',
  '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
  '<link rel=stylesheet href=https://evil.example/x.css>',
  '<body onload=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '${alert(1)}{{constructor.constructor("alert(1)")()}}',
  '&lt;script&gt;alert(1)&lt;/script&gt; &amp;quot; &#x3c;b&#x3e;',
  '<scr\u0000ipt>alert(1)</scr\u0000ipt>',
  '%3Cscript%3Ealert(1)%3C/script%3E',
];

describeInBrowser('the console', () => {
  let world: ConsoleWorld;
  let url: string;
  let browser: Browser;
  beforeAll(async () => {
    world = await startConsoleWorld();
    url = await world.serve({
      consoleToken: TOKEN,
      temporalUiUrl: 'https://temporal.acme.example',
      zendeskSubdomain: 'acme',
      pmsRecordUrl: 'https://pms.acme.example/{kind}s/{id}',
    });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await world.stop();
  });

  async function open(options: BrowserContextOptions = {}): Promise<{ page: Page; misdeeds: Misdeeds }> {
    const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
    const misdeeds = await watch(context, url);
    return { page: await context.newPage(), misdeeds };
  }
  async function logIn(page: Page, at = '/console'): Promise<void> {
    await page.goto(`${url}${at}`);
    await tabTo(page, 'input', /^Token/);
    await page.keyboard.type(TOKEN);
    await tabTo(page, 'input', /^Your name/);
    await page.keyboard.type('Ann');
    await press(page, 'button', 'Log in');
  }
  const heading = async (page: Page) => page.locator('h1').textContent();
  const text = async (page: Page) => (await page.locator('main').textContent()) ?? '';
  const linkOf = async (key: string) => world.stack.store.get(key);
  const ticketOf = (id: number) => world.boxes.zendesk.store.tickets.get(id);
  async function linked(key: string): Promise<void> {
    while ((await linkOf(key))?.status !== 'linked') await sleep(50);
  }

  test('every action works by keyboard, and without JavaScript', async () => {
    const first = await world.conflict('Printer');
    const second = await world.conflict('Lamp');
    const refused = await world.quarantined('Door');
    const { page, misdeeds } = await open({ javaScriptEnabled: false });
    await logIn(page);
    expect(await heading(page)).toBe('Overview');

    // The skip link is the first stop, and leads past the navigation.
    await page.reload();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await tabTo(page, 'a', /conflicts to decide$/);

    // A conflict: one side's value, then a value made of both.
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    expect(await heading(page)).toBe('Conflicts');
    expect(await text(page)).toMatch(/Printer in Zendesk\s*Printer in the PMS/);
    await press(page, 'a', `Decide ${first.key}`);
    expect(await heading(page)).toBe('Printer');
    await press(page, 'button', 'subject ↔ title: take the value of PMS');
    expect(await page.getByRole('status').textContent()).toContain('Your decision was carried out');
    expect(ticketOf(first.ticket)?.subject).toBe('Printer in the PMS');
    await tabTo(page, 'summary', 'Another value for due_at ↔ dueDate');
    await page.keyboard.press('Enter');
    await tabTo(page, 'textarea', /^A merged value/);
    await page.keyboard.press('Control+A');
    await page.keyboard.type('2026-12-24T00:00:00Z');
    await press(page, 'button', 'Use this value for due_at ↔ dueDate');
    expect(await text(page)).toContain('nothing to do');
    expect(ticketOf(first.ticket)?.due_at).toBe('2026-12-24T00:00:00Z');
    expect((await linkOf(first.key))?.history.map(({ rule }) => rule)).toEqual([
      'Ann chose pms',
      'Ann chose merged',
      'Ann chose merged',
    ]);
    expect(await text(page)).toContain('Ann chose merged');

    // The list of pairs: a filter, and a value that does not fit its property.
    await press(page, 'a', 'Pairs');
    await tabTo(page, 'summary', 'More filters');
    await page.keyboard.press('Enter');
    await tabTo(page, 'select', /^Entity/);
    await page.keyboard.type('Ticket');
    await tabTo(page, 'select', /^State/);
    await page.keyboard.type('conf');
    await tabTo(page, 'input', /^Title or id/);
    await page.keyboard.type(String(second.ticket));
    await press(page, 'button', 'Filter');
    expect(await page.locator('tbody tr').count()).toBe(1);
    await press(page, 'a', 'Lamp');
    await tabTo(page, 'summary', 'Another value for due_at ↔ dueDate');
    await page.keyboard.press('Enter');
    await tabTo(page, 'textarea', /^A merged value/);
    await page.keyboard.press('Control+A');
    await page.keyboard.type('{"a": 1}');
    await press(page, 'button', 'Use this value for due_at ↔ dueDate');
    expect(await page.getByRole('alert').textContent()).toBe(
      'value: pms property "dueDate": found {"a":1}, expected datetime',
    );
    expect((await linkOf(second.key))?.status).toBe('conflict');

    // Quarantine: still refused, then fixed.
    await press(page, 'a', 'Overview');
    await press(page, 'a', 'Quarantine');
    expect(await text(page)).toContain('invalid_field');
    await press(page, 'button', `Retry ${refused.key}`);
    const stateShown = () => page.locator('main .bar .mark').textContent();
    expect(await stateShown()).toBe('quarantined');
    await refused.fix();
    await press(page, 'button', `Retry ${refused.key}`);
    expect(await stateShown()).toBe('linked');
    expect(ticketOf(refused.ticket)?.status).toBe('pending');

    // A record that changed without an event.
    await world.boxes.zd('PUT', `/tickets/${refused.ticket}`, { ticket: { priority: 'urgent' } });
    await press(page, 'button', `Resync ${refused.key}`);
    await linked(refused.key);
    await world.stack.settle();
    await page.reload();
    const priority = page.locator('tbody tr', { has: page.locator('th', { hasText: /^\s*priority\s*$/ }) });
    expect(await priority.textContent()).toMatch(/urgent\s*critical/);

    // Schedules and entities: pause and resume.
    await press(page, 'a', 'Schedules');
    const schedule = `${world.stack.taskQueue}-reconcile`;
    const state = async () => (await world.stack.client.schedule.getHandle(schedule).describe()).state;
    await tabTo(page, 'input', `Why ${schedule} is paused`);
    await page.keyboard.type('moving house');
    await press(page, 'button', `Pause ${schedule}`);
    expect(await state()).toMatchObject({ paused: true, note: 'moving house (paused by Ann)' });
    expect(await page.locator('tr', { hasText: schedule }).textContent()).toMatch(
      /paused.*moving house \(paused by Ann\)/s,
    );
    await press(page, 'button', `Resume ${schedule}`);
    expect((await state()).paused).toBe(false);
    await press(page, 'button', 'Pause CommentToProject');
    expect(Object.keys(await world.stack.store.control.paused())).toEqual(['CommentToProject']);
    await press(page, 'button', 'Resume CommentToProject');
    expect(await world.stack.store.control.paused()).toEqual({});

    await press(page, 'button', 'Log out');
    expect(await heading(page)).toBe('Log in');
    await page.goto(`${url}/console/pairs`);
    expect(await heading(page)).toBe('Log in');
    expect(misdeeds.list).toEqual([]);
  });

  test('a person chooses one candidate of an ambiguous match', async () => {
    const made = await world.boxes.zd('POST', '/organizations', { organization: { name: 'Twins' } });
    const { id } = made['organization'] as { id: number };
    const customers = [];
    for (const notes of ['the wrong one', 'the right one'])
      customers.push(await world.boxes.pm('POST', '/customers', { name: 'Twins', notes }));
    await world.stack.settle();
    const key = `OrgToCustomer/zendesk:organization:${id}`;
    expect((await linkOf(key))?.reason?.code).toBe('ambiguous_match');
    const { page, misdeeds } = await open();
    await logIn(page, `/console/pair?key=${encodeURIComponent(key)}`);
    expect(await heading(page)).toBe('Twins');
    await tabTo(page, 'input', `Twins pms:customer:${String(customers[0]?.['id'])}`);
    await page.keyboard.press('ArrowDown');
    await press(page, 'button', 'Decide');
    expect((await linkOf(key))?.sides.pms?.ref).toBe(`pms:customer:${String(customers[1]?.['id'])}`);
    expect(misdeeds.list).toEqual([]);
  });

  test('hostile content is shown as text', async () => {
    const { boxes, stack } = world;
    const keys: string[] = [];
    for (const subject of XSS) {
      // Zendesk takes a body as HTML, and refuses a body that is empty then.
      const comment = { body: `said: ${subject}` };
      const made = await boxes.zd('POST', '/tickets', { ticket: { subject, comment } });
      const { id } = made['ticket'] as { id: number };
      await boxes.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body: `${subject} again` } } });
      keys.push(`TicketToProject/zendesk:ticket:${id}`);
    }
    await stack.settle();
    for (const [n, subject] of XSS.entries()) {
      const project = (await linkOf(keys[n] ?? ''))?.sides.pms?.ref.split(':')[2];
      const ticket = keys[n]?.split(':')[2];
      await boxes.zd('PUT', `/tickets/${ticket}`, { ticket: { subject: `${subject} z` } });
      await boxes.pm('PATCH', `/projects/${project}`, { title: `${subject} p` });
    }
    await stack.settle();
    const { page, misdeeds } = await open();
    await logIn(page);
    const foreign = `document.querySelectorAll(
      'script, iframe, img, math, base, object, embed, style, meta[http-equiv], main a[href^="javascript:" i], svg animate, link:not([href^="/console/"])'
    ).length + [...document.querySelectorAll('*')].filter((it) => [...it.attributes].some(({ name }) => name.startsWith('on'))).length`;
    const shown = (subject: string) => subject.replaceAll('\u0000', '\ufffd').replace(/\s+/g, ' ');
    const seen = async () => (await text(page)).replace(/\s+/g, ' ');
    const comments: { key: string; body: string }[] = [];
    for await (const { _id, entity, snapshot } of stack.store.all())
      if (entity === 'CommentToProject')
        comments.push({ key: _id, body: JSON.stringify(snapshot?.['body']) });
    for (const [n, subject] of XSS.entries()) {
      const key = keys[n] ?? '';
      await page.goto(`${url}/console/pair?key=${encodeURIComponent(key)}`);
      expect(await seen()).toContain(`${shown(subject)} z`);
      expect(await seen()).toContain(`${shown(subject)} p`);
      expect(await page.evaluate(foreign)).toBe(0);
      expect(await page.locator('textarea').first().inputValue()).toContain(shown(subject).slice(0, 20));
    }
    await page.goto(`${url}/console/conflicts`);
    const list = await seen();
    for (const subject of XSS) expect(list).toContain(`${shown(subject)} z`);
    expect(await page.evaluate(foreign)).toBe(0);
    expect(comments.length).toBeGreaterThanOrEqual(XSS.length);
    for (const { key, body } of comments) {
      await page.goto(`${url}/console/pair?key=${encodeURIComponent(key)}`);
      expect(await seen()).toContain(shown(JSON.parse(body) as string));
      expect(await page.evaluate(foreign)).toBe(0);
    }
    // Contents of the URL are hostile, too.
    for (const subject of XSS) {
      const it = encodeURIComponent(subject);
      for (const at of [`/pairs?text=${it}&code=${it}&after=${it}`, `/pair?key=${it}`]) {
        await page.goto(`${url}/console${at}`);
        expect(await page.evaluate(foreign)).toBe(0);
      }
    }
    expect(misdeeds.list).toEqual([]);
  });
});
