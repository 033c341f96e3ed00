import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { ConfigError, variableFor, type Config } from '../../../config/config';
import type { Side } from '../../../sync/record';
import { NeedsHuman, RetryLater } from '../../../systems/errors';
import { receiverAt, type InstalledWebhook, type WebhookInstallation } from '../../../systems/webhookAdmin';
import { CONFIG, CONNECTION, settingsFor, type SettingsOptions } from '../common';
import { webhookAdmins } from '../webhookAdmins';

/** `webhooks install`, `list` and `remove`: the webhooks of both systems that lead to our receiver. */

interface Options extends SettingsOptions {
  name: string;
  json?: boolean;
  secretsDir?: string;
  elsewhere?: true;
}

const SETTING_OF: Record<Side, 'zendeskWebhookSecret' | 'pmsWebhookSecret'> = {
  zendesk: 'zendeskWebhookSecret',
  pms: 'pmsWebhookSecret',
};

export function webhooksCommand(program: Command): void {
  const webhooks = program.command('webhooks').description('the sync’s webhooks in Zendesk and in the PMS');
  const common = (command: Command) =>
    command
      .option(...CONFIG)
      .option(...CONNECTION)
      .option('--name <name>', 'name of the webhook', 'zendesk-pms-sync')
      .option('--json', 'print JSON');
  common(webhooks.command('install'))
    .description('create or update them, and print their signing secrets')
    .option('--secrets-dir <dir>', 'write the secrets to files there instead of printing them')
    .action((options: Options) => inOneLine(() => install(options)));
  common(webhooks.command('list'))
    .description('show ours')
    .action((options: Options) => inOneLine(() => list(options)));
  common(webhooks.command('remove'))
    .description('remove ours')
    .option(
      '--elsewhere',
      'remove webhooks of this name that lead to another address, e.g. to a former PUBLIC_URL',
    )
    .action((options: Options) => inOneLine(() => remove(options)));
}

async function install({ name, json, secretsDir, ...options }: Options): Promise<void> {
  const { config, receiver } = settings(options);
  const made = randomBytes(32).toString('base64url');
  const done: WebhookInstallation[] = [];
  for (const admin of webhookAdmins(config, config.pmsWebhookSecret?.[0] ?? made))
    done.push(await admin.install(name, receiver));
  if (secretsDir !== undefined) writeSecrets(secretsDir, done);
  if (json) {
    print(secretsDir === undefined ? done : done.map(({ secret: _, ...rest }) => rest));
    return;
  }
  for (const webhook of done) {
    const variable = variableFor(config, SETTING_OF[webhook.side]);
    console.log(`${line(webhook)}  ${webhook.done}`);
    if (webhook.secret === null) {
      const known = config[SETTING_OF[webhook.side]] !== undefined;
      const advice = known
        ? 'is assumed to be correct'
        : 'must be set, or remove the webhook and install it again';
      console.log(`  the system does not show its secret: ${variable} ${advice}`);
    } else if (secretsDir === undefined) console.log(`  ${variable}=${webhook.secret}`);
    else console.log(`  ${variable}_FILE=${secretFile(secretsDir, webhook.side)}`);
  }
}

async function list({ name, json, ...options }: Options): Promise<void> {
  const { config, receiver } = settings(options);
  const found = (await Promise.all(webhookAdmins(config).map((admin) => admin.list(name, receiver)))).flat();
  if (json) print(found);
  else if (found.length === 0) console.log(`no webhook "${name}" leads to ${receiver}`);
  else for (const webhook of found) console.log(line(webhook));
}

async function remove({ name, json, elsewhere, ...options }: Options): Promise<void> {
  const { config, receiver } = settings(options);
  const removed: InstalledWebhook[] = [];
  for (const admin of webhookAdmins(config)) {
    const found = elsewhere ? await admin.elsewhere?.(name, receiver) : await admin.list(name, receiver);
    for (const webhook of found ?? []) {
      await admin.remove(webhook);
      removed.push(webhook);
    }
  }
  if (json) print(removed);
  else if (removed.length === 0)
    console.log(
      `no webhook "${name}" leads ${elsewhere ? 'elsewhere than' : ''} to ${receiver}`.replace(/ +/g, ' '),
    );
  else for (const webhook of removed) console.log(`${line(webhook)}  removed`);
}

function settings(options: SettingsOptions): { config: Config; receiver: string } {
  const config = settingsFor(options);
  if (config.publicUrl === undefined) {
    throw new ConfigError(
      'PUBLIC_URL: found nothing, expected the address at which both systems reach the receiver, e.g. https://sync.example.com',
    );
  }
  return { config, receiver: receiverAt(config.publicUrl, config.connection) };
}

function writeSecrets(dir: string, webhooks: WebhookInstallation[]): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const { side, secret } of webhooks)
    if (secret !== null) writeFileSync(secretFile(dir, side), `${secret}\n`, { mode: 0o600 });
}

function secretFile(dir: string, side: Side): string {
  return path.resolve(dir, `${side}-webhook-secret`);
}

function line({ side, name, url, id }: InstalledWebhook): string {
  return `${side.padEnd(7)}  ${name}  ${url}  ${id}`;
}

function print(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** A person must resolve a refusal or a missing answer, so it is reported in one line, like a wrong setting. */
async function inOneLine(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof NeedsHuman || error instanceof RetryLater) throw new ConfigError(error.message);
    throw error;
  }
}
