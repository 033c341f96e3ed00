import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ConfigError, type Config } from '../../config/config';
import { isAlive } from '../../platform/embedded/process';
import type { Servers } from '../../workers/service';
import { commandLine } from '../../platform/commandLine';

/** A file in the data folder of `start` has the addresses of the servers that it runs. Other commands read it. */

const schema = z.object({
  temporalAddress: z.string().optional(),
  mongodbUri: z.string().optional(),
  /** The process that runs the servers. */
  pid: z.number().optional(),
});

/**
 * Stores the addresses of our own servers. Addresses from the configuration are not stored, because they may contain
 * a password.
 * @returns removes the file
 */
export function storeAddresses(dataDir: string, config: Config, servers: Servers): () => void {
  const own = {
    ...(config.temporalAddress === undefined && { temporalAddress: servers.temporalAddress }),
    ...(config.mongodbUri === undefined && { mongodbUri: servers.mongodbUri }),
  };
  if (Object.keys(own).length === 0) return () => undefined;
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(fileIn(dataDir), JSON.stringify({ ...own, pid: process.pid }));
  return () => rmSync(fileIn(dataDir), { force: true });
}

/** @throws ConfigError that names the variable, if the address is neither configured nor stored by a running `start` */
export function knownAddress(name: keyof Servers, config: Config, dataDir: string): string {
  const found = foundAddress(name, config, dataDir);
  if (found !== undefined) return found;
  const variable = name === 'temporalAddress' ? 'TEMPORAL_ADDRESS' : 'MONGODB_URI';
  throw new ConfigError(
    `${variable}: found nothing, and no service runs in this folder (none left an address in ${dataDir}); expected the address of the server that the service uses, or "${commandLine('start')}" running in this folder`,
  );
}

/** As {@link knownAddress}; undefined if there is no address. */
export function foundAddress(name: keyof Servers, config: Config, dataDir: string): string | undefined {
  return config[name] ?? left(dataDir)[name];
}

function left(dataDir: string): Partial<Servers> {
  try {
    const { pid, ...servers } = schema.parse(JSON.parse(readFileSync(fileIn(dataDir), 'utf8')));
    // If the process was killed, its file is still there, but its servers have ended.
    return pid === undefined || isAlive(pid) ? (servers as Partial<Servers>) : {};
  } catch {
    // The file is missing or truncated.
    return {};
  }
}

function fileIn(dataDir: string): string {
  return path.join(dataDir, 'servers.json');
}
