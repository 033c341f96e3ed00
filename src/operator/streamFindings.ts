import { MongoClient } from 'mongodb';
import type { StreamPosition } from '../links/cursorStore';
import { peekAtLinks } from '../links/linkStore';
import { commandLine } from '../platform/commandLine';
import { changesFrom } from '../systems/changesFrom';
import { NeedsHuman, RetryLater } from '../systems/errors';
import type { SystemPort } from '../systems/port';
import { NAMES } from './credentialNames';
import { wordsOf } from './errorWords';
import type { Finding } from './finding';

/** Checks that change streams can be read in the way that the polls read them. */

export interface StreamInput {
  port: Pick<SystemPort, 'side' | 'streams' | 'changes' | 'cursorAt' | 'cursorNow'>;
  /** The settings of the side's credential. */
  credential: string;
  /** The position of each stream; empty before the first poll. */
  positions: readonly StreamPosition[];
  /** The connection that the proposed commands name; null if there is only one. */
  connection: string | null;
}

/** How far back a stream is read that no poll has read yet. */
const LOOK_BACK_MS = 120_000;
const ANSWER_WITHIN_MS = 3_000;

export async function* streamFindings(input: StreamInput): AsyncIterable<Finding> {
  const { port, positions } = input;
  for (const stream of port.streams) {
    const what = `${NAMES[port.side]}: stream ${stream}`;
    const position = positions.find(({ name }) => name === `${port.side}:${stream}`) ?? null;
    try {
      const found =
        position === null ? await lookBack(port, stream) : await readFromCursor(port, stream, position);
      yield { what, state: 'ok', found, cure: null };
    } catch (error) {
      yield {
        what,
        state: error instanceof RetryLater ? 'warning' : 'failed',
        found: wordsOf(error),
        cure: streamCure(error, stream, position, input),
      };
    }
  }
}

async function lookBack(port: StreamInput['port'], stream: string): Promise<string> {
  const since = new Date(Date.now() - LOOK_BACK_MS);
  const { records } = await port.changes(stream, await port.cursorAt(stream, since));
  return `can be read; ${records.length} changed within two minutes`;
}

async function readFromCursor(
  port: StreamInput['port'],
  stream: string,
  { cursor }: StreamPosition,
): Promise<string> {
  const { records, more } = await changesFrom(port, stream, cursor);
  return `can be read from its cursor; ${records.length}${more ? ' and more' : ''} come next`;
}

function streamCure(
  error: unknown,
  stream: string,
  position: StreamPosition | null,
  { port, credential, connection }: StreamInput,
): string {
  const name = NAMES[port.side];
  if (error instanceof RetryLater)
    return `none: ${name} is unavailable or over its rate limit, and the sync waits; if this persists, see docs/troubleshooting.md`;
  if (error instanceof NeedsHuman && error.code === 'unauthorized')
    return `give the user of ${credential} the right to read it`;
  if (error instanceof NeedsHuman && error.code === 'cursor_refused') {
    const time = position?.readAt ?? position?.movedAt ?? 'start';
    const rewind = commandLine(`cursors rewind ${port.side}:${stream} ${time}`, connection);
    return `if ${name} was restored or set up again, read again from the time of the last read: "${rewind}", then "${commandLine('reconcile', connection)}"`;
  }
  return 'if a clock differs (above), set it first: a machine whose clock is ahead asks for changes in the future';
}

/** The position of each stream; empty if there is no link store, or if it does not answer. */
export async function storedPositions(
  uri: string | null | undefined,
  database: string,
): Promise<StreamPosition[]> {
  if (uri == null) return [];
  const mongo = new MongoClient(uri, { serverSelectionTimeoutMS: ANSWER_WITHIN_MS });
  try {
    return await peekAtLinks(mongo.db(database)).cursors.positions();
  } catch {
    return [];
  } finally {
    await mongo.close();
  }
}
