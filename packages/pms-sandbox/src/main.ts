import path from 'node:path';
import { Command } from 'commander';
import { countGiven, folderGiven, oneLine, portGiven } from 'zendesk-sandbox/common';
import { loadPmsData } from './load';
import { BASE_PATH, startPmsSandbox } from './server';

const SAMPLES = path.resolve(__dirname, '../samples');

/** `npm run sandbox:pms`: starts only the PMS sandbox. */
async function main(): Promise<void> {
  const { port, data, empty, rateLimit } = new Command('sandbox:pms')
    .option('--port <n>', 'port to listen on (0: a free one)', portGiven, 0)
    .option('--data <dir>', 'load records from this folder instead of the samples', folderGiven)
    .option('--empty', 'load no records')
    .option('--rate-limit <n>', 'calls a minute', countGiven, 6000)
    .parse()
    .opts<{ port: number; data?: string; empty?: true; rateLimit: number }>();
  const token = process.env['PMS_SANDBOX_TOKEN'];
  const sandbox = await startPmsSandbox({
    port,
    rateLimitPerMinute: rateLimit,
    ...(token !== undefined && token !== '' && { token }),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
  try {
    if (!empty) {
      const { customers, projects, notes, people } = await loadPmsData(sandbox.store, data ?? SAMPLES);
      console.log(
        `# PMS sandbox: ${customers} customers, ${projects} projects, ${notes} notes, ${people} people`,
      );
    }
  } catch (error) {
    await sandbox.close();
    throw error;
  }
  // Each line can be pasted into a shell, and each setting into an answer of "zendesk-pms-sync init".
  console.log(`PMS_BASE_URL=${sandbox.url}`);
  console.log(`PMS_TOKEN=${sandbox.token}`);
  console.log(`# the API is at ${sandbox.url}${BASE_PATH}`);
  console.log(
    `# state, faults: ${['state', 'stats', 'faults'].map((each) => `${sandbox.url}/_sandbox/${each}`).join('  ')}`,
  );
  if (!empty)
    console.log(`# to edit a project, paste this line into another terminal:
curl -X PATCH ${sandbox.url}${BASE_PATH}/projects/P-1 -H 'authorization: Bearer ${sandbox.token}' -H 'content-type: application/json' -d '{"title":"Edited in the PMS"}' -w '\\n'
# to read it:
curl -X GET ${sandbox.url}${BASE_PATH}/projects/P-1 -H 'authorization: Bearer ${sandbox.token}' -w '\\n'`);
  console.log(
    '# Ctrl-C stops it; its records and its token are gone then: begin with a new folder of settings',
  );
}

main().catch((error: unknown) => {
  console.error(oneLine(error));
  process.exitCode = 1;
});
