import { createHmac, randomUUID } from 'node:crypto';

/** Deliveries with the form and the signature of either system, for tests that act as the sender. */

export interface Sent {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface SendOptions {
  secret: string;
  /** Milliseconds since 1970. */
  at?: number;
  invocation?: string;
}

export function zendeskDelivery(
  body: unknown,
  { secret, at = Date.now(), invocation = randomUUID() }: SendOptions,
): Sent {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const timestamp = new Date(at).toISOString();
  return {
    path: '/webhooks/zendesk',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-zendesk-webhook-invocation-id': invocation,
      'x-zendesk-webhook-signature-timestamp': timestamp,
      'x-zendesk-webhook-signature': createHmac('sha256', secret)
        .update(`${timestamp}${text}`)
        .digest('base64'),
    },
    body: text,
  };
}

export function pmsDelivery(
  body: unknown,
  { secret, at = Date.now(), invocation = randomUUID() }: SendOptions,
): Sent {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const timestamp = String(Math.floor(at / 1000));
  return {
    path: '/webhooks/pms',
    headers: {
      'content-type': 'application/json',
      'x-pms-delivery': invocation,
      'x-pms-timestamp': timestamp,
      'x-pms-signature': `sha256=${createHmac('sha256', secret).update(`${timestamp}.${text}`).digest('hex')}`,
    },
    body: text,
  };
}

export function ticketEvent(
  id: number,
  what = 'subject_changed',
  over: { updated_at?: string; actor_id?: string; event?: object } = {},
): object {
  const { event = {}, ...detail } = over;
  return {
    type: `zen:event-type:ticket.${what}`,
    account_id: 1,
    id: randomUUID(),
    time: new Date().toISOString(),
    zendesk_event_version: '2022-11-06',
    subject: `zen:ticket:${id}`,
    detail: { id: String(id), updated_at: new Date().toISOString(), actor_id: '1', ...detail },
    event,
  };
}

export function pmsChange(kind: string, id: string, revision = 1, op = 'updated'): object {
  return { seq: 1, at: new Date().toISOString(), kind, id, op, revision };
}

/** @returns status, headers and text of the answer */
export async function deliver(
  baseUrl: string,
  { path, headers, body }: Sent,
): Promise<{ status: number; text: string; retryAfter: string | null }> {
  const answer = await fetch(`${baseUrl}${path}`, { method: 'POST', headers, body });
  return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
}
