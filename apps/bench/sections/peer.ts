import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AccountOptions } from '../backfill/generate';
import { startSandboxes } from '../bed';
import { environmentFor } from '../systems';
import { steady, type Steady } from './steady';

const PEER = path.resolve(__dirname, '../peer/main.js');
const LOOK_MS = 100;
const WITHIN_MS = 5 * 60_000;

/** The calls of the polling script for the same changes. */
export async function peer(account: AccountOptions, each: number): Promise<Steady> {
  const boxes = await startSandboxes({ ...account, matches: false });
  const child = spawn(process.execPath, [PEER], {
    env: environmentFor(boxes),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let rounds = 0;
  let ended = false;
  child.stdout.on('data', (chunk: Buffer) => (rounds += chunk.toString().split('\n').length - 1));
  child.once('exit', () => (ended = true));
  const until = async (what: string, holds: () => boolean) => {
    const end = Date.now() + WITHIN_MS;
    while (!holds()) {
      if (ended) throw new Error(`the polling script ended: ${what}`);
      if (Date.now() > end) throw new Error(`the polling script did not do it in time: ${what}`);
      await sleep(LOOK_MS);
    }
  };
  /** The script reads its own writes again, once. */
  const settled = async () => {
    const at = rounds + 3;
    await until('three more rounds', () => rounds >= at);
  };
  try {
    await settled();
    return await steady(boxes, each, until, settled);
  } finally {
    child.kill();
    await boxes.close();
  }
}
