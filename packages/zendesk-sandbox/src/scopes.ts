import { Refusal } from './refusal';

/**
 * The scopes that a token may request, and the scopes that allow each call (zendesk-oauth.md section 5).
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
/** The default scopes of a client without allowed scopes (zdk's catalogue; Salto's help). */
const BROAD = ['read', 'write'];

/**
 * The scopes of a new token.
 * @param asked names, separated by spaces; null if none were requested
 * @returns null if a name is not allowed (article 11093380955674); without allowed scopes, unknown names are dropped
 * without an error (OAS, oauth tokens)
 */
export function grantedScopes(asked: string | null, allowed: readonly string[] | null): string[] | null {
  const names = [...new Set((asked ?? '').split(/\s+/).filter((name) => name !== ''))];
  if (names.length === 0) return [...(allowed ?? BROAD)];
  if (allowed) return names.every((name) => allowed.includes(name)) ? names : null;
  return names.filter((name) => KNOWN.has(name));
}

/**
 * The resource whose scope allows calls of a path, in addition to `read` or `write`; the first match counts. Null: only
 * the broad scope allows the calls (ticket audits: Z:tickets/ticket_audits).
 */
const RESOURCES: readonly [path: RegExp, resource: string | null][] = [
  // It is likely but not documented that the resource's scope allows an export; for events, `read` is certain.
  [/^\/incremental\/tickets/, 'tickets'],
  [/^\/incremental\/users/, 'users'],
  [/^\/incremental\/organizations/, 'organizations'],
  [/^\/tickets\/:id\/audits/, null],
  [/^\/(tickets|deleted_tickets|comment_redactions)(\/|$)/, 'tickets'],
  [/^\/users\/me\/oauth\//, null],
  [/^\/users\/:id\/tickets/, 'tickets'],
  [/^\/users\/:id\/(groups|group_memberships)(\/|$)/, 'groups'],
  [/^\/groups\/:id\/users/, 'users'],
  [/^\/problems(\/|$)/, 'tickets'],
  [/^\/satisfaction_ratings(\/|$)/, 'satisfaction_ratings'],
  [/^\/(users|deleted_users|organization_memberships)(\/|$)/, 'users'],
  [/^\/organizations\/:id\/tickets/, 'tickets'],
  [/^\/organizations\/:id\/users/, 'users'],
  [/^\/(organizations|organization_merges)(\/|$)/, 'organizations'],
  [/^\/(uploads|attachments)(\/|$)/, 'ticket_attachments'],
  [/^\/(groups|group_memberships)(\/|$)/, 'groups'],
  [/^\/brands(\/|$)/, 'brands'],
  [/^\/webhooks(\/|$)/, 'webhooks'],
  [/^\/triggers(\/|$)/, 'triggers'],
  [/^\/account\/settings/, 'account_settings'],
];

/**
 * The alternative scopes, one of which a call needs. `write` does not contain `read`.
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
