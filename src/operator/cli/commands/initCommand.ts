import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { SETTINGS_FILE } from '../../../config/config';
import { bindMapping, loadMapping, offeredBy } from '../../../config/loadMapping';
import { pairCustomFields } from '../../fieldPairs';
import { SECRETS_DIR, SECRET_FILES, mappingFile, settingsFile, type Answers } from '../../setup';
import { ENTITY_TYPES, SIDES, type Side } from '../../../sync/record';
import type { SystemPort } from '../../../systems/port';
import { BACK, GoBack, questions, type Questions } from '../ask';
import { examples } from '../common';
import { BadInput, Problem } from '../../operatorErrors';
import {
  answer,
  dialogueWith,
  pmsApi,
  consoleTokenFor,
  signInToPms,
  signInToZendesk,
  type Dialogue,
  type Secrets,
} from '../initCredentials';
import { printJson, printLine } from '../output';
import { folderNamed } from '../targets';
import { commandLine } from '../../../platform/commandLine';

interface Options {
  dir: string;
  zendeskUrl?: string;
  zendeskClientId?: string;
  zendeskEmail?: string;
  pmsUrl?: string;
  yes?: true;
  force?: true;
  json?: true;
}

/** The mapping of the package. The path is the same from the compiled file and from the source. */
function shippedMapping(): string {
  const file = ['../../../../../mapping.yaml', '../../../../mapping.yaml']
    .map((each) => path.resolve(__dirname, each))
    .find((each) => existsSync(each));
  if (file === undefined) throw new Error('the package comes without its mapping.yaml');
  return file;
}

/** The first mapping: the one beside the profile with the profile's name, or else the shipped one. */
function initialMapping(profile: string | undefined): string {
  const shipped = shippedMapping();
  if (profile === undefined) return shipped;
  const file = /[/\\.]/.test(profile)
    ? path.resolve(profile)
    : path.join(path.dirname(shipped), 'profiles', `${profile}.yaml`);
  const own = file.replace(/\.ya?ml$/, '.mapping.yaml');
  return own !== file && existsSync(own) ? own : shipped;
}

/** Stored beside the mapping; editors check the mapping by it. */
const SCHEMA = 'mapping.schema.json';

export function registerInit(program: Command): void {
  program
    .command('init')
    .description(
      'ask for addresses and secrets, test them, and write settings and a mapping with your custom fields',
    )
    .option('--dir <dir>', 'folder to write to', folderNamed('--dir'), '.')
    .option('--zendesk-url <url>', 'https://NAME.zendesk.com, or just NAME')
    .option('--zendesk-client-id <identifier>', 'Identifier of the OAuth client in Zendesk')
    .option('--zendesk-email <email>', 'to use an API token instead: e-mail of the admin whose token it is')
    .option('--pms-url <url>', 'address of the PMS')
    .option(
      '--yes',
      'ask nothing: secrets come from ZENDESK_OAUTH_CLIENT_SECRET (or ZENDESK_API_TOKEN) and PMS_TOKEN',
    )
    .option('--force', 'replace existing files')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'init',
        'init --yes --zendesk-url acme --zendesk-client-id pms_sync --pms-url https://pms.acme.example',
      ),
    )
    .action((options: Options) => init(options, process.stdin.isTTY && !options.yes ? questions() : null));
}

/** @param ask null if there is no terminal */
export async function init(options: Options, ask: Questions | null): Promise<void> {
  const dir = path.resolve(options.dir);
  refuseToReplace(dir, options.force === true);
  const dialogue = dialogueWith(ask, options.json === true);
  if (ask)
    printLine(
      `Type ${BACK} to go back, first to the address of this system, then to the previous system. Ctrl-C stops; nothing is written then.`,
    );
  const { zendesk: signedIn, pms } = await bothSides(options, dialogue);
  const { zendesk, notices } = signedIn;
  const zendeskBaseUrl = signedIn.baseUrl;
  const pmsBaseUrl = pms.baseUrl;

  const { PMS_PROFILE: pmsProfile, PMS_USER: pmsUser } = pmsApi();
  const { consoleToken } = pms;
  const { text, found, added } = await mappingFor(pms.systems, initialMapping(pmsProfile));
  const answers: Answers = {
    ...{ zendeskBaseUrl, zendesk, pmsBaseUrl, pmsProfile, pmsUser },
    console: consoleToken !== null,
  };
  const secrets = { ...signedIn.secrets, ...pms.secrets, ...(consoleToken !== null && { consoleToken }) };
  const files = write(dir, answers, secrets, text);
  if (options.json) return printJson({ files, customFields: { found, mapped: added }, notices });
  for (const file of files) printLine(`wrote ${path.relative(process.cwd(), file) || file}`);
  printLine(
    `${found} custom fields found, ${added} of them mapped; "${commandLine('mapping check')}" lists the others`,
  );
  printLine(`Next:\n${nextSteps(options.dir).join('\n')}`);
}

interface BothSides {
  zendesk: Awaited<ReturnType<typeof signInToZendesk>> & { baseUrl: string };
  pms: Awaited<ReturnType<typeof signInToPms>> & { baseUrl: string; consoleToken: string | null };
}

function nextSteps(dir: string): string[] {
  const typed = ['doctor', 'plan --summary', 'start'].map((words) => `  ${commandLine(words)}`);
  return path.resolve(dir) === process.cwd() ? typed : [`  cd ${dir}`, ...typed];
}

/** Asks for Zendesk, then for the PMS. @throws BadInput, Problem */
async function bothSides(options: Options, dialogue: Dialogue): Promise<BothSides> {
  for (;;) {
    const zendesk = await untilAnswered(dialogue, async () => {
      const known = options.zendeskUrl ?? process.env['ZENDESK_BASE_URL'];
      const question = 'Zendesk address or subdomain';
      const typed = await answer(dialogue, '--zendesk-url', known, question, zendeskFault);
      const baseUrl = zendeskAddress(typed);
      return { ...(await signInToZendesk(baseUrl, options, dialogue)), baseUrl };
    });
    // "Back" on the second side returns to the first one; on the first side, it has no effect.
    if (zendesk === 'back') continue;
    const pms = await untilAnswered(dialogue, async () => {
      const known = options.pmsUrl ?? process.env['PMS_BASE_URL'];
      const typed = await answer(dialogue, '--pms-url', known, 'PMS address', urlFault).catch(
        (error: unknown) => {
          throw error instanceof GoBack ? new LeaveSide() : error;
        },
      );
      const baseUrl = pmsAddress(typed);
      const accepted = await signInToPms(baseUrl, zendesk.env, dialogue);
      return { ...accepted, baseUrl, consoleToken: await consoleTokenFor(dialogue) };
    });
    if (pms !== 'back') return { zendesk, pms };
  }
}

/** "Back" on the first question of a side. */
class LeaveSide extends Error {}

/** Asks for the address again if a system does not answer or a person goes back. Earlier answers are offered again. */
async function untilAnswered<T>({ ask }: Dialogue, side: () => Promise<T>): Promise<T | 'back'> {
  for (;;) {
    try {
      return await side();
    } catch (error) {
      if (error instanceof LeaveSide) return 'back';
      if (error instanceof GoBack) continue;
      if (!ask || !(error instanceof Problem)) throw error;
      process.stderr.write(`${error.message}\n`);
    }
  }
}

function refuseToReplace(dir: string, force: boolean): void {
  for (const name of [SETTINGS_FILE, 'mapping.yaml'])
    if (!force && existsSync(path.join(dir, name)))
      throw new BadInput(
        `${path.join(dir, name)} is there already: expected a folder without it, or --force`,
      );
}

/** The mapping with rows for the custom fields that both systems have. */
async function mappingFor(
  systems: Record<Side, SystemPort>,
  shipped: string,
): Promise<{ text: string; found: number; added: number }> {
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

function write(dir: string, answers: Answers, secrets: Secrets, mapping: string): string[] {
  const secretsDir = path.join(dir, SECRETS_DIR);
  mkdirSync(secretsDir, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(secretsDir, '.gitignore'), '*\n');
  const files = [SETTINGS_FILE, 'mapping.yaml', SCHEMA].map((name) => path.join(dir, name));
  writeFileSync(path.join(dir, SETTINGS_FILE), settingsFile(answers));
  writeFileSync(path.join(dir, 'mapping.yaml'), mapping);
  copyFileSync(path.join(path.dirname(shippedMapping()), SCHEMA), path.join(dir, SCHEMA));
  for (const [name, file] of Object.entries(SECRET_FILES)) {
    const secret = secrets[name as keyof typeof SECRET_FILES];
    if (secret === undefined) continue;
    const at = path.join(dir, file);
    writeFileSync(at, `${secret}\n`, { mode: 0o600 });
    files.push(at);
  }
  return files;
}

/** The account's address, from the address of any of its pages or of its API. */
function zendeskAddress(text: string): string {
  return /^https?:\/\//.test(text) ? new URL(text).origin : `https://${text}.zendesk.com`;
}

/** Removes the path of the contract's API, because the profile adds it. */
function pmsAddress(text: string): string {
  return text.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
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
