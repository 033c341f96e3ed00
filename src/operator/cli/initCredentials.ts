import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { configOf } from '../../config/config';
import { configuredBudgets, configuredSystems } from '../../config/configuredSystems';
import { BadInput, Problem } from '../operatorErrors';
import type { Answers, SECRET_FILES } from '../setup';
import type { Side } from '../../sync/record';
import { NeedsHuman, RetryLater } from '../../systems/errors';
import type { SystemPort } from '../../systems/port';
import { apiTokenDaysLeft, apiTokenNotice } from '../../systems/zendesk/apiTokens';
import { scopeNotice } from '../../systems/zendesk/zendeskAuth';
import { BACK, otherSetting, pasted, type Questions } from './ask';
import { paint, printLine } from './output';

/** Asks for credentials in `init`, until each system accepts its own. */

export interface Dialogue {
  /** Null if there is no terminal: all values come from options and the environment. */
  ask: Questions | null;
  /** Standard output is reserved for the results. */
  json: boolean;
  /** Earlier answers, by the variable's name. They are offered again; Enter alone repeats a secret. */
  kept: Map<string, string>;
}

/** A dialogue without answers. */
export function dialogueWith(ask: Questions | null, json: boolean): Dialogue {
  return { ask, json, kept: new Map() };
}

export type Secrets = Partial<Record<keyof typeof SECRET_FILES, string>>;

/** Credentials that a system has accepted. */
interface Given {
  /** The settings with these credentials, as environment variables. */
  env: Record<string, string>;
  secrets: Secrets;
}
export type Accepted<T extends Given = Given> = T & { systems: Record<Side, SystemPort> };
type ZendeskGiven = Given & { zendesk: Answers['zendesk']; notices: string[] };

interface ZendeskOptions {
  zendeskClientId?: string;
  zendeskEmail?: string;
}

const ATTEMPTS = 3;
const CLIENT = 'Identifier of the Zendesk OAuth client';
const CLIENT_VARIABLE = 'ZENDESK_OAUTH_CLIENT_ID';
const CLIENT_OR_TOKEN = `${CLIENT} (leave it empty to use an API token)`;
/** Placeholders, because `init` asks for the PMS after Zendesk. */
const NO_PMS_YET = { PMS_BASE_URL: 'http://127.0.0.1:1', PMS_TOKEN: 'later' };

/**
 * Signs in to Zendesk with an OAuth client, or with an API token if the person prefers one.
 * @throws BadInput, Problem
 */
export async function signInToZendesk(
  baseUrl: string,
  { zendeskClientId, zendeskEmail }: ZendeskOptions,
  dialogue: Dialogue,
): Promise<Accepted<ZendeskGiven>> {
  if (zendeskClientId !== undefined && zendeskEmail !== undefined)
    throw new BadInput('--zendesk-client-id: found --zendesk-email, too; expected one of the two');
  const clientId = await firstClientId(zendeskClientId, zendeskEmail, dialogue);
  return clientId === null
    ? byApiToken(baseUrl, zendeskEmail ?? process.env['ZENDESK_EMAIL'], dialogue)
    : byClient(baseUrl, clientId, dialogue);
}

/** @returns null for an API token */
async function firstClientId(
  option: string | undefined,
  email: string | undefined,
  dialogue: Dialogue,
): Promise<string | null> {
  const { ask, kept } = dialogue;
  const keep = (name: string, text: string) => keptAs(dialogue, name, text);
  if (email !== undefined) return null;
  const known = kept.get(CLIENT) ?? option ?? process.env['ZENDESK_OAUTH_CLIENT_ID'] ?? '';
  if (known !== '')
    return ask ? keep(CLIENT, await ask.text(CLIENT, { given: known, check: filled })) : known;
  if (ask) {
    const check = (text: string) => otherSetting(text, CLIENT_VARIABLE);
    const given = pasted(await ask.text(CLIENT_OR_TOKEN, { check }));
    return given === '' ? null : keep(CLIENT, given);
  }
  if (process.env['ZENDESK_EMAIL'] !== undefined) return null;
  throw new BadInput(
    '--zendesk-client-id: found nothing, and there is no terminal to ask at; expected the Identifier of an OAuth client',
  );
}

function byClient(baseUrl: string, first: string, dialogue: Dialogue): Promise<Accepted<ZendeskGiven>> {
  const scopes = process.env['ZENDESK_OAUTH_SCOPES'];
  let clientId = first;
  return accepted('zendesk', 'Zendesk', dialogue, async (attempt) => {
    if (attempt > 1)
      clientId = keptAs(
        dialogue,
        CLIENT,
        (await dialogue.ask?.text(CLIENT, { given: clientId, check: filled })) ?? '',
      );
    const variable = 'ZENDESK_OAUTH_CLIENT_SECRET';
    const secret = await secretOf(variable, 'Secret of that OAuth client', dialogue, attempt);
    return {
      env: {
        ...{ ZENDESK_BASE_URL: baseUrl, ZENDESK_OAUTH_CLIENT_ID: clientId, [variable]: secret },
        ...(scopes !== undefined && { ZENDESK_OAUTH_SCOPES: scopes }),
        ...NO_PMS_YET,
      },
      secrets: { zendeskOauthClientSecret: secret },
      zendesk: { by: 'oauth', clientId, scopes: scopes ?? null },
      notices: [],
    };
  });
}

async function byApiToken(
  baseUrl: string,
  first: string | undefined,
  dialogue: Dialogue,
): Promise<Accepted<ZendeskGiven>> {
  const notice = apiTokenNotice(apiTokenDaysLeft(new Date()));
  tell(dialogue, notice);
  let email = first;
  return accepted('zendesk', 'Zendesk', dialogue, async (attempt) => {
    const question = 'E-mail of the Zendesk admin';
    email = emailOf(await answer(dialogue, '--zendesk-email', email, question, emailFault));
    const variable = 'ZENDESK_API_TOKEN';
    const token = await secretOf(variable, 'Zendesk API token', dialogue, attempt);
    return {
      env: { ZENDESK_BASE_URL: baseUrl, ZENDESK_EMAIL: email, [variable]: token, ...NO_PMS_YET },
      secrets: { zendeskApiToken: token },
      zendesk: { by: 'apiToken', email },
      notices: [notice],
    };
  });
}

/** @param zendesk the variables of Zendesk, which was asked for first */
export function signInToPms(
  baseUrl: string,
  zendesk: Record<string, string>,
  dialogue: Dialogue,
): Promise<Accepted> {
  return accepted('pms', 'PMS', dialogue, async (attempt) => {
    const token = await secretOf('PMS_TOKEN', 'PMS API token', dialogue, attempt);
    return {
      env: { ...zendesk, ...pmsApi(), PMS_BASE_URL: baseUrl, PMS_TOKEN: token },
      secrets: { pmsToken: token },
    };
  });
}

const CONSOLE_VARIABLE = 'CONSOLE_TOKEN';
const CONSOLE_TOKEN_BYTES = 24;
const YES_OR_NO = /^(y|yes|n|no)$/i;

/**
 * The token of the web console: from the environment, or a new one if the person wants the console.
 * @returns null without a console @throws GoBack
 */
export async function consoleTokenFor({ ask, kept }: Dialogue): Promise<string | null> {
  const given = process.env[CONSOLE_VARIABLE] ?? '';
  if (given !== '') return given;
  if (!ask) return null;
  const question = 'Switch on the web console? init makes a token for it (yes or no)';
  const check = (text: string) =>
    text.trim() === BACK || YES_OR_NO.test(text.trim()) ? null : 'expected yes or no';
  const answered = await ask.text(question, { given: kept.get(CONSOLE_VARIABLE) ?? 'yes', check });
  kept.set(CONSOLE_VARIABLE, pasted(answered));
  if (pasted(answered).toLowerCase().startsWith('n')) return null;
  return randomBytes(CONSOLE_TOKEN_BYTES).toString('base64url');
}

/** Settings of the PMS's API that come from the environment, and that `init` does not ask for. */
export function pmsApi(): Record<string, string> {
  return Object.fromEntries(
    ['PMS_PROFILE', 'PMS_ADAPTER', 'PMS_USER'].flatMap((name) => {
      const value = process.env[name] ?? '';
      return value === '' ? [] : [[name, value]];
    }),
  );
}

/** Asks for a credential until the system accepts it. @throws Problem if it is refused and there is no terminal */
async function accepted<T extends Given & { notices?: string[] }>(
  side: Side,
  name: string,
  dialogue: Dialogue,
  give: (attempt: number) => Promise<T>,
): Promise<Accepted<T>> {
  for (let attempt = 1; ; attempt += 1) {
    const given = await give(attempt);
    const config = configOf(given.env);
    const notices = new Set<string>();
    const systems = configuredSystems(config, {
      budgets: configuredBudgets(config),
      onGrant: (grant) => {
        const notice = scopeNotice(grant);
        if (notice !== null) notices.add(notice);
      },
    });
    try {
      const as = await systems[side].whoAmI();
      if (!dialogue.json) printLine(paint('green', `✓ ${name} answers, as ${as}`));
      for (const notice of notices) tell(dialogue, notice);
      given.notices?.push(...notices);
      return { ...given, systems };
    } catch (error) {
      if (!(error instanceof NeedsHuman) && !(error instanceof RetryLater)) throw error;
      // If there is no answer, or another address is needed, `init` asks for the address again.
      if (!dialogue.ask || error instanceof RetryLater || attempt === ATTEMPTS)
        throw new Problem(error.message);
      process.stderr.write(`${error.message}\n`);
    }
  }
}

/** The value of the environment is tried first, and only once. @throws GoBack, BadInput */
async function secretOf(
  variable: string,
  question: string,
  dialogue: Dialogue,
  attempt: number,
): Promise<string> {
  const { ask, kept } = dialogue;
  const before = attempt === 1 ? kept.get(variable) : undefined;
  const known = attempt === 1 && before === undefined ? process.env[variable] : undefined;
  if (known !== undefined) return keptAs(dialogue, variable, known);
  if (ask) {
    const check = (text: string) => otherSetting(text, variable);
    const given = pasted(await ask.secret(question, before !== undefined, check));
    return keptAs(dialogue, variable, given === '' ? (before ?? '') : given);
  }
  throw new BadInput(
    `${variable}: found nothing, and there is no terminal to ask at; expected the secret in this variable`,
  );
}

function keptAs({ kept }: Dialogue, name: string, text: string): string {
  const given = pasted(text);
  kept.set(name, given);
  return given;
}

/** The variables whose values options may give. */
const VARIABLES: Readonly<Record<string, string[]>> = {
  '--zendesk-url': ['ZENDESK_BASE_URL', 'ZENDESK_SUBDOMAIN'],
  '--zendesk-email': ['ZENDESK_EMAIL'],
  '--pms-url': ['PMS_BASE_URL'],
};

/** @throws BadInput if there is no terminal, and the given value is missing or wrong */
export async function answer(
  { ask, kept }: Dialogue,
  option: string,
  given: string | undefined,
  question: string,
  fault: (text: string) => string | null,
): Promise<string> {
  if (ask) {
    const offered = kept.get(option) ?? given;
    const check = (text: string) =>
      text.trim() === BACK ? null : (otherSetting(text, ...(VARIABLES[option] ?? [])) ?? fault(pasted(text)));
    const answer = await ask.text(question, { ...(offered !== undefined && { given: offered }), check });
    const meant = pasted(answer);
    kept.set(option, meant);
    return meant;
  }
  if (given === undefined || given === '')
    throw new BadInput(`${option}: found nothing, and there is no terminal to ask at; expected a value`);
  const wrong = fault(given);
  if (wrong !== null) throw new BadInput(`${option}: found "${given}", ${wrong}`);
  return given;
}

function tell({ json }: Dialogue, notice: string): void {
  if (!json) printLine(paint('yellow', `! ${notice}`));
}

function filled(text: string): string | null {
  const other = otherSetting(text, CLIENT_VARIABLE);
  if (other !== null) return other;
  return text.trim() !== BACK && pasted(text) === '' ? 'expected the Identifier of an OAuth client' : null;
}

/** Zendesk's own examples add `/token`: `ada@acme.example/token` */
function emailOf(text: string): string {
  return text.replace(/\/token$/, '');
}

function emailFault(text: string): string | null {
  return z.email().safeParse(emailOf(text)).success ? null : 'expected an e-mail address';
}
