import { existsSync, statSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';

/** Arguments of both sandboxes' commands, with checks. */

const LAST_PORT = 65_535;

export function portGiven(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (port <= LAST_PORT) return port;
  throw new InvalidArgumentError(`expected a port from 0 to ${LAST_PORT}`);
}

export function countGiven(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count > 0) return count;
  throw new InvalidArgumentError('expected a whole number above 0');
}

/** Refuses a missing folder, which would otherwise look like an empty one. */
export function folderGiven(text: string): string {
  if (existsSync(text) && statSync(text).isDirectory()) return text;
  throw new InvalidArgumentError('expected a folder that is there');
}
