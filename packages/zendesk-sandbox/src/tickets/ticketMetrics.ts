import type { Audit, Comment, Fields, Ticket } from '../model';
import type { Store } from '../store';
import { secondsOf } from '../text';

const METRICS_AFTER = 361000000000;
const RESOLVED = ['solved', 'closed'];
/** The statuses in which each side waits (H:4408834848154). */
const REQUESTER_WAITS = ['new', 'open', 'hold'];
const AGENT_WAITS = ['pending'];

/** The id of a ticket's metrics. */
export const metricIdOf = (ticketId: number): number => METRICS_AFTER + ticketId;
export const ticketOfMetric = (metricId: number): number => metricId - METRICS_AFTER;

interface Stay {
  status: string;
  at: string;
}

/**
 * Rule 58 [R AF][D Z:ticket_metrics][D H:4408834848154]: the metrics of a ticket, computed from its audits and comments.
 * A duration is null until the events that it lies between have happened; waits are summed up when the status changes.
 * Minutes are rounded [R AF]. Without a schedule, business hours are calendar hours [R AF]. `reply_time_in_seconds` is
 * there for messaging only [D]. What a reopened ticket shows as `solved_at` is not known: here, the last time.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_metrics/
 */
export function ticketMetrics(store: Store, ticket: Ticket): Fields {
  const audits = store.audits.get(ticket.id) ?? [];
  const comments = store.comments.get(ticket.id) ?? [];
  const created = ticket.created_at;
  const stays = staysOf(ticket, audits);
  const resolutions = stays.filter((stay, n) => isResolved(stay) && !isResolved(stays[n - 1]));
  const [first] = resolutions;
  const last = resolutions.at(-1);
  const replies = comments.slice(1).filter((comment) => isReply(store, comment));
  const assignments = valuesOf(ticket, audits, 'assignee_id');
  const wait = (statuses: readonly string[]) => (stays.length > 1 ? waited(stays, statuses) : null);
  const latest = comments.at(-1)?.created_at ?? created;
  return {
    url: `${store.baseUrl()}/ticket_metrics/${metricIdOf(ticket.id)}.json`,
    id: metricIdOf(ticket.id),
    ticket_id: ticket.id,
    created_at: created,
    updated_at: latestOf(latest, stays.at(-1)?.at, assignments.at(-1)),
    group_stations: valuesOf(ticket, audits, 'group_id').length,
    assignee_stations: assignments.length,
    reopens: stays.filter((stay, n) => !isResolved(stay) && isResolved(stays[n - 1])).length,
    replies: replies.length,
    assignee_updated_at: lastBy(audits, ticket.assignee_id) ?? assignments.at(-1) ?? null,
    requester_updated_at: lastBy(audits, ticket.requester_id) ?? created,
    status_updated_at: lastChange(audits, 'status') ?? created,
    custom_status_updated_at: lastChange(audits, 'custom_status_id') ?? created,
    initially_assigned_at: assignments[0] ?? null,
    assigned_at: assignments.at(-1) ?? null,
    solved_at: last?.at ?? null,
    latest_comment_added_at: latest,
    reply_time_in_minutes: minutes(since(created, replies[0]?.created_at)),
    first_resolution_time_in_minutes: minutes(since(created, first?.at)),
    full_resolution_time_in_minutes: minutes(since(created, last?.at)),
    agent_wait_time_in_minutes: minutes(wait(AGENT_WAITS)),
    requester_wait_time_in_minutes: minutes(wait(REQUESTER_WAITS)),
    on_hold_time_in_minutes: minutes(wait(['hold']) ?? 0),
  };
}

const isResolved = (stay: Stay | undefined): boolean => stay !== undefined && RESOLVED.includes(stay.status);

/** The statuses that a ticket had, each with its beginning; a deletion is none. */
function staysOf(ticket: Ticket, audits: readonly Audit[]): Stay[] {
  const stays: Stay[] = [];
  for (const { at, value } of changesOf(audits, 'status')) {
    const status = String(value);
    if (status !== 'deleted' && status !== stays.at(-1)?.status) stays.push({ status, at });
  }
  const { status, created_at: created, updated_at: updated } = ticket;
  if (stays.length === 0 && !RESOLVED.includes(status)) stays.push({ status, at: created });
  // A loaded ticket has no audit of its changes.
  else if (status !== 'deleted' && stays.at(-1)?.status !== status) stays.push({ status, at: updated });
  return stays;
}

function changesOf(audits: readonly Audit[], field: string): { at: string; value: unknown }[] {
  return audits.flatMap(({ created_at: at, events }) =>
    events.filter(({ field_name: name }) => name === field).map(({ value }) => ({ at, value })),
  );
}

/** When a property got a value, each time. A loaded ticket has no audit of it. */
function valuesOf(ticket: Ticket, audits: readonly Audit[], field: string): string[] {
  const set = changesOf(audits, field).filter(({ value }) => value != null);
  if (set.length === 0 && ticket[field] != null) return [ticket.created_at];
  return set.map(({ at }) => at);
}

function lastChange(audits: readonly Audit[], field: string): string | null {
  return changesOf(audits, field).at(-1)?.at ?? null;
}

function lastBy(audits: readonly Audit[], userId: number | null): string | null {
  return audits.findLast(({ author_id: author }) => userId !== null && author === userId)?.created_at ?? null;
}

const isReply = (store: Store, { public: isPublic, author_id: author }: Comment): boolean =>
  isPublic && author !== null && store.isAgent(author);

/** The seconds in some statuses, up to the last change of the status. */
function waited(stays: readonly Stay[], statuses: readonly string[]): number {
  return stays.reduce((sum, { status, at }, n) => {
    const next = stays[n + 1];
    return next && statuses.includes(status) ? sum + secondsOf(next.at) - secondsOf(at) : sum;
  }, 0);
}

const since = (from: string, to: string | undefined): number | null =>
  to === undefined ? null : secondsOf(to) - secondsOf(from);

function minutes(seconds: number | null): Fields {
  const value = seconds === null ? null : Math.round(Math.max(0, seconds) / 60);
  return { calendar: value, business: value };
}

const latestOf = (...times: (string | undefined)[]): string =>
  times.filter((time) => time !== undefined).reduce((a, b) => (a > b ? a : b));
