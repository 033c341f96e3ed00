import { Command } from 'commander';
import { loadPmsData } from './load';
import { startPmsSandbox } from './server';

/** `npm run sandbox:pms`: the PMS sandbox on its own. */
async function main(): Promise<void> {
  const { port, data, rateLimit } = new Command('sandbox:pms')
    .option('--port <n>', 'port to listen on (0: a free one)', Number, 0)
    .option('--data <dir>', 'load records from this folder')
    .option('--rate-limit <n>', 'calls a minute', Number, 6000)
    .parse()
    .opts<{ port: number; data?: string; rateLimit: number }>();
  const token = process.env['PMS_SANDBOX_TOKEN'];
  const sandbox = await startPmsSandbox({
    port,
    rateLimitPerMinute: rateLimit,
    ...(token !== undefined && { token }),
  });
  if (data !== undefined) console.log('loaded', await loadPmsData(sandbox.store, data));
  console.log(`PMS sandbox      ${sandbox.url}/api/v1`);
  console.log(`bearer token     ${sandbox.token}`);
  console.log(`state, faults    ${sandbox.url}/_sandbox/state  /_sandbox/stats  /_sandbox/faults`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
