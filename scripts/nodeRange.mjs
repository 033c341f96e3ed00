/** The range of Node versions in package.json's `engines`, and a check of a version against it. */
import { readFileSync } from 'node:fs';

/**
 * Both ends of the range, as versions in the npm registry. The newest is in line 26 ("Lithium"), LTS since 2026-10-28:
 * nodejs/Release, schedule.json.
 */
export const ENDS = { oldest: '20.19.0', newest: '26.12.1' };

/** @returns `{ least: [major, minor], newest }`; `newest` is the highest major version that is tested */
function nodeRange() {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const match = /^>=(\d+)\.(\d+)\.0 <(\d+)$/.exec(engines.node);
  if (!match)
    throw new Error(
      `package.json: engines.node: found "${engines.node}", expected the form ">=20.19.0 <27".`,
    );
  return { least: [Number(match[1]), Number(match[2])], newest: Number(match[3]) - 1 };
}

/** @returns the problem of a version such as "18.20.8": `{ fatal, line }`; null if the version is tested */
export function judgeNode(version) {
  const { least, newest } = nodeRange();
  const [major, minor] = version.split('.').map(Number);
  const expected = `expected ${least.join('.')} to ${newest}`;
  if (major < least[0] || (major === least[0] && minor < least[1]))
    return { fatal: true, line: `Node ${version} is too old: ${expected}. Install Node ${newest}.` };
  if (major > newest)
    return {
      fatal: false,
      line: `Node ${version} is newer than the tested versions: ${expected}. The command continues.`,
    };
  return null;
}
