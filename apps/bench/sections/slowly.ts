import { controlsOf } from 'testkit';
import type { Sandboxes } from '../bed';

/** Has every call of both APIs take a while, as calls over the internet do. */
export async function slowDown({ zendesk, pms }: Sandboxes, delayMs: number): Promise<void> {
  for (const sandbox of [zendesk, pms])
    await controlsOf(sandbox).setFaults({ route: '^[A-Z]+ /api/', kind: 'delay', delayMs });
}
