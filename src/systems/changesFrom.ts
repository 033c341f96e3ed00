import { NeedsHuman, RecordGone, publicMessage } from './errors';
import type { ChangePage, SystemPort } from './port';

/** Codes of refusals that have another cause than the cursor, whatever was asked for. */
const OF_ANOTHER_CAUSE: ReadonlySet<string> = new Set([
  'unauthorized',
  'unexpected_response',
  'cursor_refused',
]);

/**
 * Reads the next page of a change stream. Where that is refused, the stream is asked for what is new from now on: if it
 * answers that, the cursor is at fault. A system that was restored or begun anew does not know the cursors of before.
 *
 * @throws NeedsHuman `cursor_refused`, or whatever {@link SystemPort.changes} throws
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
