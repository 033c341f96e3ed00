import { existsSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from './embedded/serverCache';

/** The path of a page of the documentation; its name if the installation has no documentation (a container image). */
export function docsPage(name: string): string {
  const file = path.join(projectRoot(), 'docs', name);
  return existsSync(file) ? file : `docs/${name}`;
}

/** Replaces the names of pages in a text by {@link docsPage}. */
export function withDocsPages(text: string): string {
  return text.replace(/(?<![\w/])docs\/([\w-]+\.md)/g, (_, name: string) => docsPage(name));
}
