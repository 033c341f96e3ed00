import { Command, InvalidArgumentError } from 'commander';
import { loadPmsData } from './load';
import { BASE_PATH, startPmsSandbox } from './server';

/** `npm run sandbox:pms`: the PMS sandbox on its own. */
async function main(): Promise<void> {
  const { port, data, rateLimit } = new Command('sandbox:pms')
    .option('--port <n>', 'port to listen on (0: a free one)', count, 0)
    .option('--data <dir>', 'load records from this folder')
    .option('--rate-limit <n>', 'calls a minute', count, 6000)
    .parse()
    .opts<{ port: number; data?: string; rateLimit: number }>();
  const token = process.env['PMS_SANDBOX_TOKEN'];
  const sandbox = await startPmsSandbox({
    port,
    rateLimitPerMinute: rateLimit,
    ...(token !== undefined && token !== '' && { token }),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
  try {
    if (data !== undefined) console.log('loaded', await loadPmsData(sandbox.store, data));
  } catch (error) {
    await sandbox.close();
    throw error;
  }
  console.log(`PMS sandbox      ${sandbox.url}${BASE_PATH}`);
  console.log(`bearer token     ${sandbox.token}`);
  console.log(`state, faults    ${sandbox.url}/_sandbox/state  /_sandbox/stats  /_sandbox/faults`);
}

function count(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('expected a whole number');
  return Number(value);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
