/** Records as the API shows them, as far as the sandbox reads them itself. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = Record<string, unknown>;
export type Query = Record<string, string | undefined>;

export interface Organization extends Fields {
  id: number;
  name: string;
  external_id: string | null;
  domain_names: string[];
  tags: string[];
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
  organization_fields: Fields;
}

/** A ticket's rating, or the state of the request for one. */
export interface SatisfactionRating extends Fields {
  score: 'unoffered' | 'offered' | 'good' | 'bad';
  id?: number;
  comment?: string;
}

export interface Ticket extends Fields {
  id: number;
  subject: string | null;
  description: string | null;
  status: string;
  custom_status_id: number;
  external_id: string | null;
  organization_id: number | null;
  requester_id: number | null;
  assignee_id: number | null;
  tags: string[];
  custom_fields: { id: number; value: Json }[];
  satisfaction_rating: SatisfactionRating;
  created_at: string;
  updated_at: string;
  generated_timestamp: number;
}

export interface Attachment extends Fields {
  id: number;
  file_name: string;
  content_url: string;
}

export interface Comment extends Fields {
  id: number;
  /** A phone call's comment is a `VoiceComment`, with the call in `data`. */
  type: 'Comment' | 'VoiceComment';
  author_id: number | null;
  body: string;
  html_body: string;
  plain_body: string;
  public: boolean;
  attachments: Attachment[];
  audit_id: number;
  created_at: string;
}

/** An audit's comment is looked up when the audit is shown, because a redaction also affects past audits. */
export type AuditEvent = Fields & { id: number; type: string };

export interface Audit {
  id: number;
  ticket_id: number;
  created_at: string;
  author_id: number | null;
  metadata: { system: Fields; custom: Fields };
  events: AuditEvent[];
  via: unknown;
}

export interface User extends Fields {
  id: number;
  name: string;
  email: string | null;
  external_id: string | null;
  role: string;
  active: boolean;
  organization_id: number | null;
  created_at: string;
  updated_at: string;
}

/** A copy without some keys. */
export function omit<T extends object, K extends keyof T>(from: T, ...keys: K[]): Omit<T, K> {
  const copy = { ...from };
  for (const key of keys) delete copy[key];
  return copy;
}

/** The keys that are present and not undefined. */
export function pick<T extends object, K extends keyof T>(
  from: T,
  keys: readonly K[],
): { [P in K]?: Exclude<T[P], undefined> } {
  return Object.fromEntries(keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]]))) as {
    [P in K]?: Exclude<T[P], undefined>;
  };
}

/** A copy without keys that hold undefined. */
export function defined<T extends object>(from: T): { [P in keyof T]?: Exclude<T[P], undefined> } {
  return Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined)) as {
    [P in keyof T]?: Exclude<T[P], undefined>;
  };
}

/** The `via` of a trigger's events in an audit (rule 38). */
export const viaRule = (id: number, title: string) => ({
  channel: 'rule',
  source: { from: { id, title, deleted: false, revision_id: 1 }, to: {}, rel: 'trigger' },
});

/** The `via` of records that were written by the API. */
export const VIA_API = { channel: 'api', source: { from: {}, to: {}, rel: null } };
