import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** The commands in the shell blocks of README and docs. */

export const ROOT = path.resolve(__dirname, '../..');

export const PAGES = ['README.md', ...readdirSync(path.join(ROOT, 'docs')).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith('.md'))
  .sort();

export interface Line {
  page: string;
  /** Without a comment, on one line. */
  text: string;
}

export function shellLines(pages: readonly string[] = PAGES): Line[] {
  return pages.flatMap((page) =>
    [...readFileSync(path.join(ROOT, page), 'utf8').matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].flatMap(
      ([, block = '']) =>
        block
          .replace(/\\\n\s*/g, '')
          .split('\n')
          .map((line) => line.replace(/(^|\s+)# .*$/, '').trim())
          .filter((line) => line !== '')
          .map((text) => ({ page, text })),
    ),
  );
}
