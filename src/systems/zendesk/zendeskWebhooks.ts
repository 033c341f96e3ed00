import { z } from 'zod';
import { HttpClient, type Request } from '../http';
import { WEBHOOK_SCOPES, zendeskCredential, type ZendeskAuth } from './zendeskAuth';
import {
  endpointOf,
  type InstalledWebhook,
  type WebhookAdmin,
  type WebhookInstallation,
} from '../webhookAdmin';

/** Zendesk's webhooks. https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/ */

/** Every event after which a mapped property may differ. Polling finds changes without an event. */
export const SUBSCRIPTIONS = [
  ...[
    'created',
    'agent_assignment_changed',
    'comment_added',
    'comment_made_private',
    'comment_redacted',
    'csat_received',
    'csat_requested',
    'attachment_linked_to_comment',
    'attachment_redacted_from_comment',
    'custom_field_changed',
    'custom_status_changed',
    'description_changed',
    'group_assignment_changed',
    'marked_as_spam',
    'merged',
    'organization_changed',
    'permanently_deleted',
    'priority_changed',
    'requester_changed',
    'soft_deleted',
    'status_changed',
    'subject_changed',
    'submitter_changed',
    'tags_changed',
    'task_due_at_changed',
    'type_changed',
    'undeleted',
  ].map((event) => `zen:event-type:ticket.${event}`),
  ...['created', 'custom_field_changed', 'deleted', 'name_changed', 'tags_changed'].map(
    (event) => `zen:event-type:organization.${event}`,
  ),
];
const PAGE_SIZE = 100;

const webhookSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  endpoint: z.string(),
  status: z.string(),
  subscriptions: z.array(z.string()).nullish(),
});
const listAnswer = z.looseObject({
  webhooks: z.array(webhookSchema),
  meta: z.looseObject({ has_more: z.boolean(), after_cursor: z.string().nullish() }).nullish(),
});
const webhookAnswer = z.looseObject({ webhook: webhookSchema });
const secretAnswer = z.looseObject({ signing_secret: z.looseObject({ secret: z.string() }) });
type Webhook = z.output<typeof webhookSchema>;

export interface ZendeskWebhookConnection {
  baseUrl: string;
  auth: ZendeskAuth;
}

export function zendeskWebhooks({ baseUrl, auth }: ZendeskWebhookConnection): WebhookAdmin {
  const signedIn = zendeskCredential({ baseUrl, auth, scopes: WEBHOOK_SCOPES });
  const http = new HttpClient({ side: 'zendesk', name: 'Zendesk', baseUrl, headers: {}, ...signedIn });

  const named = async (name: string): Promise<Webhook[]> => {
    const found: Webhook[] = [];
    let after: string | null = null;
    do {
      const page: z.output<typeof listAnswer> = await http.get(listAnswer, '/api/v2/webhooks', {
        'page[size]': PAGE_SIZE,
        ...(after !== null && { 'page[after]': after }),
      });
      found.push(...page.webhooks);
      after = page.meta?.has_more ? (page.meta.after_cursor ?? null) : null;
    } while (after !== null);
    return found.filter((webhook) => webhook.name === name);
  };
  const all = async (name: string, receiver: string): Promise<Webhook[]> => {
    const endpoint = endpointOf(receiver, 'zendesk');
    return (await named(name)).filter((webhook) => webhook.endpoint === endpoint);
  };

  const create = async (name: string, endpoint: string): Promise<Webhook> => {
    const webhook = {
      name,
      endpoint,
      http_method: 'POST',
      request_format: 'json',
      status: 'active',
      subscriptions: SUBSCRIPTIONS,
    };
    const request: Request = { method: 'POST', path: '/api/v2/webhooks', body: { webhook } };
    return http.parse(webhookAnswer, request, (await http.send(request)).body).webhook;
  };

  return {
    side: 'zendesk',
    list: async (name, receiver) => (await all(name, receiver)).map(shown),
    async elsewhere(name, receiver) {
      const endpoint = endpointOf(receiver, 'zendesk');
      return (await named(name)).filter((webhook) => webhook.endpoint !== endpoint).map(shown);
    },
    async install(name, receiver): Promise<WebhookInstallation> {
      const [existing] = await all(name, receiver);
      const webhook = existing ?? (await create(name, endpointOf(receiver, 'zendesk')));
      const current = existing ? isCurrent(existing) : true;
      if (!current) {
        const wanted = { webhook: { status: 'active', subscriptions: SUBSCRIPTIONS } };
        await http.send({ method: 'PATCH', path: `/api/v2/webhooks/${webhook.id}`, body: wanted });
      }
      const path = `/api/v2/webhooks/${webhook.id}/signing_secret`;
      const { signing_secret: signing } = await http.get(secretAnswer, path);
      const done = existing ? (current ? 'unchanged' : 'updated') : 'created';
      return { ...shown(webhook), done, secret: signing.secret };
    },
    async remove({ id }) {
      await http.send({ method: 'DELETE', path: `/api/v2/webhooks/${id}` }, [404]);
    },
  };
}

function isCurrent({ status, subscriptions }: Webhook): boolean {
  const given = new Set(subscriptions ?? []);
  return (
    status === 'active' &&
    given.size === SUBSCRIPTIONS.length &&
    SUBSCRIPTIONS.every((each) => given.has(each))
  );
}

function shown({ id, name, endpoint }: Webhook): InstalledWebhook {
  return { side: 'zendesk', id, name, url: endpoint };
}
