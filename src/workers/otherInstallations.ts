import type { Logger } from 'pino';
import type { Troubles } from '../links/troubles';
import { SIDES, type Side } from '../sync/record';

/** The link store keeps a finding for twice as long (`troubles.ts`). */
const LOOK_EVERY_MS = 30 * 60_000;

/** Finds, by side, the address of another installation's webhook: null if there is none, absent if it is not known. */
export type FindOtherWebhooks = () => Promise<Partial<Record<Side, string | null>>>;

interface Dependencies {
  store: { troubles: Pick<Troubles, 'note' | 'clear'> };
  log: Logger;
}

/**
 * Looks at intervals for another installation on the same accounts. Two installations would overwrite each other's
 * changes without end.
 *
 * @returns the function that ends the watch
 */
export function watchOtherInstallations(look: FindOtherWebhooks, around: Dependencies): () => void {
  const now = () =>
    noteOtherInstallations(look, around).catch((error: unknown) => {
      around.log.warn({ err: error }, 'could not check whether another installation syncs the same accounts');
    });
  void now();
  const timer = setInterval(() => void now(), LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}

/** Looks once, and stores the finding for `status` and the console. */
export async function noteOtherInstallations(
  look: FindOtherWebhooks,
  { store, log }: Dependencies,
): Promise<void> {
  const found = await look();
  for (const side of SIDES) {
    const url = found[side];
    if (url === undefined) continue;
    if (url === null) {
      await store.troubles.clear(`${side}:twin`);
      continue;
    }
    log.warn({ side, url }, 'another installation has a webhook here, or we had another PUBLIC_URL before');
    await store.troubles.note(`${side}:twin`, { code: 'twin', text: `a webhook leads to ${url}` });
  }
}
