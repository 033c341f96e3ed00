import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/config';
import { FolderInUse, lockFolder, type FolderLock } from '../../platform/embedded/embeddedServers';
import { cacheRoot } from '../../platform/embedded/serverCache';
import { withoutPassword } from '../../workers/service';
import { Problem } from '../operatorErrors';

/**
 * Two installations on the same two accounts overwrite each other's changes without end. On one machine, the second
 * one is refused: while an installation runs, its lock in the cache folder marks the accounts as used. Several
 * workers of one installation may run.
 */

/**
 * @returns the lock; null if another worker of this installation holds it, or if no lock can be made
 * @throws Problem if another installation holds it
 */
export async function markAccounts(config: Config, dataDir: string): Promise<FolderLock | null> {
  const installation = installationOf(config, dataDir);
  const accounts = `${config.zendeskBaseUrl} ${config.pmsBaseUrl}`;
  const digest = createHash('sha256').update(accounts).digest('hex').slice(0, 16);
  try {
    return await lockFolder(path.join(cacheRoot(), 'accounts', digest), installation);
  } catch (error) {
    // The lock only protects from a mistake. If it cannot be stored, the service runs without it.
    if (!(error instanceof FolderInUse) || !error.occupant) return null;
    const { what, pid, since } = error.occupant;
    if (what === installation) return null;
    throw new Problem(
      `another installation syncs ${config.zendeskBaseUrl} and ${config.pmsBaseUrl} already (${what}, process ${pid}, since ${since}): two installations overwrite each other’s changes; stop it, or use its folder and settings`,
    );
  }
}

/** Two processes belong to one installation if they use the same link store. */
function installationOf({ mongodbUri, mongodbDatabase }: Config, dataDir: string): string {
  if (mongodbUri !== undefined) return `${withoutPassword(mongodbUri)} ${mongodbDatabase}`;
  try {
    return `${realpathSync(dataDir)} ${mongodbDatabase}`;
  } catch {
    return `${path.resolve(dataDir)} ${mongodbDatabase}`;
  }
}
