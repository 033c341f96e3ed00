import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { irrelevant, type Source } from './source';

/** Deliveries of the PMS: the webhook `change` of docs/pms-openapi.yaml. */

const changeSchema = z.object({
  kind: z.string().max(50),
  id: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/),
  op: z.string().max(50),
  revision: z.number().int().positive(),
});
const KINDS = new Set(['customer', 'project', 'note']);

export const pmsSource: Source = {
  side: 'pms',
  headers: { timestamp: 'x-pms-timestamp', signature: 'x-pms-signature', invocation: 'x-pms-delivery' },
  timeOf: (timestamp) => (/^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1000 : null),
  sign: (secret, timestamp, body) =>
    `sha256=${createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')}`,
  parse: (body) => {
    const change = changeSchema.safeParse(body);
    if (!change.success) return null;
    const { kind, id, op, revision } = change.data;
    if (!KINDS.has(kind)) return irrelevant(kind);
    // A deleted record has no revision to compare.
    const order = op === 'deleted' ? null : revision;
    const hint = { ref: `pms:${kind}:${id}`, order, actor: null };
    return { hints: [op === 'deleted' ? { ...hint, ends: true } : hint], type: `${kind}.${op}` };
  },
};
