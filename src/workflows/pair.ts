import {
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  log,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Inbox, PairActivities, PairSummary, PlanInput, SystemActivities } from '../activities/types';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import { mergedCauses } from '../sync/journalCauses';
import type { Lane } from '../sync/lane';
import type { Side } from '../sync/record';
import { malformed, type Resolution } from '../sync/resolution';
import { EVENTS_AT_MOST } from './historyLength';
import { PMS_ID, SYNC_STATUS, ZENDESK_ID } from './searchAttributes';
import { PRIORITY, taskQueueOf } from '../sync/taskQueues';
import { bringIntoAgreement, type TurnActivities } from './turn';

/** "Something about this pair may have changed." Sent by signal-with-start, which starts the workflow if none runs. */
export const recordChanged = defineSignal<[Inbox]>('recordChanged');
/** Reads both records again and syncs them. */
export const resync = defineSignal('resync');
/** The same as an Update: returns the resulting state of the pair. */
export const resyncUpdate = defineUpdate<PairSummary>('resync');
/** A person's decision about a conflict, or about the pair as a whole. */
export const resolveConflict = defineSignal<[Resolution]>('resolveConflict');
/** The same as an Update: returns the resulting state of the pair, or fails with the reason of a refusal. */
export const resolveConflictUpdate = defineUpdate<PairSummary, [Resolution]>('resolveConflict');
/** The state of the pair. */
export const status = defineQuery<PairSummary>('status');

function planActivities(lane: Lane): PairActivities {
  return proxyActivities<PairActivities>({
    // Five minutes, because a parent may signal a thousand children, and the signals of a connection are paced. If a
    // worker dies, missing heartbeats show it earlier.
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '15 seconds',
    summary: 'Plan the next step',
    retry: { initialInterval: '500ms', maximumInterval: '1 minute' },
    priority: PRIORITY[lane],
  });
}

const FORCED: Inbox = { hints: [], force: true, hops: 0 };
const RESYNC: Inbox = { ...FORCED, causes: ['resync'] };

/** The activities that run on one API's own task queue. Each call may wait for the next rate-limit window. */
function systemActivities(side: Side, lane: Lane, summary?: string): SystemActivities {
  return proxyActivities<SystemActivities>({
    taskQueue: taskQueueOf(workflowInfo().taskQueue, side, lane),
    ...(summary !== undefined && { summary }),
    startToCloseTimeout: '10 minutes',
    priority: PRIORITY[lane],
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '2 minutes' },
  });
}

/**
 * The only writer of a pair. Processes its inbox turn by turn, and ends when the inbox is empty.
 * @param carried the messages that an earlier run of this workflow left in the inbox when its history became too long
 */
export async function keepInSync(key: CanonicalKey, carried: Inbox[] = []): Promise<PairSummary> {
  let summary = unknownYet(key);
  const inbox: Inbox[] = [...carried];
  let received = carried.length;
  let handled = 0;
  /** The number of decisions that are being stored. Each one adds a message to the inbox when it is stored. */
  let decisionsBeingStored = 0;
  const receive = (message: Inbox): number => {
    inbox.push(message);
    received += 1;
    return received;
  };
  const outcomeOf = async (message: Inbox): Promise<PairSummary> => {
    const mine = receive(message);
    await condition(() => handled >= mine);
    return summary;
  };
  setHandler(recordChanged, (message) => void receive(message));
  setHandler(resync, () => void receive(RESYNC));
  setHandler(resyncUpdate, () => outcomeOf(RESYNC), { validator: expectNoInput });
  const decided = async (resolution: Resolution): Promise<PairSummary> => {
    decisionsBeingStored += 1;
    const id = await planActivities('interactive')
      .decide({ key, resolution })
      .finally(() => (decisionsBeingStored -= 1));
    const outcome = await outcomeOf({ ...FORCED, causes: [`decision:${id}`] });
    if (id && patched('a-decision-is-answered'))
      await planActivities('interactive').expectActedOn({ key, resolution, id });
    return outcome;
  };
  setHandler(resolveConflict, (resolution) => loggedIfRefused(key, decided(resolution)));
  setHandler(resolveConflictUpdate, decided, { validator: wellFormed });
  setHandler(status, () => summary);
  // The handlers of signals that came with the start run only when this function waits. They belong to the first turn.
  await condition(() => true);
  const hasMessageOrIsIdle = () => inbox.length > 0 || allHandlersFinished();
  if (!hasMessageOrIsIdle()) await condition(hasMessageOrIsIdle);

  do {
    const taken = received;
    const { lane, ...messages } = drain(inbox);
    try {
      summary = await bringIntoAgreement(activitiesIn(lane), key, { ...messages, lane });
      handled = taken;
    } catch (error) {
      if (isCancellation(error) || !(await hasNewMessages(inbox, () => decisionsBeingStored > 0)))
        throw error;
      // The messages of the failed turn are lost. The next turn reads both records instead.
      inbox.push({ ...FORCED, lane, ...(messages.causes && { causes: messages.causes }) });
    }
    if (!hasMessageOrIsIdle()) await condition(hasMessageOrIsIdle);
    // Continue as new only if no caller waits for an answer of this run (all handlers have finished).
    if (inbox.length > 0 && allHandlersFinished() && mustContinueAsNew())
      await continueAsNew<typeof keepInSync>(key, inbox);
  } while (inbox.length > 0);

  report(summary);
  return summary;
}

/**
 * Whether the history of this run is too long. The patch keeps histories of earlier releases replayable: those releases
 * never continued as new.
 */
function mustContinueAsNew(): boolean {
  return workflowInfo().historyLength > EVENTS_AT_MOST && patched('a-long-pair-goes-on-anew');
}

function activitiesIn(lane: Lane): TurnActivities {
  return {
    planPair: (input: PlanInput) => planActivities(lane).planPair(input),
    system: (side: Side, summary?: string) => systemActivities(side, lane, summary),
  };
}

/** A signal has no caller to answer; the Update of the same name returns the refusal. */
async function loggedIfRefused(key: CanonicalKey, decided: Promise<unknown>): Promise<void> {
  try {
    await decided;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    log.warn('a decision was refused', { key, why: error.cause?.message });
  }
}

/**
 * Whether messages arrived while a turn failed. The pair then continues, so that they are not lost with the workflow.
 */
async function hasNewMessages(inbox: readonly Inbox[], isDeciding: () => boolean): Promise<boolean> {
  if (inbox.length === 0 && !isDeciding()) return false;
  if (!patched('a-turn-after-a-failed-one')) return false;
  const hasNews = () => inbox.length > 0 || !isDeciding();
  if (!hasNews()) await condition(hasNews);
  return inbox.length > 0;
}

function unknownYet(key: CanonicalKey): PairSummary {
  const { origin } = parseCanonicalKey(key);
  return {
    key,
    status: 'pending',
    zendesk: origin.side === 'zendesk' ? origin.id : null,
    pms: origin.side === 'pms' ? origin.id : null,
    reason: null,
  };
}

function wellFormed(resolution: Resolution): void {
  const why = malformed(resolution);
  if (why !== null) throw ApplicationFailure.nonRetryable(`resolveConflict: ${why}`, 'BadInput');
}

function expectNoInput(...found: unknown[]): void {
  if (found.length > 0)
    throw ApplicationFailure.nonRetryable(
      `resync: found ${JSON.stringify(found[0])}, expected no input`,
      'BadInput',
    );
}

/** Combines all messages so far: a burst of changes costs one turn. */
function drain(inbox: Inbox[]): Inbox & { lane: Lane } {
  const messages = inbox.splice(0);
  const causes = mergedCauses(...messages.map((message) => message.causes));
  const background = messages.length > 0 && messages.every(({ lane }) => lane === 'background');
  return {
    lane: background ? 'background' : 'interactive',
    hints: messages.flatMap(({ hints }) => hints),
    force: messages.some(({ force }) => force),
    hops: Math.max(0, ...messages.map(({ hops }) => hops)),
    ...(causes.length > 0 && { causes }),
  };
}

/** Shows the outcome on the workflow's page, and in the Web UI's list unless the list shows it already. */
function report({ status: state, zendesk, pms, reason }: PairSummary): void {
  const shown = workflowInfo().typedSearchAttributes;
  const isShown =
    shown.get(SYNC_STATUS) === state &&
    (shown.get(ZENDESK_ID) ?? null) === zendesk &&
    (shown.get(PMS_ID) ?? null) === pms;
  if (!isShown)
    upsertSearchAttributes([
      { key: SYNC_STATUS, value: state },
      { key: ZENDESK_ID, value: zendesk },
      { key: PMS_ID, value: pms },
    ]);
  setCurrentDetails(
    `${state}: Zendesk ${zendesk ?? '—'} ↔ PMS ${pms ?? '—'}${reason ? `\n\n${reason}` : ''}`,
  );
}
