import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { headingAnchors } from '../support/headingAnchors';
import { PAGES, ROOT } from '../support/shellBlocks';

/** Links between pages: the file and the heading exist. */

const textOf = (page: string) => readFileSync(path.join(ROOT, page), 'utf8');
/** The text without code, in which brackets are not links. */
const proseOf = (page: string) =>
  textOf(page)
    .replace(/^ *```[\s\S]*?^ *```/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));

const links = PAGES.flatMap((page) =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ page, target })),
).filter(({ target }) => !/^[a-z]+:/.test(target));

test('all relative links and anchors have a target', () => {
  expect(links.length).toBeGreaterThan(50);
  const broken = links.filter(({ page, target }) => {
    const [file = '', anchor] = target.split('#');
    const to = file === '' ? page : path.join(path.dirname(page), file);
    if (!existsSync(path.join(ROOT, to))) return true;
    return anchor !== undefined && !(to.endsWith('.md') && headingAnchors(textOf(to)).has(anchor));
  });
  expect(broken.map(({ page, target }) => `${page}: ${target}`)).toEqual([]);
});

test('README links to every page', () => {
  const from = new Set(
    links.filter(({ page }) => page === 'README.md').map(({ target }) => target.split('#')[0]),
  );
  expect(PAGES.filter((page) => page !== 'README.md' && !from.has(page))).toEqual([]);
});
