import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { AccountOptions } from '../backfill/generate';
import { startSandboxes } from '../bed';
import { environmentFor } from '../systems';
import { recordsOf } from './firstSync';
import { slowDown } from './slowly';

const BARE = path.resolve(__dirname, '../bare.js');

/** Reads and writes the same account by bare HTTP. */
export async function bareHttp(
  account: AccountOptions,
  delayMs: number,
): Promise<{ seconds: number; recordsPerSecond: number }> {
  const boxes = await startSandboxes(account);
  const { pms, size } = boxes;
  if (delayMs > 0) await slowDown(boxes, delayMs);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [BARE], {
      env: environmentFor(boxes),
    });
    const seconds = (JSON.parse(stdout) as { ms: number }).ms / 1000;
    const written = [...pms.store.all('note')].length;
    if (written < size.comments)
      throw new Error(`bare HTTP wrote ${written} notes, expected ${size.comments}`);
    return { seconds, recordsPerSecond: recordsOf(size) / seconds };
  } finally {
    await boxes.close();
  }
}
