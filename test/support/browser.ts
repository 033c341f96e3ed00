import { existsSync } from 'node:fs';
import { source as axe } from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

/** A real Chromium, operated by keyboard only. */

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const chromiumPath = [process.env['CHROMIUM'], ...PLACES].find((at) => at !== undefined && existsSync(at));

/** `describe`, or a skip with a message if there is no Chromium. */
export function describeInBrowser(name: string, tests: () => void): void {
  if (chromiumPath !== undefined) return describe(name, tests);
  const why = `no Chromium in ${PLACES.join(', ')} and none named by CHROMIUM`;
  process.stderr.write(`skipped: ${name}: ${why}\n`);
  describe.skip(`${name} (skipped: ${why})`, tests);
}

export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? '',
    // Chromium's sandbox does not work for root, the usual user in containers.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}

/** Events of a page that must not happen. */
export interface Misdeeds {
  /** Dialogs, violations of the content policy, errors, requests to elsewhere. */
  list: string[];
}

/** Records the problems on the pages of a context. @param urls of the servers that pages may call */
export async function watch(context: BrowserContext, ...urls: string[]): Promise<Misdeeds> {
  const misdeeds: Misdeeds = { list: [] };
  await context.exposeBinding('noteViolation', (_source, what: string) => void misdeeds.list.push(what));
  await context.addInitScript(`
    addEventListener('securitypolicyviolation', (event) =>
      noteViolation('policy: ' + event.violatedDirective + ' ' + event.blockedURI));
  `);
  context.on('page', (page) => {
    page.on('dialog', (dialog) => {
      misdeeds.list.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('pageerror', (error) => misdeeds.list.push(`error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of [45]\d\d/.test(message.text()))
        misdeeds.list.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      if (!urls.some((url) => request.url().startsWith(`${url}/`)))
        misdeeds.list.push(`request: ${request.url()}`);
    });
  });
  return misdeeds;
}

const FOCUSED = `(() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const style = getComputedStyle(at);
  const label = at.labels && at.labels[0];
  const name = at.getAttribute('aria-label') || (label && label.textContent) || at.textContent || '';
  return {
    tag: at.tagName.toLowerCase(),
    name: name.replace(/\\s+/g, ' ').trim(),
    isSeen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
  };
})()`;
interface Focused {
  tag: string;
  name: string;
  isSeen: boolean;
}

/** Presses Tab until an element is focused; the focus must be visible at every stop. */
export async function tabTo(page: Page, tag: string, name: string | RegExp): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < 150; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<Focused | null>(FOCUSED);
    if (!focused) continue;
    if (!focused.isSeen) throw new Error(`the focus on ${focused.tag} "${focused.name}" cannot be seen`);
    const fits = typeof name === 'string' ? focused.name === name : name.test(focused.name);
    if (focused.tag === tag && fits) return;
    passed.push(`${focused.tag} "${focused.name}"`);
  }
  throw new Error(
    `Tab never reached ${tag} "${String(name)}" on ${page.url()}; it passed ${passed.join(', ')}`,
  );
}

/** Presses a button or follows a link, and waits for the page that it leads to. */
export async function press(page: Page, tag: 'button' | 'a', name: string | RegExp): Promise<void> {
  await tabTo(page, tag, name);
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
}

export interface Fault {
  id: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** All problems that axe finds. https://github.com/dequelabs/axe-core */
export async function axeFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{ violations: Fault[] }>('axe.run()');
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${html}\n${failureSummary}`),
  );
}
