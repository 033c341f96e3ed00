import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** docs/architecture.md: imports run one way. ESLint checks it for the rooms; this test checks it for their files. */

const ROOT = path.resolve(__dirname, '../..');
const FOLDERS = ['src', ...readdirSync(path.join(ROOT, 'packages')).map((name) => `packages/${name}/src`)];

/** The files that each file of a folder imports, types included. */
function importsWithin(folder: string): Map<string, string[]> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(folder, name));
  const targetOf = (file: string, name: string): string | undefined => {
    const base = path.resolve(path.dirname(file), name);
    return [`${base}.ts`, path.join(base, 'index.ts')].find((each) => existsSync(each));
  };
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
      const own = importedFiles.filter(({ fileName }) => fileName.startsWith('.'));
      return [file, own.flatMap(({ fileName }) => targetOf(file, fileName) ?? [])];
    }),
  );
}

/** @returns the files of one circle, in their order; null if there is none */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const way: string[] = [];
  const from = (file: string): string[] | null => {
    if (way.includes(file)) return way.slice(way.indexOf(file));
    if (done.has(file)) return null;
    way.push(file);
    for (const next of imports.get(file) ?? []) {
      const found = from(next);
      if (found) return found;
    }
    way.pop();
    done.add(file);
    return null;
  };
  for (const file of imports.keys()) {
    const found = from(file);
    if (found) return found.map((each) => path.relative(ROOT, each));
  }
  return null;
}

test.each(FOLDERS)('no file of %s imports itself by way of others', (folder) => {
  const imports = importsWithin(path.join(ROOT, folder));
  expect([...imports.values()].flat().length).toBeGreaterThan(0);
  expect(circleIn(imports)).toBeNull();
});

test('a circle is found', () => {
  const imports = new Map([
    [path.join(ROOT, 'a.ts'), [path.join(ROOT, 'b.ts')]],
    [path.join(ROOT, 'b.ts'), [path.join(ROOT, 'c.ts')]],
    [path.join(ROOT, 'c.ts'), [path.join(ROOT, 'b.ts')]],
  ]);
  expect(circleIn(imports)).toEqual(['b.ts', 'c.ts']);
});
