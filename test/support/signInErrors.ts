import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { ZendeskSandbox } from 'zendesk-sandbox';
import { controlsOf } from 'testkit';
import type { FaultInput } from 'zendesk-sandbox/common';
import type { UserError } from './userErrors';

/** Errors when the sync signs in to Zendesk, for docs/errors.md. */

const CLIENT = 'ZENDESK_OAUTH_CLIENT_ID';
const SECRET = 'ZENDESK_OAUTH_CLIENT_SECRET';
const SCOPES = 'ZENDESK_OAUTH_SCOPES';
const DAY_MS = 24 * 60 * 60 * 1_000;

/** An API token instead of the OAuth client. */
const API_TOKEN = {
  [CLIENT]: undefined,
  [SECRET]: undefined,
  ZENDESK_EMAIL: 'sync@acme.example',
  ZENDESK_API_TOKEN: 'wrong-credential',
};

/** Moves the command's clock. */
const ahead = (ms: number) => ({
  NODE_OPTIONS: `--require ${path.join(__dirname, 'movedClock.cjs')}`,
  ZPS_TEST_AHEAD_MS: String(Math.round(ms)),
});
const on = (day: string) => ahead(Date.parse(`${day}T12:00:00Z`) - Date.now());

/** A client that the given administrator creates. @returns its number, and the variables for it */
async function newClient(
  zendesk: ZendeskSandbox,
  email: string,
  identifier: string,
): Promise<{ id: number; variables: Record<string, string> }> {
  const body = { client: { identifier, name: identifier } };
  const { client } = (await api(zendesk, email, 'POST', '/oauth/clients', body)) as {
    client: { id: number; secret: string };
  };
  return { id: client.id, variables: { [CLIENT]: identifier, [SECRET]: client.secret } };
}

async function api(
  zendesk: ZendeskSandbox,
  email: string,
  method: string,
  at: string,
  body?: object,
): Promise<unknown> {
  const answer = await fetch(`${zendesk.url}/api/v2${at}`, {
    method,
    headers: { authorization: `Bearer ${zendesk.bearer(email)}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${at}: answered ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

/** The client that Ann created before a change of her role or her account. */
async function clientOfAnn(zendesk: ZendeskSandbox, changed: object): Promise<Record<string, string>> {
  const ann = 'ann@sandbox.example';
  const { variables } = await newClient(zendesk, ann, 'made_by_ann');
  const { id } = zendesk.store.userByEmail.get(ann) ?? {};
  await api(zendesk, zendesk.adminEmail, 'PUT', `/users/${id}`, { user: changed });
  return variables;
}

/** A proxy that removes the credential. @returns its address */
async function withoutCredential(zendesk: ZendeskSandbox): Promise<Record<string, string>> {
  const proxy = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers };
    delete headers.authorization;
    const target = new URL(incoming.url ?? '/', zendesk.url);
    const passed = request(target, { method: incoming.method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  proxy.unref();
  return { ZENDESK_BASE_URL: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
}

const grants = (fault: Omit<FaultInput, 'route'>) => (zendesk: ZendeskSandbox) =>
  controlsOf(zendesk).setFaults({ route: '^POST /oauth/tokens', ...fault });

export const SIGN_IN_ERRORS: UserError[] = [
  {
    did: 'no OAuth client',
    args: ['status'],
    env: { [CLIENT]: undefined, [SECRET]: undefined },
    code: 2,
    cure: 'create one in Admin Center ([zendesk.md](zendesk.md#the-oauth-client))',
  },
  {
    did: 'an OAuth client without its secret',
    args: ['status'],
    env: { [SECRET]: undefined },
    code: 2,
    cure: 'set the secret, or name its file',
  },
  {
    did: 'a secret without its OAuth client',
    args: ['status'],
    env: { [CLIENT]: undefined },
    code: 2,
    cure: 'set the Identifier that Admin Center shows',
  },
  {
    did: 'scopes separated by commas',
    args: ['status'],
    env: { [SCOPES]: 'read,write' },
    code: 2,
    cure: 'separate them by blanks',
  },
  {
    did: 'a wrong client secret',
    args: ['start'],
    env: { [SECRET]: 'wrong-credential' },
    code: 2,
    cure: 'generate a new one: Admin Center shows only the first 9 characters later',
  },
  {
    did: 'the client’s number instead of its Identifier',
    args: ['start'],
    env: { [CLIENT]: '360000000042' },
    code: 2,
    cure: 'give the Identifier, such as `pms_sync`',
  },
  {
    did: 'a client that was deleted',
    args: ['start'],
    zendesk: async (zendesk) => {
      const { id, variables } = await newClient(zendesk, zendesk.adminEmail, 'pms_sync');
      await api(zendesk, zendesk.adminEmail, 'DELETE', `/oauth/clients/${id}`);
      return variables;
    },
    code: 2,
    cure: 'create another client, signed in as the sync’s own user',
  },
  {
    did: 'a client of the kind Public',
    args: ['start'],
    zendesk: (zendesk) => controlsOf(zendesk).changeOAuthClient(zendesk.clientId, { kind: 'public' }),
    code: 2,
    cure: 'change its kind in Admin Center',
  },
  {
    did: 'a client whose user was suspended or deleted',
    args: ['start'],
    zendesk: async (zendesk) => {
      await controlsOf(zendesk).setOAuth({ lostOwnerMints: true });
      return clientOfAnn(zendesk, { suspended: true });
    },
    code: 2,
    cure: 'restore the user, or create a client as another administrator',
  },
  {
    did: 'a client whose user is no longer an administrator',
    args: ['plan'],
    zendesk: (zendesk) => clientOfAnn(zendesk, { role: 'agent' }),
    code: 1,
    cure: 'give the role back to the user ([zendesk.md](zendesk.md#a-user-of-its-own))',
  },
  {
    did: 'a client that allows fewer scopes than requested',
    args: ['start'],
    zendesk: (zendesk) =>
      controlsOf(zendesk).changeOAuthClient(zendesk.clientId, {
        allowedScopes: ['read', 'tickets:write'],
      }),
    code: 2,
    cure: 'allow the scopes that you need ([zendesk.md](zendesk.md#scopes))',
  },
  {
    did: 'a missing scope',
    args: ['webhooks', 'list'],
    env: { [SCOPES]: 'tickets:read tickets:write', PUBLIC_URL: 'https://sync.example.com' },
    code: 2,
    cure: 'add one of the scopes that the message names',
  },
  {
    did: 'a misspelt scope, which Zendesk ignores',
    args: ['webhooks', 'install'],
    env: { [SCOPES]: 'read webhook:write', PUBLIC_URL: 'https://sync.example.com' },
    code: 2,
    cure: 'correct the name: `webhooks:write`',
  },
  {
    did: 'a token endpoint that refuses connections',
    args: ['plan'],
    env: { ZENDESK_BASE_URL: 'http://127.0.0.1:1' },
    code: 1,
    cure: 'check the address and the network',
  },
  {
    did: 'a token endpoint that is unavailable',
    args: ['start'],
    zendesk: grants({ kind: 'status', status: 503 }),
    code: 2,
    cure: 'wait; a running service continues automatically',
  },
  {
    did: 'a token endpoint that answers with a web page',
    args: ['start'],
    zendesk: grants({ kind: 'html', status: 200 }),
    code: 2,
    cure: 'find out which server sends it: a proxy, or another host',
  },
  {
    did: 'an anonymous answer, because the credential was lost on the way',
    args: ['start'],
    zendesk: withoutCredential,
    code: 2,
    cure: 'let the proxy pass the header on',
  },
  {
    did: 'a wrong API token',
    args: ['start'],
    env: { ...API_TOKEN, ...on('2026-11-29') },
    code: 2,
    cure: 'check the token (it is deactivated after 30 days without use), or change to an OAuth client',
  },
  {
    did: 'an API token after the last day of API tokens',
    args: ['start'],
    env: { ...API_TOKEN, ...on('2027-05-01') },
    code: 2,
    cure: 'change to OAuth ([zendesk.md](zendesk.md#from-an-api-token-to-oauth))',
  },
  {
    did: 'an API token without its user’s address',
    args: ['status'],
    env: { ...API_TOKEN, ZENDESK_EMAIL: undefined },
    code: 2,
    cure: 'set the address, or change to an OAuth client',
  },
  {
    did: 'an address without its API token',
    args: ['status'],
    env: { ...API_TOKEN, ZENDESK_API_TOKEN: undefined },
    code: 2,
    cure: 'create an OAuth client; API tokens cannot be created since 2026-10-27',
  },
  {
    did: 'this machine’s clock a day ahead',
    args: ['doctor'],
    env: ahead(DAY_MS),
    out: /^\S+ Clock: Zendesk: .*\n.*$/m,
    code: 1,
    cure: 'set the clock by NTP; signing in works nevertheless, because it uses another clock',
  },
  {
    did: 'the same, found by a change stream',
    args: ['doctor'],
    env: ahead(DAY_MS),
    out: /^\S+ Zendesk: stream tickets: .*\n.*$/m,
    code: 1,
    cure: 'set the clock by NTP',
  },
  {
    did: 'Zendesk’s clock a day ahead',
    args: ['doctor'],
    zendesk: (zendesk) => controlsOf(zendesk).setOAuth({ clockSkewSeconds: DAY_MS / 1_000 }),
    out: /^\S+ Clock: Zendesk: .*\n.*$/m,
    code: 1,
    cure: 'check this machine’s clock first',
  },
];
