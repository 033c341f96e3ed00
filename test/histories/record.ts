import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { HISTORIES, recordedHistories, saveHistory } from '../support/histories';
import { MemorySystem } from '../support/memorySystem';
import { SCENARIOS, SCENARIO_MAPPING } from '../support/scenarios';
import { testServers } from '../support/servers';
import { startStack } from '../support/stack';

/** `npm run histories:record`: replaces every recorded history. Jest runs it, for its servers and its compiler. */
test('records the history of every scenario', async () => {
  for (const { workflow } of recordedHistories())
    rmSync(`${HISTORIES}/${workflow}`, { recursive: true, force: true });
  const zendesk = new MemorySystem('zendesk', false, ['name']);
  const pms = new MemorySystem('pms', true);
  const stack = await startStack(testServers(), SCENARIO_MAPPING, { zendesk, pms });
  try {
    for (const scenario of SCENARIOS) {
      const { workflow, name } = scenario;
      const workflowId = await scenario.run({ stack, zendesk, pms });
      const history = await stack.client.workflow.getHandle(workflowId).fetchHistory();
      saveHistory(workflow, name, history, names(stack.taskQueue, [zendesk, pms]));
    }
  } finally {
    await stack.stop();
  }
});

function names(taskQueue: string, systems: MemorySystem[]): Map<string, string> {
  const ids = systems.flatMap((system) => [...system.records.values()].map(({ ref }) => ref.id));
  return new Map([
    [taskQueue, 'zendesk-pms-sync'],
    [`${process.pid}@${hostname()}`, 'worker'],
    [hostname(), 'machine'],
    ...ids.map((id, i): [string, string] => [id, String(1000 + i)]),
  ]);
}
