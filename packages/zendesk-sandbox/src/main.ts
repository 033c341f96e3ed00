#!/usr/bin/env node
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { countGiven, folderGiven, oneLine, portGiven } from './common';
import { loadZendeskData, type Loaded } from './load';
import { SWITCHES, SWITCH_NAMES, type Rules } from './rules/switches';
import { startZendeskSandbox, type ZendeskSandbox } from './server';

interface Options {
  port: number;
  data?: string;
  empty?: true;
  rateLimit: number;
  incrementalLimit: number;
  ticketUpdateLimit: number;
  apiTokens: boolean;
  rule: Partial<Rules>;
}

const SAMPLES = path.resolve(__dirname, '../samples');

/** `foreignOption=empties`, `optionTags=false`. */
function withRule(setting: string, before: Partial<Rules>): Partial<Rules> {
  const [name = '', value = ''] = setting.split('=');
  const known = SWITCH_NAMES.find((each) => each === name);
  if (known === undefined)
    throw new InvalidArgumentError(`expected a rule of README.md: ${SWITCH_NAMES.join(', ')}`);
  const values: readonly (string | boolean)[] = SWITCHES[known].values;
  const found = values.find((each) => String(each) === value);
  if (found === undefined) throw new InvalidArgumentError(`expected ${name}=${values.join('|')}`);
  return { ...before, [name]: found };
}

/** `npm run sandbox:zendesk`: starts only the Zendesk sandbox. */
async function main(): Promise<void> {
  const { port, data, empty, rateLimit, incrementalLimit, ticketUpdateLimit, apiTokens, rule } = new Command(
    'zendesk-sandbox',
  )
    .option('--port <n>', 'port to listen on (0: a free one)', portGiven, 0)
    .option('--data <dir>', 'load records from this folder instead of the samples', folderGiven)
    .option('--empty', 'load no records')
    .option('--rate-limit <n>', 'calls a minute', countGiven, 700)
    .option('--incremental-limit <n>', 'incremental exports a minute', countGiven, 10)
    .option('--ticket-update-limit <n>', 'ticket updates a minute; 20 in a trial account', countGiven, 100)
    .option('--api-tokens', 'take API tokens, too, as accounts do until 2027-04-30', false)
    .option(
      '--rule <name=value...>',
      'rules that differ from the real Zendesk, as in README.md',
      withRule,
      {},
    )
    .parse()
    .opts<Options>();
  const {
    ZENDESK_SANDBOX_TOKEN: token,
    ZENDESK_OAUTH_CLIENT_ID: clientId,
    ZENDESK_OAUTH_CLIENT_SECRET: clientSecret,
  } = process.env;
  const sandbox = await startZendeskSandbox({
    port,
    rateLimitPerMinute: rateLimit,
    incrementalPerMinute: incrementalLimit,
    ticketUpdatesPerMinute: ticketUpdateLimit,
    apiTokens,
    ...(Object.keys(rule).length > 0 && { obeys: rule }),
    ...(token !== undefined && { token }),
    ...(clientId !== undefined && { clientId }),
    ...(clientSecret !== undefined && { clientSecret }),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
  try {
    if (!empty) report(await loadZendeskData(sandbox.store, data ?? SAMPLES));
  } catch (error) {
    await sandbox.close();
    throw error;
  }
  // Each line can be pasted into a shell, and each setting into an answer of "zendesk-pms-sync init".
  console.log(`ZENDESK_BASE_URL=${sandbox.url}`);
  console.log(`ZENDESK_OAUTH_CLIENT_ID=${sandbox.clientId}`);
  console.log(`ZENDESK_OAUTH_CLIENT_SECRET=${sandbox.clientSecret}`);
  if (apiTokens) {
    console.log(`ZENDESK_EMAIL=${sandbox.adminEmail}`);
    console.log(`ZENDESK_API_TOKEN=${sandbox.apiToken}`);
  }
  console.log(`# acts as ${sandbox.adminEmail}; the API is at ${sandbox.url}/api/v2`);
  console.log(
    `# state, faults: ${['state', 'stats', 'faults', 'rules', 'oauth'].map((each) => `${sandbox.url}/_sandbox/${each}`).join('  ')}`,
  );
  if (!empty) console.log(howToEdit(sandbox));
  console.log(
    '# Ctrl-C stops it; its records and secrets are gone then: begin with a new folder of settings',
  );
}

function howToEdit({ url, bearer }: ZendeskSandbox): string {
  return `# to edit ticket 123 as an agent does, paste this line into another terminal (its token ends after a while):
curl -X PUT ${url}/api/v2/tickets/123.json -H 'authorization: Bearer ${bearer('ann@sandbox.example')}' -H 'content-type: application/json' -d '{"ticket":{"subject":"Edited in Zendesk"}}' -w '\\n'`;
}

function report({ organizations, tickets, comments, users, skipped }: Loaded): void {
  console.log(
    `# Zendesk sandbox: ${organizations} organizations, ${tickets} tickets, ${comments} comments, ${users} users`,
  );
  for (const line of skipped) console.log(`# left out: ${line}`);
}

main().catch((error: unknown) => {
  console.error(oneLine(error));
  process.exitCode = 1;
});
