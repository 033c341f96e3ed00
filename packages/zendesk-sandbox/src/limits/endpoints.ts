/** The limits that a call counts against, in addition to the account's. */
export interface Endpoint {
  kind: 'exports' | 'userExports' | 'ticketUpdate' | 'organizationUpdate' | 'userUpdate' | 'ticketFields';
  /** The record that the call concerns, from the path or the body; null if neither names it. */
  record: string | null;
}

interface Rule {
  method: RegExp;
  /** Matched with the route below `/api/v2`. */
  route: RegExp;
  kind: Endpoint['kind'];
  /** The route's parameter that names the record. */
  id?: string;
}

/**
 * `PUT /tickets/{id}` adds comments, follow-ups and files. Redactions, privacy and tags have separate routes; they count
 * as ticket updates, too, by a strict reading of "any PUT request that updates tickets" (zendesk-rules.md rule 4).
 */
const RULES: readonly Rule[] = [
  { method: /GET/, route: /^\/incremental\/users\/cursor$/, kind: 'userExports' },
  { method: /GET/, route: /^\/incremental\//, kind: 'exports' },
  { method: /PUT/, route: /^\/tickets\/:id$/, kind: 'ticketUpdate', id: 'id' },
  { method: /PUT|POST|DELETE/, route: /^\/tickets\/:id\/tags$/, kind: 'ticketUpdate', id: 'id' },
  { method: /PUT/, route: /^\/tickets\/:id\/comments\//, kind: 'ticketUpdate', id: 'id' },
  { method: /PUT/, route: /^\/comment_redactions\//, kind: 'ticketUpdate' },
  { method: /PUT/, route: /^\/organizations\/:id$/, kind: 'organizationUpdate', id: 'id' },
  { method: /PUT/, route: /^\/users\/:id$/, kind: 'userUpdate', id: 'id' },
  { method: /POST/, route: /^\/users\/create_or_update$/, kind: 'userUpdate' },
  { method: /GET/, route: /^\/ticket_fields$/, kind: 'ticketFields' },
];

export function endpointOf(
  method: string,
  route: string,
  params: Readonly<Record<string, string>>,
  body: unknown,
): Endpoint | null {
  const rule = RULES.find((each) => each.method.test(method) && each.route.test(route));
  if (!rule) return null;
  return { kind: rule.kind, record: rule.id === undefined ? namedIn(body) : (params[rule.id] ?? null) };
}

/** `{"ticket_id": 1}` of a redaction, `{"user": {…}}` of a person who is created or updated. */
function namedIn(body: unknown): string | null {
  const { ticket_id: ticket, user } = (body ?? {}) as { ticket_id?: unknown; user?: Record<string, unknown> };
  const named = ticket ?? user?.['email'] ?? user?.['external_id'] ?? user?.['id'];
  return typeof named === 'string' || typeof named === 'number' ? String(named).toLowerCase() : null;
}
