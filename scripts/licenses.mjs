#!/usr/bin/env node
/**
 * Checks the licence of every installed package against the list of licences that this project accepts. It reads
 * package-lock.json and node_modules alone, so it needs no network. `npm run licenses` runs it; .ci/run calls it.
 *
 * Exit code 1: a package has a licence that is not accepted, or states none. Each one is named on a line of its own.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** SPDX identifiers of licences that allow our use: using, changing, and shipping as a dependency. */
export const ACCEPTED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  // File-level copyleft: it concerns changes of that package's own files, and we make none.
  'MPL-2.0',
  'Python-2.0',
  'Unlicense',
]);

/** Packages with another licence, by name. A licence here is accepted for that package alone. */
export const EXCEPTIONS = new Map([
  [
    'caniuse-lite',
    {
      licence: 'CC-BY-4.0',
      why: 'a table of browsers that webpack reads; CC-BY asks for the credit that its own files give',
    },
  ],
  ['unionfs', { licence: null, why: 'its package.json states none; the Unlicense is in its LICENSE file' }],
]);

/**
 * Whether an SPDX expression such as `(MIT OR CC0-1.0)` can be satisfied by accepted licences.
 * @param {string} expression identifiers joined by AND and OR, with parentheses; AND binds tighter
 */
export function isAccepted(expression, accepted = ACCEPTED) {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const factor = () => {
    const token = tokens[at++];
    if (token !== '(') return token !== undefined && accepted.has(token);
    const inner = either();
    if (tokens[at++] !== ')') throw new Error(`"${expression}": found no ")"`);
    return inner;
  };
  const both = () => {
    let value = factor();
    while (tokens[at] === 'AND') {
      at += 1;
      value = factor() && value;
    }
    return value;
  };
  const either = () => {
    let value = both();
    while (tokens[at] === 'OR') {
      at += 1;
      value = both() || value;
    }
    return value;
  };
  const value = either();
  // A person must read anything else, such as WITH and an exception.
  return at === tokens.length && value;
}

/** The licence that a package.json states: an SPDX expression, or null. Old packages have an object or a list. */
export function licenceOf({ license, licenses }) {
  const stated = license ?? licenses;
  if (typeof stated === 'string') return stated;
  if (Array.isArray(stated)) return stated.map((each) => each.type ?? each).join(' OR ') || null;
  return stated?.type ?? null;
}

/**
 * @param {{ name: string, version: string, licence: string | null }[]} packages
 * @returns {string[]} one line for each package that is not accepted
 */
export function problemsOf(packages) {
  return packages.flatMap(({ name, version, licence }) => {
    const exception = EXCEPTIONS.get(name);
    if (exception && exception.licence === licence) return [];
    if (licence !== null && isAccepted(licence)) return [];
    const found = licence === null ? 'no licence' : `licence ${licence}`;
    return [`${name}@${version}: found ${found}, expected one of ${[...ACCEPTED].join(', ')}`];
  });
}

/** Every package of the lockfile that is installed here. Packages for other platforms are not. */
export function installedPackages(root = ROOT) {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).flatMap(([folder, { link }]) => {
    const file = path.join(root, folder, 'package.json');
    if (!folder.includes('node_modules/') || link || !existsSync(file)) return [];
    const found = JSON.parse(readFileSync(file, 'utf8'));
    return [{ name: found.name, version: found.version, licence: licenceOf(found) }];
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const installed = installedPackages();
  const problems = problemsOf(installed);
  const cure =
    'Read that licence; then add it to ACCEPTED or EXCEPTIONS in scripts/licenses.mjs, or remove the package.';
  for (const line of problems) process.stderr.write(`${line}\n`);
  if (problems.length > 0) process.stderr.write(`${cure}\n`);
  else process.stdout.write(`${installed.length} packages, all with accepted licences\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
