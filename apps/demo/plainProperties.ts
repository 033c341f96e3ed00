import type { Pair, Property } from './agreementReport';
import type { PmsProject, PmsWorld, ZendeskTicket, ZendeskWorld } from './checkedWorlds';
import { labelSet, oneLine, plainText, seconds } from './comparable';

/** Properties that are compared without a special rule. */

export function organizationProperties({
  zendesk: z,
  pms: p,
}: Pair<ZendeskWorld['organizations'][number], PmsWorld['customers'][number]>): Property[] {
  return [
    { name: 'name', zendesk: oneLine(z.record.name), pms: oneLine(p.record.name) },
    { name: 'domains', zendesk: labelSet(z.record.domain_names), pms: labelSet(p.record.domains) },
    { name: 'description', zendesk: plainText(z.record.details), pms: plainText(p.record.description) },
    { name: 'notes', zendesk: plainText(z.record.notes), pms: plainText(p.record.notes) },
    { name: 'tags', zendesk: labelSet(z.record.tags), pms: labelSet(p.record.tags) },
    { name: 'shared tickets', zendesk: z.record.shared_tickets, pms: p.record.sharedProjects },
    { name: 'shared comments', zendesk: z.record.shared_comments, pms: p.record.sharedNotes },
  ];
}

/** Properties that Zendesk sets and the sync writes to the PMS. */
export function setByZendesk(
  z: ZendeskTicket,
  p: PmsProject,
  { url, requester }: { url: string; requester: string },
): Property[] {
  return [
    { name: 'channel', zendesk: channelName(z.via?.channel), pms: p.channel ?? '' },
    // The page on which an agent opens the ticket, not the URL in the API.
    { name: 'source URL', zendesk: `${url}/agent/tickets/${z.id}`, pms: p.sourceUrl ?? '' },
    { name: 'requester name', zendesk: oneLine(requester), pms: oneLine(p.requestedBy) },
    { name: 'opened', zendesk: seconds(z.created_at), pms: seconds(p.openedAt) },
  ];
}

function channelName(channel: unknown): string {
  return typeof channel === 'string' || typeof channel === 'number' ? String(channel) : '';
}
