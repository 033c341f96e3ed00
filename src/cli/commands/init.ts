import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { SETTINGS_FILE, loadConfig, type Config } from '../../config/config';
import { bindMapping, loadMapping, offeredBy } from '../../config/mapping';
import { configuredBudgets, configuredSystems } from '../../config/systems';
import { pairCustomFields } from '../../operator/fieldPairs';
import { SECRETS_DIR, SECRET_FILES, mappingFile, settingsFile, type Answers } from '../../operator/setup';
import { ENTITY_TYPES, SIDES, type Side } from '../../sync/record';
import { NeedsHuman, RetryLater } from '../../systems/errors';
import type { SystemPort } from '../../systems/port';
import { questions, type Questions } from '../ask';
import { BadInput, Problem } from '../../operator/errors';
import { paint, printJson, printLine } from '../output';

interface Options {
  dir: string;
  zendeskUrl?: string;
  zendeskEmail?: string;
  pmsUrl?: string;
  yes?: true;
  force?: true;
  json?: true;
}

/** The mapping that comes with the package, from the compiled file and from the source alike. */
function shippedMapping(): string {
  const file = ['../../../mapping.yaml', '../../../../mapping.yaml']
    .map((each) => path.resolve(__dirname, each))
    .find((each) => existsSync(each));
  if (file === undefined) throw new Error('the package comes without its mapping.yaml');
  return file;
}

/** Lies beside it: editors check a mapping by it. */
const SCHEMA = 'mapping.schema.json';
const ATTEMPTS = 3;

export function registerInit(program: Command): void {
  program
    .command('init')
    .description(
      'ask for what is needed, try it, and write the settings and a mapping with your custom fields',
    )
    .option('--dir <dir>', 'folder to write to', '.')
    .option('--zendesk-url <url>', 'https://NAME.zendesk.com, or just NAME')
    .option('--zendesk-email <email>', 'e-mail of the admin whose API token is used')
    .option('--pms-url <url>', 'address of the PMS')
    .option('--yes', 'ask nothing: tokens come from ZENDESK_API_TOKEN and PMS_TOKEN')
    .option('--force', 'replace files that are there')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExample:\n  zendesk-pms-sync init --zendesk-url acme --zendesk-email sync@acme.example --pms-url https://pms.acme.example',
    )
    .action((options: Options) => init(options, process.stdin.isTTY && !options.yes ? questions() : null));
}

/** @param ask null where nobody can be asked */
export async function init(options: Options, ask: Questions | null): Promise<void> {
  const dir = path.resolve(options.dir);
  refuseToReplace(dir, options.force === true);
  const zendeskBaseUrl = zendeskAddress(
    await answer(
      ask,
      '--zendesk-url',
      options.zendeskUrl ?? process.env['ZENDESK_BASE_URL'],
      'Zendesk address or subdomain',
      zendeskFault,
    ),
  );
  const zendeskEmail = await answer(
    ask,
    '--zendesk-email',
    options.zendeskEmail ?? process.env['ZENDESK_EMAIL'],
    'E-mail of the Zendesk admin',
    emailFault,
  );
  const zendesk = await credential(
    'zendesk',
    'ZENDESK_API_TOKEN',
    'Zendesk API token',
    ask,
    options,
    (token) => ({
      ZENDESK_BASE_URL: zendeskBaseUrl,
      ZENDESK_EMAIL: zendeskEmail,
      ZENDESK_API_TOKEN: token,
      // Checked when its turn comes.
      PMS_BASE_URL: 'http://127.0.0.1:1',
      PMS_TOKEN: 'later',
    }),
  );
  const pmsBaseUrl = await answer(
    ask,
    '--pms-url',
    options.pmsUrl ?? process.env['PMS_BASE_URL'],
    'PMS address',
    urlFault,
  );
  const pms = await credential('pms', 'PMS_TOKEN', 'PMS API token', ask, options, (token) => ({
    ...zendesk.env,
    PMS_BASE_URL: pmsBaseUrl,
    PMS_TOKEN: token,
  }));

  const { text, found, added } = await mappingFor(pms.systems);
  const answers: Answers = { zendeskBaseUrl, zendeskEmail, pmsBaseUrl };
  const files = write(dir, answers, { zendeskApiToken: zendesk.token, pmsToken: pms.token }, text);
  if (options.json) return printJson({ files, customFields: { found, mapped: added } });
  for (const file of files) printLine(`wrote ${path.relative(process.cwd(), file) || file}`);
  printLine(
    `${found} custom fields found, ${added} of them mapped; "zendesk-pms-sync mapping check" lists the others`,
  );
  printLine('Next: zendesk-pms-sync doctor, then plan, then start');
}

function refuseToReplace(dir: string, force: boolean): void {
  for (const name of [SETTINGS_FILE, 'mapping.yaml'])
    if (!force && existsSync(path.join(dir, name)))
      throw new BadInput(
        `${path.join(dir, name)} is there already: expected a folder without it, or --force`,
      );
}

async function answer(
  ask: Questions | null,
  option: string,
  given: string | undefined,
  question: string,
  fault: (text: string) => string | null,
): Promise<string> {
  if (ask) return ask.text(question, { ...(given !== undefined && { given }), check: fault });
  if (given === undefined || given === '')
    throw new BadInput(`${option}: found nothing, and there is no terminal to ask at; expected a value`);
  const wrong = fault(given);
  if (wrong !== null) throw new BadInput(`${option}: found "${given}", ${wrong}`);
  return given;
}

/** Asks for a token until the system takes it. */
async function credential(
  side: Side,
  variable: string,
  question: string,
  ask: Questions | null,
  { json }: Options,
  envOf: (token: string) => Record<string, string>,
): Promise<{ token: string; env: Record<string, string>; systems: Record<Side, SystemPort> }> {
  for (let attempt = 1; ; attempt += 1) {
    const known = attempt === 1 ? process.env[variable] : undefined;
    if (!ask && known === undefined)
      throw new BadInput(
        `${variable}: found nothing, and there is no terminal to ask at; expected the token in this variable`,
      );
    const token = known ?? (await ask?.secret(question)) ?? '';
    const env = envOf(token);
    const config: Config = loadConfig(null, env);
    const systems = configuredSystems(config, { budgets: configuredBudgets(config) });
    try {
      const as = await systems[side].whoAmI();
      if (!json) printLine(paint('green', `✓ ${question.replace(' API token', '')} answers, as ${as}`));
      return { token, env, systems };
    } catch (error) {
      if (!(error instanceof NeedsHuman) && !(error instanceof RetryLater)) throw error;
      if (!ask || error instanceof RetryLater || attempt === ATTEMPTS) throw new Problem(error.message);
      process.stderr.write(`${error.message}\n`);
    }
  }
}

/** The shipped mapping, with rows for the custom fields that both systems have. */
async function mappingFor(
  systems: Record<Side, SystemPort>,
): Promise<{ text: string; found: number; added: number }> {
  const shipped = shippedMapping();
  const unchecked = loadMapping(shipped);
  const offered = await offeredBy(unchecked, systems);
  const mapping = bindMapping(unchecked, systems, offered, shipped);
  const fields: Parameters<typeof mappingFile>[1] = {};
  let found = 0;
  let added = 0;
  for (const type of ENTITY_TYPES) {
    const table = mapping.entities[type];
    const infos = {
      zendesk: offered.zendesk.get(table.kind.zendesk) ?? [],
      pms: offered.pms.get(table.kind.pms) ?? [],
    };
    const custom = SIDES.flatMap((side) => infos[side].filter((info) => info.custom)).length;
    // Comments have no custom fields.
    if (custom === 0) continue;
    const paired = pairCustomFields(table, infos);
    fields[type] = paired;
    found += custom;
    added += paired.rows.length * 2;
  }
  return { text: mappingFile(readFileSync(shipped, 'utf8'), fields), found, added };
}

function write(
  dir: string,
  answers: Answers,
  secrets: Record<keyof typeof SECRET_FILES, string>,
  mapping: string,
): string[] {
  const secretsDir = path.join(dir, SECRETS_DIR);
  mkdirSync(secretsDir, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(secretsDir, '.gitignore'), '*\n');
  const files = [SETTINGS_FILE, 'mapping.yaml', SCHEMA].map((name) => path.join(dir, name));
  writeFileSync(path.join(dir, SETTINGS_FILE), settingsFile(answers));
  writeFileSync(path.join(dir, 'mapping.yaml'), mapping);
  copyFileSync(path.join(path.dirname(shippedMapping()), SCHEMA), path.join(dir, SCHEMA));
  for (const [secret, file] of Object.entries(SECRET_FILES)) {
    const at = path.join(dir, file);
    writeFileSync(at, `${secrets[secret as keyof typeof SECRET_FILES]}\n`, { mode: 0o600 });
    files.push(at);
  }
  return files;
}

function zendeskAddress(text: string): string {
  return /^https?:\/\//.test(text) ? text.replace(/\/+$/, '') : `https://${text}.zendesk.com`;
}

function zendeskFault(text: string): string | null {
  return /^[a-z0-9-]+$/i.test(text)
    ? null
    : urlFault(text) && 'expected a subdomain such as acme, or https://acme.zendesk.com';
}

function urlFault(text: string): string | null {
  return z.url({ protocol: /^https?$/ }).safeParse(text).success
    ? null
    : 'expected an address such as https://pms.example.com';
}

function emailFault(text: string): string | null {
  return z.email().safeParse(text).success ? null : 'expected an e-mail address';
}
