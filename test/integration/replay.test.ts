import path from 'node:path';
import { Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { routeTemporalLogs } from '../../src/workers/runtime';
import * as workflows from '../../src/workflows';
import { recordedHistories, type RecordedHistory } from '../support/histories';
import { SCENARIOS } from '../support/scenarios';

/**
 * Histories of workflows that began before today's change, replayed with the present workflows: workflows that are
 * running when a new version is deployed must continue with it. See docs/evolution.md.
 */

const FIXTURES = path.resolve(__dirname, '../fixtures');
const histories = recordedHistories();

/** @returns the errors, by workflow and scenario */
async function replay(workflowsPath: string, some: RecordedHistory[]): Promise<Record<string, string>> {
  const failures: Record<string, string> = {};
  const results = Worker.runReplayHistories(
    { workflowsPath },
    some.map(({ workflow, scenario, history }) => ({ workflowId: `${workflow}/${scenario}`, history })),
  );
  for await (const { workflowId, error } of results) if (error) failures[workflowId] = error.name;
  return failures;
}

describe('recorded histories', () => {
  beforeAll(() => routeTemporalLogs(pino({ level: 'silent' })));

  test('include every workflow and every scenario', () => {
    const exported = Object.entries(workflows).filter(([, value]) => typeof value === 'function');
    const recorded = new Set(histories.map(({ workflow }) => workflow));
    expect(exported.map(([name]) => name).filter((name) => !recorded.has(name))).toEqual([]);
    // If this fails, run: npm run histories:record
    expect(histories.map(({ workflow, scenario }) => `${workflow}/${scenario}`).sort()).toEqual(
      SCENARIOS.map(({ workflow, name }) => `${workflow}/${name}`).sort(),
    );
    for (const { workflow, history } of histories) {
      const [started] = history.events ?? [];
      expect(started?.workflowExecutionStartedEventAttributes?.workflowType?.name).toBe(workflow);
    }
  });

  test('replay with the present workflows', async () => {
    expect(await replay(require.resolve('../../src/workflows'), histories)).toEqual({});
  });

  test('do not replay with an incompatible workflow; with patched, the same change replays', async () => {
    const tickets = histories.filter(({ workflow }) => workflow === 'TicketToProject');
    expect(tickets.length).toBeGreaterThan(0);
    expect(await replay(path.join(FIXTURES, 'workflows-changed/index.ts'), tickets)).toEqual(
      Object.fromEntries(
        tickets.map(({ workflow, scenario }) => [`${workflow}/${scenario}`, 'DeterminismViolationError']),
      ),
    );
    expect(await replay(path.join(FIXTURES, 'workflows-patched/index.ts'), tickets)).toEqual({});
  });
});
