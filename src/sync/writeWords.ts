import type { PlannedWrite } from './link';
import type { Side } from './record';

const NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'PMS' };
/** The longest summary: the Web UI shows it in one line. */
const AT_MOST = 120;

/**
 * A summary of a write, for Temporal's Web UI: `PMS project: update title, priority`. Histories contain names of
 * properties, but no values.
 */
export function writeWords(
  { side, op, rows }: Pick<PlannedWrite, 'side' | 'op' | 'rows'>,
  kind: string,
): string {
  const text = `${NAMES[side]} ${kind}: ${op} ${rows.join(', ')}`.trim();
  return text.length <= AT_MOST ? text : `${text.slice(0, AT_MOST - 1)}…`;
}
