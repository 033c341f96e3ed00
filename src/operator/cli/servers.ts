import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ConfigError, type Config } from '../../config/config';
import { isAlive } from '../../platform/embedded/process';
import type { Servers } from '../../workers/service';
import { commandLine } from '../../platform/commandLine';

/** Where other commands find the servers that `start` runs itself: a file in its data folder, while it runs. */

const schema = z.object({
  temporalAddress: z.string().optional(),
  mongodbUri: z.string().optional(),
  /** Of the process that runs them. */
  pid: z.number().optional(),
});

/** Leaves the addresses of servers of our own; those from the configuration (which may hold a password) are not written. */
export function leaveAddresses(dataDir: string, config: Config, servers: Servers): () => void {
  const own = {
    ...(config.temporalAddress === undefined && { temporalAddress: servers.temporalAddress }),
    ...(config.mongodbUri === undefined && { mongodbUri: servers.mongodbUri }),
  };
  if (Object.keys(own).length === 0) return () => undefined;
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(fileIn(dataDir), JSON.stringify({ ...own, pid: process.pid }));
  return () => rmSync(fileIn(dataDir), { force: true });
}

/** @throws ConfigError naming the variable, where an address is neither configured nor left by a running `start`. */
export function knownAddress(name: keyof Servers, config: Config, dataDir: string): string {
  const found = foundAddress(name, config, dataDir);
  if (found !== undefined) return found;
  const variable = name === 'temporalAddress' ? 'TEMPORAL_ADDRESS' : 'MONGODB_URI';
  throw new ConfigError(
    `${variable}: found nothing, and no service runs in this folder (none left an address in ${dataDir}); expected the address of the server that the service uses, or "${commandLine('start')}" running in this folder`,
  );
}

/** The same, undefined where there is none. */
export function foundAddress(name: keyof Servers, config: Config, dataDir: string): string | undefined {
  return config[name] ?? left(dataDir)[name];
}

function left(dataDir: string): Partial<Servers> {
  try {
    const { pid, ...servers } = schema.parse(JSON.parse(readFileSync(fileIn(dataDir), 'utf8')));
    // A process that was killed left its file, and its servers ended with it.
    return pid === undefined || isAlive(pid) ? (servers as Partial<Servers>) : {};
  } catch {
    // No file, or a truncated one: treated as if nothing ran.
    return {};
  }
}

function fileIn(dataDir: string): string {
  return path.join(dataDir, 'servers.json');
}
