import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { ZendeskSandbox } from 'zendesk-sandbox';
import { controlsOf } from 'testkit';
import type { FaultInput } from 'zendesk-sandbox/common';
import type { UserError } from './userErrors';

/** What goes wrong when the sync signs in to Zendesk, for docs/errors.md. */

const CLIENT = 'ZENDESK_OAUTH_CLIENT_ID';
const SECRET = 'ZENDESK_OAUTH_CLIENT_SECRET';
const SCOPES = 'ZENDESK_OAUTH_SCOPES';
const DAY_MS = 24 * 60 * 60 * 1_000;

/** An API token in place of the OAuth client. */
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

/** A client that the given administrator makes. @returns its number, and the variables for it */
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

/** The client that Ann made before her role or her account was changed. */
async function clientOfAnn(zendesk: ZendeskSandbox, changed: object): Promise<Record<string, string>> {
  const ann = 'ann@sandbox.example';
  const { variables } = await newClient(zendesk, ann, 'made_by_ann');
  const { id } = zendesk.store.userByEmail.get(ann) ?? {};
  await api(zendesk, zendesk.adminEmail, 'PUT', `/users/${id}`, { user: changed });
  return variables;
}

/** A proxy that hands on all but the credential. @returns its address */
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
    cure: 'make one in Admin Center: [zendesk.md](zendesk.md#the-oauth-client)',
  },
  {
    did: 'an OAuth client without its secret',
    args: ['status'],
    env: { [SECRET]: undefined },
    code: 2,
    cure: 'set it, or the file that holds it',
  },
  {
    did: 'a secret without its OAuth client',
    args: ['status'],
    env: { [CLIENT]: undefined },
    code: 2,
    cure: 'set the Identifier that Admin Center shows',
  },
  {
    did: 'scopes with commas between',
    args: ['status'],
    env: { [SCOPES]: 'read,write' },
    code: 2,
    cure: 'write blanks between them',
  },
  {
    did: 'a wrong client secret',
    args: ['start'],
    env: { [SECRET]: 'wrong-credential' },
    code: 2,
    cure: 'generate a new one: Admin Center shows only the first 9 characters later',
  },
  {
    did: 'the client’s number in place of its Identifier',
    args: ['start'],
    env: { [CLIENT]: '360000000042' },
    code: 2,
    cure: 'the Identifier, e.g. `pms_sync`',
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
    cure: 'make another one, signed in as the sync’s own user',
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
    cure: 'restore the user, or make a client as another administrator',
  },
  {
    did: 'a client whose user is no administrator any more',
    args: ['plan'],
    zendesk: (zendesk) => clientOfAnn(zendesk, { role: 'agent' }),
    code: 1,
    cure: 'give the user the role back: [zendesk.md](zendesk.md#a-user-of-its-own)',
  },
  {
    did: 'a client that allows fewer scopes than are asked for',
    args: ['start'],
    zendesk: (zendesk) =>
      controlsOf(zendesk).changeOAuthClient(zendesk.clientId, {
        allowedScopes: ['read', 'tickets:write'],
      }),
    code: 2,
    cure: 'see [zendesk.md](zendesk.md#scopes) for what each is needed for',
  },
  {
    did: 'a scope left out',
    args: ['webhooks', 'list'],
    env: { [SCOPES]: 'tickets:read tickets:write', PUBLIC_URL: 'https://sync.example.com' },
    code: 2,
    cure: 'one of those that it names is enough',
  },
  {
    did: 'a misspelt scope, which Zendesk leaves out of the grant',
    args: ['webhooks', 'install'],
    env: { [SCOPES]: 'read webhook:write', PUBLIC_URL: 'https://sync.example.com' },
    code: 2,
    cure: 'mend the name: `webhooks:write`',
  },
  {
    did: 'a token endpoint that refuses connections',
    args: ['plan'],
    env: { ZENDESK_BASE_URL: 'http://127.0.0.1:1' },
    code: 1,
    cure: 'check the address and the network',
  },
  {
    did: 'a token endpoint that is out of service',
    args: ['start'],
    zendesk: grants({ kind: 'status', status: 503 }),
    code: 2,
    cure: 'wait; a service that runs goes on by itself',
  },
  {
    did: 'a token endpoint that answers with a web page',
    args: ['start'],
    zendesk: grants({ kind: 'html', status: 200 }),
    code: 2,
    cure: 'see which page it is: a proxy’s, or that of another host',
  },
  {
    did: 'an answer for nobody, since no credential arrived',
    args: ['start'],
    zendesk: withoutCredential,
    code: 2,
    cure: 'have the proxy pass the header on',
  },
  {
    did: 'a wrong API token',
    args: ['start'],
    env: { ...API_TOKEN, ...on('2026-11-29') },
    code: 2,
    cure: 'one that was unused for 30 days is deactivated; or change to an OAuth client',
  },
  {
    did: 'an API token after its end',
    args: ['start'],
    env: { ...API_TOKEN, ...on('2027-05-01') },
    code: 2,
    cure: '[From an API token to OAuth](zendesk.md#from-an-api-token-to-oauth)',
  },
  {
    did: 'an API token without its user’s address',
    args: ['status'],
    env: { ...API_TOKEN, ZENDESK_EMAIL: undefined },
    code: 2,
    cure: 'or change to an OAuth client',
  },
  {
    did: 'an address without its API token',
    args: ['status'],
    env: { ...API_TOKEN, ZENDESK_API_TOKEN: undefined },
    code: 2,
    cure: 'make an OAuth client: nobody can create an API token since 2026-10-27',
  },
  {
    did: 'this machine’s clock a day ahead',
    args: ['doctor'],
    env: ahead(DAY_MS),
    out: /^\S+ Clock: Zendesk: .*\n.*$/m,
    code: 1,
    cure: 'signing in works all the same: tokens are renewed by a clock that nobody sets',
  },
  {
    did: 'the same, met by a stream of changes',
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
