import type { User } from './model';
import { Refusal } from './refusal';

/**
 * Calls that only an administrator may make, with any credential (zendesk-rules.md rules 46 and 47; "Allowed for" on the
 * pages of incremental exports, organizations, webhooks, triggers and OAuth clients). Paths are below `/api/v2`.
 */
const FOR_ADMINS: readonly [method: RegExp, route: RegExp][] = [
  [/./, /^\/incremental\//],
  // Agents may write an organization's tags (Z:tags).
  [/^(POST|DELETE)$/, /^\/organizations(\/(?!:id\/tags)|$)/],
  [/^PUT$/, /^\/organizations\/update_many$/],
  // Agents may see and edit end users; creating and deleting users needs an administrator or a custom role.
  [/^POST$/, /^\/users(\/create|$)/],
  [/^DELETE$/, /^\/(users|deleted_users)\/:id$/],
  [
    /^(POST|PUT|DELETE)$/,
    /^\/(ticket_fields|organization_fields|user_fields|ticket_forms|custom_statuses)(\/|$)/,
  ],
  [/^(POST|PUT|DELETE)$/, /^\/(groups|brands)(\/|$)/],
  [/^(POST|DELETE)$/, /^(\/users\/:id)?\/group_memberships(\/|$)/],
  [/./, /^\/satisfaction_ratings(\/|$)/],
  [/./, /^\/webhooks(\/|$)/],
  [/^(POST|PUT|DELETE)$/, /^\/triggers(\/|$)/],
  [/./, /^\/oauth\/clients(\/|$)/],
];
const ORGANIZATION = '/organizations/:id';
/** The only property of an organization that an agent may change. */
const OF_AGENTS = 'notes';

const RANKS = ['end-user', 'agent', 'admin'];

/** Whether a user got a lower role. */
export const isDemoted = (user: User, before: User): boolean =>
  RANKS.indexOf(user.role) < RANKS.indexOf(before.role);

/** @throws Refusal 403, its `error` an object (singer-io/tap-zendesk; CSA API-SURFACE §5.5) */
export function checkRole({ role }: User, method: string, route: string, body: unknown): void {
  if (role === 'admin') return;
  const forAdmins = FOR_ADMINS.some(([methods, routes]) => methods.test(method) && routes.test(route));
  if (!forAdmins && !(method === 'PUT' && route === ORGANIZATION && changesMoreThanNotes(body))) return;
  throw new Refusal(403, {
    error: {
      title: 'Forbidden',
      message:
        'You do not have access to this page. Please contact the account owner of this help desk for further help.',
    },
  });
}

function changesMoreThanNotes(body: unknown): boolean {
  const { organization } = (body ?? {}) as { organization?: object };
  return Object.keys(organization ?? {}).some((key) => key !== OF_AGENTS);
}
