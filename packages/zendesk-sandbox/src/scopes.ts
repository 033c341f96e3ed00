import { Refusal } from './refusal';

/**
 * What a token may be asked for, and which scopes allow which call (zendesk-oauth.md section 5).
 * https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_tokens/#scopes
 */

const BOTH = [
  'account_settings',
  'apps',
  'automations',
  'brands',
  'custom_objects',
  'deletion_schedules',
  'dynamic_content',
  'groups',
  'hc',
  'macros',
  'organizations',
  'requests',
  'satisfaction_ratings',
  'sla_policies',
  'targets',
  'themes',
  'ticket_attachments',
  'ticket_views',
  'tickets',
  'triggers',
  'users',
  'webhooks',
  'zis',
];
const KNOWN = new Set([
  ...['read', 'write', 'impersonate'],
  ...BOTH.flatMap((resource) => [`${resource}:read`, `${resource}:write`]),
  ...['auditlogs:read', 'security:read', 'any_channel:write', 'web_widget:write'],
]);
/** What a client without allowed scopes gives where none are asked for (zdk's catalogue; Salto's help). */
const BROAD = ['read', 'write'];

/**
 * The scopes of a new token.
 * @param asked names, separated by spaces; null where none are asked for
 * @returns null where a name is outside of the allowed ones (article 11093380955674); without a ceiling, names that
 * nobody knows are left out and nothing is said (OAS, oauth tokens)
 */
export function grantedScopes(asked: string | null, allowed: readonly string[] | null): string[] | null {
  const names = [...new Set((asked ?? '').split(/\s+/).filter((name) => name !== ''))];
  if (names.length === 0) return [...(allowed ?? BROAD)];
  if (allowed) return names.every((name) => allowed.includes(name)) ? names : null;
  return names.filter((name) => KNOWN.has(name));
}

/**
 * The resource whose scope allows calls of a path, beside `read` or `write`; the first that fits. Null: the broad scope
 * alone does, since no other exists or none is enough (ticket audits: Z:tickets/ticket_audits).
 */
const RESOURCES: readonly [path: RegExp, resource: string | null][] = [
  // That the resource's scope is enough for an export is likely, not documented; for events `read` is certain.
  [/^\/incremental\/tickets/, 'tickets'],
  [/^\/incremental\/users/, 'users'],
  [/^\/incremental\/organizations/, 'organizations'],
  [/^\/tickets\/:id\/audits/, null],
  [/^\/(tickets|deleted_tickets|comment_redactions)(\/|$)/, 'tickets'],
  [/^\/users\/me\/oauth\//, null],
  [/^\/users\/:id\/tickets/, 'tickets'],
  [/^\/(users|organization_memberships)(\/|$)/, 'users'],
  [/^\/organizations\/:id\/tickets/, 'tickets'],
  [/^\/organizations\/:id\/users/, 'users'],
  [/^\/(organizations|organization_merges)(\/|$)/, 'organizations'],
  [/^\/(uploads|attachments)(\/|$)/, 'ticket_attachments'],
  [/^\/groups(\/|$)/, 'groups'],
  [/^\/brands(\/|$)/, 'brands'],
  [/^\/webhooks(\/|$)/, 'webhooks'],
  [/^\/triggers(\/|$)/, 'triggers'],
  [/^\/account\/settings/, 'account_settings'],
];

/**
 * The scopes of which one is necessary. `write` does not contain `read`.
 * @param route below `/api/v2`, with its placeholders
 */
export function scopesFor(method: string, route: string): string[] {
  const broad = method === 'GET' ? 'read' : 'write';
  const resource = RESOURCES.find(([path]) => path.test(route))?.[1] ?? null;
  return resource === null ? [broad] : [`${resource}:${broad}`, broad];
}

/**
 * Since August 2026 the alternatives are listed (the text is from a live 403: groups, in singer-io/tap-zendesk).
 * @throws Refusal 403, its `error` a text
 */
export function checkScopes(granted: readonly string[], method: string, route: string): void {
  const wanted = scopesFor(method, route);
  if (wanted.some((scope) => granted.includes(scope))) return;
  throw new Refusal(403, {
    error: 'Forbidden',
    description: `You are missing the following required scopes: ${wanted.join(', ')}`,
  });
}
