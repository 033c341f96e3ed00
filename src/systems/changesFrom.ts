import { NeedsHuman, RecordGone, publicMessage } from './errors';
import type { ChangePage, SystemPort } from './port';

/** Codes of refusals whose cause is not the cursor. */
const OF_ANOTHER_CAUSE: ReadonlySet<string> = new Set([
  'unauthorized',
  'unexpected_response',
  'cursor_refused',
]);

/**
 * Reads the next page of a change stream. If the system refuses, the function asks for the changes from now on. If
 * the system answers that, the cursor is at fault: a system that was restored or set up again does not know earlier
 * cursors.
 *
 * @throws NeedsHuman `cursor_refused`, or any error of {@link SystemPort.changes}
 */
export async function changesFrom(
  port: Pick<SystemPort, 'side' | 'changes' | 'cursorNow'>,
  stream: string,
  cursor: string | null,
): Promise<ChangePage> {
  try {
    return await port.changes(stream, cursor);
  } catch (error) {
    if (cursor === null || !mayBeOfCursor(error) || !(await takesAnother(port, stream))) throw error;
    const name = port.side === 'zendesk' ? 'Zendesk' : 'The PMS';
    throw new NeedsHuman(
      'cursor_refused',
      `${name} does not take the cursor that the sync kept of its stream ${stream} (${publicMessage(error)})`,
    );
  }
}

function mayBeOfCursor(error: unknown): boolean {
  if (error instanceof RecordGone) return true;
  return error instanceof NeedsHuman && !OF_ANOTHER_CAUSE.has(error.code);
}

async function takesAnother(
  port: Pick<SystemPort, 'changes' | 'cursorNow'>,
  stream: string,
): Promise<boolean> {
  try {
    await port.changes(stream, await port.cursorNow(stream));
    return true;
  } catch {
    return false;
  }
}
