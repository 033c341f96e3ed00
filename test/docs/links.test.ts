import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PAGES, ROOT } from '../support/shellBlocks';

/** Links from page to page: file and heading are there. */

const textOf = (page: string) => readFileSync(path.join(ROOT, page), 'utf8');
/** Without what stands in code, where brackets are no links. */
const proseOf = (page: string) =>
  textOf(page)
    .replace(/^ *```[\s\S]*?^ *```/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));

/** As GitHub makes them: lower case, no punctuation, `-` for blanks; a repeated one gets a number. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of textOf(page)
    .replace(/^ *```[\s\S]*?^ *```/gm, '')
    .matchAll(/^#{1,6} (.+)$/gm)) {
    const base = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = base;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${base}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

const links = PAGES.flatMap((page) =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ page, target })),
).filter(({ target }) => !/^[a-z]+:/.test(target));

test('all relative links and anchors lead somewhere', () => {
  expect(links.length).toBeGreaterThan(50);
  const broken = links.filter(({ page, target }) => {
    const [file = '', anchor] = target.split('#');
    const to = file === '' ? page : path.join(path.dirname(page), file);
    if (!existsSync(path.join(ROOT, to))) return true;
    return anchor !== undefined && !(to.endsWith('.md') && anchorsOf(to).has(anchor));
  });
  expect(broken.map(({ page, target }) => `${page}: ${target}`)).toEqual([]);
});

test('README leads to every page', () => {
  const from = new Set(
    links.filter(({ page }) => page === 'README.md').map(({ target }) => target.split('#')[0]),
  );
  expect(PAGES.filter((page) => page !== 'README.md' && !from.has(page))).toEqual([]);
});
