import { REASONS, type ReasonState } from '../../src/sync/reasons';
import { wrapped } from './prose';

/** docs/reasons.md, from the table of reason codes. */

const SECTIONS: Record<ReasonState, string> = {
  waits: 'A pair waits',
  conflict: 'A pair is in conflict',
  quarantine: 'A pair is in quarantine',
  ended: 'A pair is a tombstone',
  linked: 'A pair is linked, apart from a file',
  connection: 'A connection cannot be served',
};

const INTRODUCTION =
  'Each link that is not simply in agreement has a reason with a code. `links show` and the console print it with its fix, and `conflicts list`, `quarantine list` and `links find --code` filter by it. `src/sync/reasons.ts` has the table that this page is made from.';

export function reasonsPage(): string {
  const codes = Object.entries(REASONS);
  const sections = Object.entries(SECTIONS).map(([state, title]) => {
    const items = codes
      .filter(([, words]) => words.state === state)
      .map(([code, { cause, fix }]) => wrapped(`\`${code}\`: ${cause} Fix: ${fix}`, '- '));
    return `## ${title}\n\n${items.join('\n')}\n`;
  });
  return ['# Reason codes\n', `${wrapped(INTRODUCTION)}\n`, ...sections].join('\n');
}
