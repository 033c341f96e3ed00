import type { PlannedWrite } from './link';
import type { Side } from './record';

const NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'PMS' };
/** The Web UI shows a summary in one line of its list. */
const AT_MOST = 120;

/**
 * What a write does, for Temporal's Web UI: `PMS project: update title, priority`. Histories hold names of properties, and
 * never a value.
 */
export function writeWords(
  { side, op, rows }: Pick<PlannedWrite, 'side' | 'op' | 'rows'>,
  kind: string,
): string {
  const text = `${NAMES[side]} ${kind}: ${op} ${rows.join(', ')}`.trim();
  return text.length <= AT_MOST ? text : `${text.slice(0, AT_MOST - 1)}…`;
}
