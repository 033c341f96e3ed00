import type { CheckId } from './checks';
import type { Evidence, Outcome, TextOutcome } from './evidence';

/** Judges the evidence of each check. Pure. */

/**
 * - `holds`: the system behaves as the adapter claims.
 * - `window`: the system guarantees less, or answers late; the sync works, but may err within the stated window.
 * - `off`: the system lacks the feature; the parts of the sync that need it are switched off.
 * - `untried`: there was no data to test the feature with.
 * - `failed`: the check could not be carried out.
 * - `lies`: the adapter claims the feature, or the system reports success, but the result is different.
 */
export type Verdict = 'holds' | 'window' | 'off' | 'untried' | 'failed' | 'lies';

export interface Judgement {
  verdict: Verdict;
  /** The observation. */
  found: string;
  /** The consequence for the sync; null if there is none. */
  means: string | null;
  /** Parts of the check that could not be carried out. */
  untried?: readonly string[];
}

/** A delay up to this is not worth reporting. */
const PROMPT_SECONDS = 5;
/** The limit of `doctor`, too: webhooks older than five minutes are refused, and half of that is left for transport. */
const SKEW_SECONDS = 120;
const NAMED = 3;
const NOT_TESTED = 'this was not tested';

const JUDGES: { [C in CheckId]: (evidence: Evidence[C]) => Judgement } = {
  properties: ({ missing, readOnly }) =>
    missing.length + readOnly.length === 0
      ? holds('all of them')
      : {
          verdict: 'failed',
          found: [
            ...missing.map((name) => `no "${name}"`),
            ...readOnly.map((name) => `"${name}" is read-only`),
          ].join(', '),
          means: 'correct the mapping',
        },
  create: outcome,
  update: outcome,
  values({ tried, faults, refused, untried }) {
    if (faults.length > 0) return lies(faults);
    if (tried.length === 0)
      return { verdict: 'untried', found: untried.join('; ') || 'none', means: NOT_TESTED };
    return {
      verdict: 'holds',
      found: [
        tried.join(', '),
        ...(refused.length > 0 ? [`refused: ${refused.join(', ')}`] : []),
        ...(untried.length > 0 ? [`not tried: ${untried.join(', ')}`] : []),
      ].join('; '),
      means:
        refused.length > 0 ? 'a record with a value that is refused waits for a person (quarantine)' : null,
      untried,
    };
  },
  precondition({ claimed, accepted, racers, winners }) {
    if (!claimed)
      return {
        verdict: 'window',
        found: 'a write cannot have a version as its precondition',
        means:
          'holds, with a window between read and write: an edit of the same property between the read and the write, some milliseconds, is overwritten',
      };
    const faults = accepted.map((what) => `took ${what} on an old version`);
    if (winners > 1)
      faults.push(`${winners} of ${racers} concurrent edits based on the same version succeeded`);
    if (racers > 0 && winners === 0)
      faults.push(`refused all of ${racers} edits based on the present version`);
    return outcome({
      did: racers > 0 ? `refused, also as one of ${racers} concurrent edits` : 'refused',
      faults,
    });
  },
  repeat({ claimed, again, together }) {
    const faults: string[] = [];
    if (claimed && again === 'second') faults.push('a repeated idempotency key made a second record');
    if (claimed && again === 'refused')
      faults.push('a repeated idempotency key was refused; expected the first record');
    if (claimed && together > 1)
      faults.push(`two concurrent creates with the same key made ${together} records`);
    if (faults.length > 0) return lies(faults);
    if (again === 'same' && together <= 1) return holds('a repeated key returns the first record');
    if (again === 'second' || together > 1)
      return {
        verdict: 'window',
        found: 'there are no idempotency keys; a repeated create makes a second record',
        means:
          'the sync looks for the back-reference before it sends a create again; a first attempt that arrives after that look-up makes a second counterpart, which shows as a conflict',
      };
    return holds('a repeated create is refused, because of its back-reference');
  },
  lookUp({ seconds, ...rest }) {
    const judged = outcome(rest);
    if (judged.verdict !== 'holds' || seconds <= PROMPT_SECONDS) return judged;
    return {
      verdict: 'window',
      found: `a new record was found after ${seconds.toFixed(1)} s`,
      means: `a create that is sent again within ${Math.ceil(seconds)} s of a lost answer may make a second counterpart`,
    };
  },
  unique({ claimed, second }) {
    if (second === 'refused') return holds('a second record with it is refused');
    if (claimed) return lies(['took a second record with the same back-reference']);
    return {
      verdict: 'window',
      found: 'a second record with it is taken',
      means: 'the sync looks for the back-reference before each create: one more call for each new record',
    };
  },
  match({ property, offered, ...rest }) {
    if (!offered)
      return {
        verdict: 'off',
        found: `cannot be looked for by "${property}"`,
        means: `no match rule on "${property}": records that exist on both sides are not joined by it`,
      };
    return outcome(rest);
  },
  walk({ pages, records, missing, ended, made, unlisted, inside }) {
    if (unlisted.length > 0)
      return lies([
        `no page contained ${unlisted.length} of ${made} records that were made: ${some(unlisted)}`,
      ]);
    if (missing.length > 0)
      return lies([`left out ${missing.length} of ${records} records that did not change: ${some(missing)}`]);
    if (!ended)
      return {
        verdict: 'untried',
        found: `more than ${pages} pages`,
        means: 'completeness was not tested: repeat in an account with fewer records',
      };
    if (pages <= 1 && !inside)
      return {
        verdict: 'untried',
        found: `all ${records} records came on one page`,
        means: 'paging was not tested: repeat with more --records',
      };
    const where = inside ? `${made} of them made here inside one record` : `${made} of them made here`;
    return holds(
      `${records} records over ${pages} pages, ${where}, with inserts, edits and endings between them`,
    );
  },
  feed({ offered, reportsOthers, records, missing, passedOver, seconds }) {
    if (!offered) return noFeed();
    if (records === 0) return nothingToReport();
    if (missing.length === records && reportsOthers)
      return {
        verdict: 'off',
        found: 'the feed does not report this kind',
        means: 'changes of this kind are found by the reconcile alone (RECONCILE_CRON)',
      };
    const faults: string[] = [];
    if (missing.length > 0)
      faults.push(`never reported ${missing.length} of ${records} changed records: ${some(missing)}`);
    if (passedOver.length > 0)
      faults.push(
        `inserted ${passedOver.length} of ${records} changes before the reader’s cursor: ${some(passedOver)}`,
      );
    if (faults.length > 0) return lies(faults);
    if (seconds <= PROMPT_SECONDS)
      return holds(`${records} records, reported within ${seconds.toFixed(1)} s`);
    return {
      verdict: 'window',
      found: `${records} records, reported within ${seconds.toFixed(1)} s`,
      means: `the sync sees an edit up to ${Math.ceil(seconds)} s after it, besides the poll interval`,
    };
  },
  feedOrder({ offered, records, stale }) {
    if (!offered) return noFeed();
    if (records === 0) return nothingToReport();
    return stale.length === 0
      ? holds(`${records} records`)
      : lies([
          `the last entry of ${stale.length} of ${records} records showed an earlier state: ${some(stale)}`,
        ]);
  },
  feedSince({ offered, records, missing }) {
    if (!offered) return noFeed();
    if (records === 0) return nothingToReport();
    return missing.length === 0
      ? holds(`${records} records`)
      : lies([`left out ${missing.length} of ${records} records that changed since: ${some(missing)}`]);
  },
  unicode: text,
  markup: text,
  length({ keptWhole, refusedAt, cut }) {
    if (cut) return lies([`took ${cut.wrote} characters and kept ${cut.found}`]);
    if (refusedAt === null) return holds(`${keptWhole} characters`);
    return {
      verdict: 'holds',
      found: `${keptWhole} characters; ${refusedAt} are refused`,
      means: 'a record whose text is longer waits for a person (quarantine)',
    };
  },
  archive: outcome,
  redact: outcome,
  parent: outcome,
  visibility: outcome,
  followUp({ claimed, shown, copies }) {
    if (!shown) return { verdict: 'untried', found: 'no change feed shows the follow-up', means: NOT_TESTED };
    return once(claimed, 'added', copies);
  },
  file: outcome,
  detach: outcome,
  fileRepeat: ({ claimed, copies }) => once(claimed, 'stored', copies),
  version({ exact, orders, versions }) {
    const faults: string[] = [];
    const backward = orders.some((order, n) => n > 0 && order < (orders[n - 1] ?? order));
    const tied = new Set(orders).size < orders.length || new Set(versions).size < versions.length;
    const seen = `${orders.length} states in a row: versions ${versions.join(', ')}`;
    if (backward) faults.push(`the order went back: ${orders.join(', ')}`);
    if (exact && tied) faults.push(`an edit did not change the version or the order: ${versions.join(', ')}`);
    if (faults.length > 0) return lies(faults);
    if (!exact)
      return {
        verdict: 'window',
        found: seen,
        means: `the order comes from a clock${tied ? ', and edits within one tick have the same order' : ''}: an edit within the same tick as ours is noticed only if its values differ from the written ones`,
      };
    return holds(seen);
  },
  clock({ dateSkewSeconds, stampSkewSeconds }) {
    const skews = [dateSkewSeconds ?? 0, stampSkewSeconds].map(Math.abs);
    const words = [
      dateSkewSeconds === null ? 'no Date header' : `Date header ${skewIn(dateSkewSeconds)}`,
      `time on a new record ${skewIn(stampSkewSeconds)}`,
    ].join('; ');
    if (Math.max(...skews) <= SKEW_SECONDS) return holds(words);
    return {
      verdict: 'window',
      found: words,
      means: `"winner: latest" depends on each side’s clock, and is wrong by up to ${Math.ceil(Math.max(...skews))} s; webhooks are refused at 300 s: set the clock by NTP`,
    };
  },
};

export function judge<C extends CheckId>(check: C, evidence: Evidence[C]): Judgement {
  return JUDGES[check](evidence);
}

/** A feature that the adapter does not offer. */
export function notOffered(check: CheckId, why: string): Judgement {
  return { verdict: 'off', found: why, means: WITHOUT[check] ?? 'functions that need it are switched off' };
}

const WITHOUT: Partial<Record<CheckId, string>> = {
  update: 'the sync never changes such a record: an edit on the other side becomes a follow-up, or nothing',
  precondition: 'the sync never changes such a record',
  version: 'the sync never changes such a record',
  archive: '"onDelete: archive" cannot be used',
  redact: '"onRedact" cannot be used',
  followUp: '"onEdit: followUp" cannot be used',
  file: 'files stay where they are',
  detach: 'a file that is redacted on one side stays on the other',
  fileRepeat: 'files stay where they are',
};

/** A check that ended before it had evidence. */
export function notDone(why: string): Judgement {
  return { verdict: 'failed', found: why, means: 'the check could not be carried out' };
}

export interface Judged extends Judgement {
  check: CheckId;
  /** The kind of record, or an empty string for the system as a whole. */
  subject: string;
}

function holds(found: string): Judgement {
  return { verdict: 'holds', found, means: null };
}

function lies(faults: readonly string[]): Judgement {
  return { verdict: 'lies', found: some(faults, '; '), means: 'not safe to sync with' };
}

function outcome({ did, faults }: Outcome): Judgement {
  return faults.length === 0 ? holds(did) : lies(faults);
}

function once(claimed: boolean, what: string, times: number): Judgement {
  if (times === 1) return holds(`${what} once`);
  if (claimed) return lies([`a repeated key: ${what} ${times} times`]);
  return {
    verdict: 'window',
    found: `there are no idempotency keys; a repeated write is ${what} ${times} times`,
    means: `a write that is repeated after a lost answer may be ${what} twice`,
  };
}

function text({ refused, ...rest }: TextOutcome): Judgement {
  const judged = outcome(rest);
  if (judged.verdict !== 'holds' || refused.length === 0) return judged;
  return {
    verdict: 'window',
    found: `refused: ${refused.join(', ')}`,
    means: 'a record with such text waits for a person (quarantine)',
  };
}

function noFeed(): Judgement {
  return {
    verdict: 'off',
    found: 'there is no change feed',
    means: 'changes are found by the reconcile alone (RECONCILE_CRON), and by webhooks if there are any',
  };
}

function nothingToReport(): Judgement {
  return { verdict: 'untried', found: 'it reported nothing', means: NOT_TESTED };
}

function some(names: readonly string[], separator = ', '): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(separator)}${more > 0 ? ` and ${more} more` : ''}`;
}

function skewIn(seconds: number): string {
  const rounded = Math.round(Math.abs(seconds));
  return rounded <= 1 ? 'the same as here' : `${rounded} s ${seconds < 0 ? 'behind' : 'ahead'}`;
}
