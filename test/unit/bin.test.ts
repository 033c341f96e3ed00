import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '../..');

test('the command runs with Node, and not with the shell that npx starts', () => {
  const { bin } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  for (const built of Object.values(bin)) {
    const source = built.replace(/^dist\//, '').replace(/\.js$/, '.ts');
    // npx sets the mode only when it sees a clone first; a later build must not remove it.
    expect(statSync(path.join(ROOT, built)).mode & 0o111).not.toBe(0);
    expect(readFileSync(path.join(ROOT, source), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  }
});
