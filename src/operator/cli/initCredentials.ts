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
import type { Questions } from './ask';
import { paint, printLine } from './output';

/** How `init` asks for credentials, and tries each until its system takes it. */

export interface Dialogue {
  /** Null if there is no terminal: all values come from options and the environment. */
  ask: Questions | null;
  /** Standard output is for the results alone. */
  json: boolean;
}

export type Secrets = Partial<Record<keyof typeof SECRET_FILES, string>>;

/** What a system took. */
interface Given {
  /** The settings that say so, as variables. */
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
const CLIENT_OR_TOKEN = `${CLIENT} (leave it empty to use an API token)`;
/** Its turn comes later. */
const NO_PMS_YET = { PMS_BASE_URL: 'http://127.0.0.1:1', PMS_TOKEN: 'later' };

/**
 * Signs in to Zendesk by an OAuth client; by an API token where the person prefers one.
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
  { ask }: Dialogue,
): Promise<string | null> {
  if (email !== undefined) return null;
  const known = option ?? process.env['ZENDESK_OAUTH_CLIENT_ID'] ?? '';
  if (known !== '') return ask ? ask.text(CLIENT, { given: known, check: filled }) : known;
  if (ask) return (await ask.text(CLIENT_OR_TOKEN)).trim() || null;
  if (process.env['ZENDESK_EMAIL'] !== undefined) return null;
  throw new BadInput(
    '--zendesk-client-id: found nothing, and there is no terminal to ask at; expected the Identifier of an OAuth client',
  );
}

function byClient(baseUrl: string, first: string, dialogue: Dialogue): Promise<Accepted<ZendeskGiven>> {
  const scopes = process.env['ZENDESK_OAUTH_SCOPES'];
  let clientId = first;
  return accepted('zendesk', 'Zendesk', dialogue, async (attempt) => {
    if (attempt > 1) clientId = (await dialogue.ask?.text(CLIENT, { given: clientId, check: filled })) ?? '';
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
    email = await answer(dialogue, '--zendesk-email', email, question, emailFault);
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

/** @param zendesk the variables of the side that was asked for before */
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

/** What the environment says of the PMS's API, and is not asked for. */
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
      if (!dialogue.ask || error instanceof RetryLater || attempt === ATTEMPTS)
        throw new Problem(error.message);
      process.stderr.write(`${error.message}\n`);
    }
  }
}

/** What is in the environment is tried first, and only once. */
async function secretOf(
  variable: string,
  question: string,
  { ask }: Dialogue,
  attempt: number,
): Promise<string> {
  const known = attempt === 1 ? process.env[variable] : undefined;
  if (known !== undefined) return known;
  if (ask) return ask.secret(question);
  throw new BadInput(
    `${variable}: found nothing, and there is no terminal to ask at; expected the secret in this variable`,
  );
}

/** @throws BadInput if there is no terminal, and the given value is missing or wrong */
export async function answer(
  { ask }: Dialogue,
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

function tell({ json }: Dialogue, notice: string): void {
  if (!json) printLine(paint('yellow', `! ${notice}`));
}

function filled(text: string): string | null {
  return text.trim() === '' ? 'expected the Identifier of an OAuth client' : null;
}

function emailFault(text: string): string | null {
  return z.email().safeParse(text).success ? null : 'expected an e-mail address';
}
