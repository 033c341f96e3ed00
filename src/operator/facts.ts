import { statfs } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import type { Db } from 'mongodb';
import type { LinkStore } from '../links/linkStore';
import { isPassing } from '../platform/mongoErrors';
import { gatherStatus } from './status';
import type { Facts } from './verdict';

/** Gathers the facts from which the verdict is derived. */

export interface FactSources {
  connection: string | null;
  client: Client;
  /** Opens the store. @throws if MongoDB does not answer */
  database: () => Promise<{ db: Db; store: LinkStore }>;
  taskQueue: string;
  /** The data folder of the servers that `start` runs itself. */
  dataDir: string | null;
  now: () => Date;
}

/** A disk with less free space counts as full: both servers grow their files by larger steps. */
const FULL_BELOW_MB = 200;
const MB = 1024 * 1024;

/** @throws any error that is not an outage: a store of a later release, a bug */
export async function gatherFacts(sources: FactSources): Promise<Facts> {
  const { connection, client, database, taskQueue, dataDir, now } = sources;
  const known = { now: now(), connection };
  const ownDisk = dataDir === null ? null : await diskOf(dataDir);
  try {
    const { db, store } = await database();
    const status = await gatherStatus({ store, client, db, taskQueue, now });
    return {
      ...known,
      temporal: status.temporalFault,
      mongodb: null,
      disk: ownDisk ?? (await databaseDisk(db)),
      status,
      troubles: await store.troubles.all(),
    };
  } catch (error) {
    if (!isPassing(error)) throw error;
    const mongodb = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
    return { ...known, temporal: null, mongodb, disk: ownDisk, status: null, troubles: [] };
  }
}

/** The free space of a folder's disk, if the disk is nearly full. */
export async function diskOf(path: string): Promise<Facts['disk']> {
  try {
    const { bavail, bsize } = await statfs(path);
    return ifFull(path, bavail * bsize);
  } catch {
    // The folder does not exist, so the data is on another machine or disk.
    return null;
  }
}

/**
 * MongoDB reports the space of its disk; compatible servers may not.
 * https://www.mongodb.com/docs/manual/reference/command/dbStats/
 */
async function databaseDisk(db: Db): Promise<Facts['disk']> {
  try {
    const { fsTotalSize, fsUsedSize } = await db.command({ dbStats: 1 });
    return typeof fsTotalSize === 'number' && typeof fsUsedSize === 'number'
      ? ifFull('MongoDB', fsTotalSize - fsUsedSize)
      : null;
  } catch {
    return null;
  }
}

function ifFull(path: string, free: number): Facts['disk'] {
  return free < FULL_BELOW_MB * MB ? { path, freeMb: Math.floor(free / MB) } : null;
}
