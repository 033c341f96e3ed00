import { heartbeat, sleep } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { PAUSE_HEARD_MS } from '../links/pauseStore';
import { tryParseRef, type CanonicalKey } from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import type { Mapping } from '../sync/mapping';
import { SIDES } from '../sync/record';
import type { ActivityContext } from './activityContext';
import { inParallel } from '../systems/inParallel';
import { guardedBy } from './guarded';
import type { ControlActivities, PauseState, ResyncFilter } from './types';

const ITEMS_PER_PAGE = 500;
const SIGNALS_AT_ONCE = 20;
const QUIETLY = { hops: 0, lane: 'background' } as const;

/** Activities with which an operator pauses, resumes or resyncs many pairs. They touch no API. */
export function controlActivities(live: ActivityContext): ControlActivities {
  const { store, signalPair, now } = live;
  const guarded = guardedBy(live, 'background');
  const state = async (): Promise<PauseState> => ({
    paused: await store.control.paused(),
    heldBack: await store.control.countHeldBack(),
  });

  return {
    pauseState: () => guarded(null, state),

    setPaused: ({ entities, paused }) =>
      guarded(null, async () => {
        for (const entity of entities) {
          if (paused) await store.control.pause(entity, now());
          else await store.control.resume(entity);
        }
        // Workers cache the pauses. Return only when all of them have noticed this one.
        if (paused) await sleep(PAUSE_HEARD_MS);
        return state();
      }),

    releaseHeld: ({ entities }) =>
      guarded(null, async () => {
        let signalled = 0;
        for (const entity of entities) {
          for (;;) {
            const page = await store.control.heldBack(entity, ITEMS_PER_PAGE);
            // If the entity was paused again meanwhile, the rest stays held back.
            if (page.length === 0 || (await store.control.isPaused(entity))) break;
            await inParallel(page, SIGNALS_AT_ONCE, async (held) => {
              const hints = held.refs.map((ref) => ({ ref, version: null }));
              await signalPair(held.key, { ...QUIETLY, hints, force: held.force, causes: ['resume'] });
              await store.control.drop(held);
            });
            signalled += page.length;
            heartbeat(signalled);
          }
        }
        return signalled;
      }),

    resyncPage: ({ filter, after }) =>
      guarded(null, async (context) => {
        const organization = await organizationKey(context, filter);
        const links = await store.linksAfter(after, ITEMS_PER_PAGE);
        const wanted = links.filter(
          (link) =>
            (filter.entity === undefined || link.entity === filter.entity) &&
            changedSince(link, filter.since) &&
            (organization === null || belongsTo(context.mapping, link, organization)),
        );
        await inParallel(wanted, SIGNALS_AT_ONCE, (link) =>
          signalPair(link._id, { ...QUIETLY, hints: [], force: true, causes: ['resync-all'] }),
        );
        const last = links.at(-1);
        return { after: links.length === ITEMS_PER_PAGE && last ? last._id : null, told: wanted.length };
      }),
  };
}

/** The pair of the organization that the filter names; null if it names none. */
async function organizationKey(
  { store, mapping }: ActivityContext,
  { organization }: ResyncFilter,
): Promise<CanonicalKey | null> {
  if (organization === undefined) return null;
  const ref = tryParseRef(organization);
  const { kind } = mapping.entities.OrgToCustomer;
  if (!ref || ref.kind !== kind[ref.side]) {
    throw refused(
      `--organization: found "${organization}", expected e.g. zendesk:${kind.zendesk}:12 or pms:${kind.pms}:C-1`,
    );
  }
  const owner = (await store.claims.owners([organization])).get(organization);
  if (owner === undefined)
    throw refused(
      `--organization: ${organization} is not linked; expected one that "links find --entity OrgToCustomer" lists`,
    );
  return owner;
}

function refused(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'BadInput');
}

function changedSince(link: Link, since: string | undefined): boolean {
  if (since === undefined) return true;
  const from = Date.parse(since);
  return SIDES.some((side) => Date.parse(link.sides[side]?.updatedAt ?? '') >= from);
}

/** Whether a link is that of the organization or of one of its tickets. Links of comments do not store their ticket. */
function belongsTo(mapping: Mapping, link: Link, organization: CanonicalKey): boolean {
  const references = mapping.entities[link.entity].rows.filter((row) => row.transform.kind === 'reference');
  return link._id === organization || references.some((row) => link.snapshot?.[row.id] === organization);
}
