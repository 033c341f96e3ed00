import { streamFindings, type StreamInput } from '../../src/operator/streamFindings';
import { commandLine } from '../../src/platform/commandLine';
import type { Finding } from '../../src/operator/finding';
import { changesFrom } from '../../src/systems/changesFrom';
import { NeedsHuman, RecordGone, RetryLater } from '../../src/systems/errors';
import type { ChangePage } from '../../src/systems/port';
import type { Side } from '../../src/sync/record';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';

/** Issue 22: the poll has a code for a system that refuses the sync's cursor, and `doctor` prints it with the fix. */

const READ_AT = '2026-05-01T12:00:00.000Z';
const at = (name: string, cursor: string | null) => ({
  ...{ name, cursor, movedAt: '2026-04-30T00:00:00.000Z', readAt: READ_AT, currentAt: READ_AT },
});
const page: ChangePage = { records: [], gone: [], cursor: 'next', more: false };

async function found(input: StreamInput): Promise<Finding[]> {
  const all: Finding[] = [];
  for await (const each of streamFindings(input)) all.push(each);
  return all;
}

describe('against both sandboxes', () => {
  let boxes: Sandboxes;
  beforeAll(async () => {
    boxes = await startSandboxes();
  });
  afterAll(() => boxes.close());

  test.each<[Side, string, string]>([
    ['pms', 'changes', '4711'],
    ['zendesk', 'organizations', 'c0ffee'],
  ])(
    '%s: a cursor of another stream is refused with the right code, and others are not',
    async (side, stream, cursor) => {
      const port = boxes.systems[side];
      await expect(changesFrom(port, stream, cursor)).rejects.toMatchObject({
        name: 'NeedsHuman',
        code: 'cursor_refused',
      });
      await expect(changesFrom(port, stream, await port.cursorNow(stream))).resolves.toBeDefined();
      const all = await found({
        port,
        credential: 'TOKEN',
        positions: [at(`${side}:${stream}`, cursor)],
        connection: 'acme',
      });
      const one = all.find(({ what }) => what.endsWith(`stream ${stream}`));
      expect(one).toMatchObject({ state: 'failed' });
      expect(one?.cure).toContain(
        `"${commandLine(`cursors rewind ${side}:${stream} ${READ_AT}`, 'acme')}", then "${commandLine('reconcile', 'acme')}"`,
      );
      // Streams that no poll has read yet are checked for the last minutes.
      expect(all.filter((each) => each !== one).every(({ state }) => state === 'ok')).toBe(true);
    },
  );
});

describe('a refusal with another cause', () => {
  const port = (error: Error, alsoNow: boolean) => ({
    side: 'pms' as const,
    streams: ['changes'],
    changes: async (_: string, cursor: string | null): Promise<ChangePage> => {
      if (alsoNow || cursor !== 'now') throw error;
      return page;
    },
    cursorNow: async () => 'now',
    cursorAt: async () => 'then',
  });

  test.each([
    ['the stream as a whole is refused', new NeedsHuman('refused', 'answered 422'), true],
    ['the credential is refused', new NeedsHuman('unauthorized', 'answered 401'), false],
    ['the answer is malformed', new NeedsHuman('unexpected_response', 'items: invalid'), false],
    ['the system is unavailable', new RetryLater('away', { unknownOutcome: false }), false],
  ])('%s: the error is rethrown unchanged', async (_, error, alsoNow) => {
    await expect(changesFrom(port(error, alsoNow), 'changes', 'c')).rejects.toBe(error);
  });

  test('a cursor that is "gone" is refused, too, unless the read was from the beginning, without a cursor', async () => {
    const gone = new RecordGone('not found');
    await expect(changesFrom(port(gone, false), 'changes', 'c')).rejects.toMatchObject({
      code: 'cursor_refused',
    });
    await expect(changesFrom(port(gone, false), 'changes', null)).rejects.toBe(gone);
  });
});

test('doctor shows how many changes follow the cursor', async () => {
  const port = {
    side: 'zendesk' as const,
    streams: ['tickets'],
    changes: async () => ({ ...page, more: true }),
    cursorNow: async () => 'now',
    cursorAt: async () => 'then',
  };
  expect(
    await found({ port, credential: 'T', positions: [at('zendesk:tickets', 'c')], connection: null }),
  ).toEqual([
    {
      what: 'Zendesk: stream tickets',
      state: 'ok',
      found: 'can be read from its cursor; 0 and more come next',
      cure: null,
    },
  ]);
});
