import { existsSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from './embedded/serverCache';

/** Where a page of the documentation is on this machine; its name where the installation has none (a container image). */
export function docsPage(name: string): string {
  const file = path.join(projectRoot(), 'docs', name);
  return existsSync(file) ? file : `docs/${name}`;
}

/** A text whose pages of the documentation are named as {@link docsPage} names them. */
export function withDocsPages(text: string): string {
  return text.replace(/(?<![\w/])docs\/([\w-]+\.md)/g, (_, name: string) => docsPage(name));
}
