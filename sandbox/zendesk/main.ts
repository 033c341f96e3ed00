import { Command } from 'commander';
import { loadZendeskData } from './load';
import { startZendeskSandbox } from './server';

/** `npm run sandbox:zendesk`: the Zendesk sandbox on its own. */
async function main(): Promise<void> {
  const { port, data, rateLimit, incrementalLimit } = new Command('sandbox:zendesk')
    .option('--port <n>', 'port to listen on (0: a free one)', Number, 0)
    .option('--data <dir>', 'load records from this folder')
    .option('--rate-limit <n>', 'calls a minute', Number, 700)
    .option('--incremental-limit <n>', 'incremental exports a minute', Number, 10)
    .parse()
    .opts<{ port: number; data?: string; rateLimit: number; incrementalLimit: number }>();
  const token = process.env['ZENDESK_SANDBOX_TOKEN'];
  const sandbox = await startZendeskSandbox({
    port,
    rateLimitPerMinute: rateLimit,
    incrementalPerMinute: incrementalLimit,
    ...(token !== undefined && { token }),
  });
  if (data !== undefined) console.log('loaded', await loadZendeskData(sandbox.store, data));
  console.log(`Zendesk sandbox  ${sandbox.url}/api/v2`);
  console.log(`credential       ${sandbox.adminEmail}/token:${sandbox.apiToken}`);
  console.log(`state, faults    ${sandbox.url}/_sandbox/state  /_sandbox/stats  /_sandbox/faults`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
