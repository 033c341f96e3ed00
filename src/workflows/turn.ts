import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type {
  TurnFindings,
  Inbox,
  PairActivities,
  PairSummary,
  Step,
  SystemActivities,
  WriteOutcome,
} from '../activities/types';
import { parseRef, type CanonicalKey } from '../sync/canonicalKey';
import { otherSide, type RefKey, type Side } from '../sync/record';

/** A pair that needs more steps than this in one turn does not settle: the two systems revert each other's changes. */
const STEPS_AT_MOST = 40;

/** The functions that a turn calls: activities in a workflow, or the same code without Temporal in a dry run. */
export interface TurnActivities {
  planPair: PairActivities['planPair'];
  /** @param summary one line for the Web UI that says what the activity does */
  system: (
    side: Side,
    summary?: string,
  ) => Pick<SystemActivities, 'readRecords' | 'lookForMatches' | 'writePlanned'>;
}

/** One turn: plans and carries the plans out until the pair rests. A pair that cannot be synced rests in quarantine. */
export async function bringIntoAgreement(
  activities: TurnActivities,
  key: CanonicalKey,
  inbox: Inbox,
): Promise<PairSummary> {
  try {
    return await runSteps(activities, key, inbox);
  } catch (error) {
    const failure = error instanceof ActivityFailure ? error.cause : error;
    if (!(failure instanceof ApplicationFailure) || failure.type !== 'Quarantined') throw error;
    return failure.details?.[0] as PairSummary;
  }
}

async function runSteps(
  { planPair, system }: TurnActivities,
  key: CanonicalKey,
  inbox: Inbox,
): Promise<PairSummary> {
  let findings: TurnFindings = { fresh: [], gone: [], looked: null };
  for (let steps = 0; steps < STEPS_AT_MOST; steps += 1) {
    const step = await planPair({ key, first: steps === 0, ...inbox, ...findings });
    switch (step.next) {
      case 'rest':
        return step.state;
      case 'read': {
        const { fresh, gone } = await system(step.side, readWords(step.side, step.refs)).readRecords({
          key,
          refs: step.refs,
        });
        findings = { ...findings, fresh: [...findings.fresh, ...fresh], gone: [...findings.gone, ...gone] };
        break;
      }
      case 'look': {
        findings = { ...findings, looked: await look(system, key, step.origin) };
        break;
      }
      case 'write': {
        const outcome = await writeAll(system, key, step);
        if (outcome.next === 'done') return outcome.state;
        // Records that were read before the write are no longer fresh.
        findings = { fresh: outcome.fresh, gone: outcome.gone, looked: null };
        break;
      }
    }
  }
  throw ApplicationFailure.nonRetryable(`${key} did not settle within ${STEPS_AT_MOST} steps`, 'Bug');
}

/** @returns null if no look-up was possible: the pair is planned again, and its origin is read first */
async function look(
  system: TurnActivities['system'],
  key: CanonicalKey,
  origin: RefKey,
): Promise<TurnFindings['looked']> {
  const { side } = parseRef(origin);
  const other = otherSide(side);
  const matches = await system(other, lookWords(other)).lookForMatches({ key, origin });
  if (!matches) return null;
  // Whether other records match these as well matters only if there are any.
  if (matches.length === 0) return { matches, rivals: [] };
  const counterparts = { key, origin, counterparts: matches };
  const rivals = await system(side, lookWords(side)).lookForMatches(counterparts);
  return rivals && { matches, rivals };
}

async function writeAll(
  system: TurnActivities['system'],
  key: CanonicalKey,
  { sides, words = {}, rev: planned }: Extract<Step, { next: 'write' }>,
): Promise<WriteOutcome> {
  let outcome: WriteOutcome | undefined;
  let rev = planned;
  for (const side of sides) {
    outcome = await system(side, words[side]).writePlanned({ key, ...(rev !== undefined && { rev }) });
    if (outcome.next === 'again') return outcome;
    rev = outcome.rev;
  }
  if (!outcome) throw ApplicationFailure.nonRetryable(`${key}: a write to no side`, 'Bug');
  return outcome;
}

const NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'PMS' };

function readWords(side: Side, refs: readonly RefKey[]): string {
  return `${NAMES[side]}: read ${refs.map((ref) => ref.slice(ref.indexOf(':') + 1)).join(', ')}`.slice(
    0,
    120,
  );
}

function lookWords(side: Side): string {
  return `${NAMES[side]}: look for records that match`;
}
