import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { oneLine } from 'zendesk-sandbox/common';
import { loadPmsData } from './load';
import { BASE_PATH, startPmsSandbox } from './server';

const SAMPLES = path.resolve(__dirname, '../samples');

/** `npm run sandbox:pms`: the PMS sandbox on its own. */
async function main(): Promise<void> {
  const { port, data, empty, rateLimit } = new Command('sandbox:pms')
    .option('--port <n>', 'port to listen on (0: a free one)', count, 0)
    .option('--data <dir>', 'load records from this folder, in place of the samples')
    .option('--empty', 'load no records')
    .option('--rate-limit <n>', 'calls a minute', count, 6000)
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
  // Each line can be pasted into a shell, and each value into an answer of "zendesk-pms-sync init".
  console.log(`PMS_BASE_URL=${sandbox.url}`);
  console.log(`PMS_TOKEN=${sandbox.token}`);
  console.log(`# the API is at ${sandbox.url}${BASE_PATH}`);
  console.log(
    `# state, faults: ${['state', 'stats', 'faults'].map((each) => `${sandbox.url}/_sandbox/${each}`).join('  ')}`,
  );
  console.log('# Ctrl-C stops it; its records are gone then');
}

function count(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('expected a whole number');
  return Number(value);
}

main().catch((error: unknown) => {
  console.error(oneLine(error));
  process.exitCode = 1;
});
