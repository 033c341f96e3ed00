#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander';
import { loadZendeskData } from './load';
import { SWITCHES, SWITCH_NAMES, type Rules } from './rules/switches';
import { startZendeskSandbox } from './server';

interface Options {
  port: number;
  data?: string;
  rateLimit: number;
  incrementalLimit: number;
  ticketUpdateLimit: number;
  apiTokens: boolean;
  rule: Partial<Rules>;
}

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

/** `npm run sandbox:zendesk`: the Zendesk sandbox on its own. */
async function main(): Promise<void> {
  const { port, data, rateLimit, incrementalLimit, ticketUpdateLimit, apiTokens, rule } = new Command(
    'zendesk-sandbox',
  )
    .option('--port <n>', 'port to listen on (0: a free one)', Number, 0)
    .option('--data <dir>', 'load records from this folder')
    .option('--rate-limit <n>', 'calls a minute', Number, 700)
    .option('--incremental-limit <n>', 'incremental exports a minute', Number, 10)
    .option('--ticket-update-limit <n>', 'ticket updates a minute; 20 in a trial account', Number, 100)
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
  if (data !== undefined) console.log('loaded', await loadZendeskData(sandbox.store, data));
  console.log(`Zendesk sandbox  ${sandbox.url}/api/v2`);
  console.log(`credential       acts as ${sandbox.adminEmail}:`);
  console.log(`ZENDESK_OAUTH_CLIENT_ID=${sandbox.clientId}`);
  console.log(`ZENDESK_OAUTH_CLIENT_SECRET=${sandbox.clientSecret}`);
  if (apiTokens) {
    console.log(`ZENDESK_EMAIL=${sandbox.adminEmail}`);
    console.log(`ZENDESK_API_TOKEN=${sandbox.apiToken}`);
  }
  console.log(
    `state, faults    ${sandbox.url}/_sandbox/state  /_sandbox/stats  /_sandbox/faults  /_sandbox/rules`,
  );
  console.log(`OAuth            ${sandbox.url}/_sandbox/oauth`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
