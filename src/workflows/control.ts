import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ControlActivities, PauseState, ResyncFilter } from '../activities/types';
import { ENTITY_TYPES, type EntityType } from '../sync/record';
import { isHistoryLong } from './historyLength';
import { PRIORITY } from '../sync/taskQueues';

/** One entity type, or all of them. */
export type Scope = EntityType | 'everything';

/** Pairs finish their present step and pause; changes are kept meanwhile. */
export const pause = defineSignal<[Scope]>('pause');
export const resume = defineSignal<[Scope]>('resume');
/** The same as Updates, which return the pauses afterwards. */
export const pauseUpdate = defineUpdate<PauseState, [Scope]>('pause');
export const resumeUpdate = defineUpdate<PauseState, [Scope]>('resume');
export const controlState = defineQuery<PauseState>('state');

const { setPaused, pauseState, releaseHeld } = proxyActivities<ControlActivities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '15 seconds',
});

/**
 * Controls the sync as a whole. It always runs, once in a deployment, so that the Web UI can signal it. The pauses are
 * stored in the link store, where the pairs read them.
 */
export async function syncControl(): Promise<never> {
  let state: PauseState = { paused: {}, heldBack: {} };
  setHandler(controlState, () => state);
  const paused = async (scope: Scope): Promise<PauseState> => {
    state = await setPaused({ entities: entitiesOf(scope), paused: true });
    return state;
  };
  const resumed = async (scope: Scope): Promise<PauseState> => {
    const entities = entitiesOf(scope);
    state = await setPaused({ entities, paused: false });
    await releaseHeld({ entities });
    state = await pauseState();
    return state;
  };
  // A signal with an unknown name has no caller to answer; the Update of the same name refuses it.
  const ifKnown = (work: (scope: Scope) => Promise<PauseState>) => async (scope: Scope) => {
    if (entitiesOf(scope).length > 0) showPauses(await work(scope));
  };
  setHandler(pause, ifKnown(paused));
  setHandler(resume, ifKnown(resumed));
  const validator = (scope: Scope) => {
    if (entitiesOf(scope).length === 0)
      throw ApplicationFailure.nonRetryable(
        `found ${JSON.stringify(scope)}, expected one of everything, ${ENTITY_TYPES.join(', ')}`,
        'BadInput',
      );
  };
  setHandler(pauseUpdate, async (scope) => showPauses(await paused(scope)), { validator });
  setHandler(resumeUpdate, async (scope) => showPauses(await resumed(scope)), { validator });

  state = showPauses(await pauseState());
  await condition(() => workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  return continueAsNew<typeof syncControl>();
}

/** Signals all pairs that a filter selects to read both records again. @returns the number of pairs */
export async function resyncMany(
  filter: ResyncFilter,
  carried: { after: string | null; told: number } = { after: null, told: 0 },
): Promise<number> {
  const resync = proxyActivities<ControlActivities>({
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '15 seconds',
    priority: PRIORITY.background,
  });
  let { after, told } = carried;
  do {
    const page = await resync.resyncPage({ filter, after });
    told += page.told;
    ({ after } = page);
    if (isHistoryLong() && after !== null) await continueAsNew<typeof resyncMany>(filter, { after, told });
  } while (after !== null);
  return told;
}

function entitiesOf(scope: Scope): EntityType[] {
  return ENTITY_TYPES.filter((type) => scope === 'everything' || scope === type);
}

function showPauses(state: PauseState): PauseState {
  const paused = Object.entries(state.paused).map(([entity, since]) => `${entity} is paused since ${since}`);
  setCurrentDetails(paused.length > 0 ? paused.join('\n\n') : 'Nothing is paused.');
  return state;
}
