import { z } from 'zod';
import type { Config } from '../config/config';
import { loadMapping } from '../config/loadMapping';
import { redactionReaches } from '../sync/mapping';
import { HttpClient, type Request } from '../systems/http';
import { missingScopes, type Grant } from '../systems/oauth';
import { apiTokenDaysLeft, apiTokenNotice } from '../systems/zendesk/apiTokens';
import { zendeskCredential } from '../systems/zendesk/zendeskAuth';
import type { Finding } from './finding';

/**
 * Checks which Zendesk user the credential acts as, and what this user may do. Each right is tried with a write that
 * Zendesk refuses for another reason, such as a record that does not exist: Zendesk checks the right before it looks
 * for the record.
 */

const me = z.looseObject({
  user: z.looseObject({ id: z.number(), name: z.string(), role: z.string() }),
});
/** https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_tokens/#show-token */
const current = z.looseObject({
  token: z.looseObject({
    user_id: z.number().nullish(),
    scopes: z.array(z.string()).nullish(),
    expires_at: z.string().nullish(),
  }),
});

interface Right {
  name: string;
  request: Request;
  /** The effect of a missing right. */
  without: string;
  isNeeded(config: Config): boolean;
}

/** An id that no record has. */
const NOBODY = 0;
/** Statuses that prove the right. */
const ALLOWED = [400, 404, 409, 422];

const RIGHTS: readonly Right[] = [
  {
    name: 'writing tickets and comments',
    request: { method: 'PUT', path: `/api/v2/tickets/${NOBODY}`, body: { ticket: {} } },
    without: 'no change of the PMS reaches a ticket',
    isNeeded: () => true,
  },
  {
    name: 'writing organizations',
    request: { method: 'POST', path: '/api/v2/organizations', body: { organization: { name: '' } } },
    without: 'no change of the PMS reaches an organization',
    isNeeded: () => true,
  },
  {
    name: 'files',
    request: { method: 'DELETE', path: `/api/v2/uploads/${NOBODY}` },
    without: 'no file of the PMS reaches a ticket',
    isNeeded: () => true,
  },
  {
    name: 'redaction',
    request: {
      method: 'PUT',
      path: `/api/v2/comment_redactions/${NOBODY}`,
      body: { ticket_id: NOBODY, html_body: '', external_attachment_urls: [] },
    },
    without: 'text that is redacted in the PMS stays readable in Zendesk',
    isNeeded: redacts,
  },
];

/** @throws any error of the two calls that show which user the credential acts as */
export async function* zendeskAccess(config: Config): AsyncIterable<Finding> {
  const grants: Grant[] = [];
  const { zendeskBaseUrl: baseUrl, zendeskAuth: auth } = config;
  const signedIn = zendeskCredential({ baseUrl, auth, onGrant: (grant) => void grants.push(grant) });
  const http = new HttpClient({ side: 'zendesk', name: 'Zendesk', baseUrl, headers: {}, ...signedIn });
  yield await actsAs(http);
  if (auth.by === 'apiToken') yield apiToken();
  else yield await scopes(http, grants);
  for (const right of RIGHTS) if (right.isNeeded(config)) yield await tried(http, right);
}

async function actsAs(http: HttpClient): Promise<Finding> {
  const { user } = await http.get(me, '/api/v2/users/me');
  const isAdmin = user.role === 'admin';
  return {
    what: 'Zendesk: acts as',
    state: isAdmin ? 'ok' : 'warning',
    found: `${user.name}, user ${user.id}, role ${user.role}; keep this user: if it is demoted or deleted, the credential stops working`,
    cure: isAdmin
      ? null
      : 'make this user an administrator: only administrators may read incremental exports',
  };
}

function apiToken(): Finding {
  const notice = apiTokenNotice(apiTokenDaysLeft(new Date()));
  const [found = '', cure = ''] = notice.split(/: (.*)/s);
  return { what: 'Zendesk: API token', state: 'warning', found, cure };
}

async function scopes(http: HttpClient, grants: readonly Grant[]): Promise<Finding> {
  const { token } = await http.get(current, '/api/v2/oauth/tokens/current');
  const missing = grants.flatMap(missingScopes);
  const ends =
    token.expires_at == null
      ? ''
      : `; this token ends at ${token.expires_at}, and the sync gets the next one by itself`;
  return {
    what: 'Zendesk: scopes',
    state: missing.length === 0 ? 'ok' : 'warning',
    found: `${token.scopes?.join(' ') ?? 'not reported'}${missing.length === 0 ? ends : `; asked for and not granted: ${missing.join(' ')}`}`,
    cure:
      missing.length === 0
        ? null
        : 'check the spelling in ZENDESK_OAUTH_SCOPES, and the allowed scopes of the OAuth client (docs/zendesk.md)',
  };
}

async function tried(http: HttpClient, { name, request, without }: Right): Promise<Finding> {
  const what = `Zendesk: ${name}`;
  try {
    await http.send(request, ALLOWED);
    return { what, state: 'ok', found: 'allowed', cure: null };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { what, state: 'failed', found, cure: `give the right; without it ${without}` };
  }
}

/**
 * Whether the mapping carries redactions from the PMS to Zendesk. If the mapping cannot be read, another finding
 * reports it.
 */
function redacts({ mappingFile }: Config): boolean {
  try {
    const { entities } = loadMapping(mappingFile);
    return Object.values(entities).some((table) => redactionReaches(table, 'zendesk'));
  } catch {
    return false;
  }
}
