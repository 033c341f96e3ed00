import type { Logger } from 'pino';
import type { Troubles } from '../links/troubles';
import { SIDES, type Side } from '../sync/record';

/** What is known stays known for twice as long (`troubles.ts`). */
const LOOK_EVERY_MS = 30 * 60_000;

/** By side, the address of a webhook of another installation; null where there is none, absent where it is not known. */
export type LookForTwins = () => Promise<Partial<Record<Side, string | null>>>;

interface Surroundings {
  store: { troubles: Pick<Troubles, 'note' | 'clear'> };
  log: Logger;
}

/** Tells of another installation on the same accounts, which would overrule this one without end. @returns what ends it */
export function watchForTwins(look: LookForTwins, around: Surroundings): () => void {
  const now = () =>
    noteTwins(look, around).catch((error: unknown) => {
      around.log.warn({ err: error }, 'it could not be looked whether another installation is at work');
    });
  void now();
  const timer = setInterval(() => void now(), LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}

export async function noteTwins(look: LookForTwins, { store, log }: Surroundings): Promise<void> {
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
