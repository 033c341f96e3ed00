import { controlsOf } from 'testkit';
import type { Sandboxes } from '../bed';

/** Delays every call of both APIs, like calls over the internet. */
export async function slowDown({ zendesk, pms }: Sandboxes, delayMs: number): Promise<void> {
  for (const sandbox of [zendesk, pms])
    await controlsOf(sandbox).setFaults({ route: '^[A-Z]+ /api/', kind: 'delay', delayMs });
}
