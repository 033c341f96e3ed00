import { CHECKS, INVARIANTS, NEVER_TRIED, type InvariantNumber } from './checks';
import type { Judged, Verdict } from './verdict';

/** Derives the verdict on each of the design's invariants from the checks. Pure. */

export interface InvariantVerdict {
  number: InvariantNumber;
  text: string;
  /** `unknown`: a check that the invariant depends on could not be carried out. */
  holds: 'fully' | 'as far as tried' | 'with a window' | 'not' | 'unknown';
  /** The windows in which the invariant may be violated, or the findings that violate it. */
  because: string[];
  /** Conditions of the invariant that were not tested. */
  untried: string[];
}

/** An invariant's verdict is the worst verdict of the checks that it depends on. */
export function invariantsOf(results: readonly Judged[]): InvariantVerdict[] {
  return (Object.keys(INVARIANTS).map(Number) as InvariantNumber[]).map((number) => {
    const resting = results.filter(({ check }) =>
      (CHECKS[check].serves as readonly InvariantNumber[]).includes(number),
    );
    const with_ = (verdict: Verdict) => resting.filter((each) => each.verdict === verdict);
    const untried = resting.flatMap(({ check, subject, verdict, found, untried: parts = [] }) => {
      const of = subject === '' ? check : `${subject}, ${check}`;
      return [
        ...(verdict === 'untried' ? [`${of}: ${found}`] : []),
        ...parts.map((part) => `${of}: ${part}`),
      ];
    });
    const [grade, those] = with_('lies').length
      ? (['not', with_('lies')] as const)
      : with_('failed').length
        ? (['unknown', with_('failed')] as const)
        : with_('window').length
          ? (['with a window', with_('window')] as const)
          : ([untried.length > 0 ? 'as far as tried' : 'fully', []] as const);
    const because = those.map(({ check, subject, found, means }) => {
      const words = grade === 'with a window' ? (means ?? found) : found;
      return `${subject === '' ? check : `${subject}, ${check}`}: ${words}`;
    });
    const never = NEVER_TRIED[number];
    return {
      number,
      text: INVARIANTS[number],
      holds: grade,
      because,
      untried: [...untried, ...(never === undefined ? [] : [never])],
    };
  });
}
