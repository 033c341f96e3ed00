/** Estimates the least time of a first sync, from the number of records and the rate limits of both APIs. */

/** The work, in numbers of records. */
export interface SyncWork {
  zendesk: {
    /** Records to read, from exports. */
    organizations: number;
    tickets: number;
    comments: number;
    /** Records to create, in bulk jobs. */
    newOrganizations: number;
    newTickets: number;
    /** Records to write one by one. */
    organizationUpdates: number;
    ticketUpdates: number;
    /** Each of these is a ticket update as well. */
    newComments: number;
    followUps: number;
    files: number;
    redactions: number;
    /** Ticket updates, of any of these kinds, of the ticket that has the most. */
    busiestTicket: number;
  };
  pms: { records: number; created: number; updated: number; files: number };
}

/** The limits of the APIs, in calls a minute unless stated otherwise. */
export interface SyncLimits {
  account: number;
  exports: number;
  ticketUpdates: number;
  /** The share of ticket updates that the sync uses while agents work, from 0 to 1. */
  share: number;
  /** Calls in ten minutes. */
  updatesOfOneTicket: number;
  pms: number;
  /** Records that one call creates in the PMS; 1 if it has no bulk calls. */
  pmsBulk: number;
}

export const LIMIT_NAMES = ['account', 'exports', 'ticketUpdates', 'updatesOfOneTicket', 'pms'] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** One limit's part in a forecast. */
export interface LimitForecast {
  limit: LimitName;
  /** Calls that count against it. */
  calls: number;
  /** How many calls are allowed in `perMinutes`. */
  allowed: number;
  perMinutes: number;
  minutes: number;
}

export interface Forecast {
  /** Minutes while agents work. The slowest limit decides. The response times of the systems are not included. */
  minutes: number;
  /** The slowest limit. */
  binds: LimitName;
  /** The same while no agent works. */
  minutesWithoutAgents: number;
  limits: LimitForecast[];
}

/** https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/ */
const EXPORTED_AT_ONCE = 1_000;
/** Items of a bulk job, zendesk-rules.md rule 9. */
const JOB_ITEMS = 100;
/** Calls for one bulk job: one starts it, and some five poll its state. */
const JOB_CALLS = 6;
/** The comments of a ticket and their marks. */
const COMMENT_READS = 2;
const LISTED_AT_ONCE = 200;
/** Zendesk counts the updates of one ticket over ten minutes, all others over one. */
const ONE_TICKET_MINUTES = 10;

export function noWork(): SyncWork {
  return {
    zendesk: {
      organizations: 0,
      tickets: 0,
      comments: 0,
      newOrganizations: 0,
      newTickets: 0,
      organizationUpdates: 0,
      ticketUpdates: 0,
      newComments: 0,
      followUps: 0,
      files: 0,
      redactions: 0,
      busiestTicket: 0,
    },
    pms: { records: 0, created: 0, updated: 0, files: 0 },
  };
}

export function forecast(work: SyncWork, limits: SyncLimits): Forecast {
  const calls = callsOf(work, limits);
  const withShare = (share: number) =>
    LIMIT_NAMES.map((name) => forecastOf(name, calls[name], limits, share));
  const slowest = (all: LimitForecast[]) => all.reduce((a, b) => (b.minutes > a.minutes ? b : a));
  const beside = withShare(limits.share);
  const { limit: binds, minutes } = slowest(beside);
  return { minutes, binds, minutesWithoutAgents: slowest(withShare(1)).minutes, limits: beside };
}

function callsOf({ zendesk, pms }: SyncWork, { pmsBulk }: SyncLimits): Record<LimitName, number> {
  const pages = (records: number, size: number) => Math.ceil(records / size);
  const exports = [zendesk.organizations, zendesk.tickets, zendesk.comments]
    .map((records) => pages(records, EXPORTED_AT_ONCE))
    .reduce((sum, each) => sum + each, 0);
  const jobs = pages(zendesk.newOrganizations, JOB_ITEMS) + pages(zendesk.newTickets, JOB_ITEMS);
  const ofComments = zendesk.newComments + zendesk.followUps + zendesk.files + zendesk.redactions;
  const ticketUpdates = zendesk.ticketUpdates + ofComments;
  // Each write is a call, and so is the read before it; a file is uploaded first.
  const account =
    exports +
    jobs * JOB_CALLS +
    2 * (zendesk.organizationUpdates + zendesk.ticketUpdates) +
    (1 + COMMENT_READS) * ofComments +
    zendesk.files;
  return {
    account,
    exports,
    ticketUpdates,
    updatesOfOneTicket: zendesk.busiestTicket,
    pms: pages(pms.records, LISTED_AT_ONCE) + pages(pms.created, pmsBulk) + 2 * (pms.updated + pms.files),
  };
}

function forecastOf(limit: LimitName, calls: number, limits: SyncLimits, share: number): LimitForecast {
  if (limit === 'updatesOfOneTicket') {
    const allowed = limits.updatesOfOneTicket;
    // The calls of one window are made at once.
    const minutes = Math.max(0, Math.ceil(calls / allowed) - 1) * ONE_TICKET_MINUTES;
    return { limit, calls, allowed, perMinutes: ONE_TICKET_MINUTES, minutes };
  }
  const allowed =
    limit === 'ticketUpdates' ? Math.max(1, Math.floor(limits.ticketUpdates * share)) : limits[limit];
  return { limit, calls, allowed, perMinutes: 1, minutes: calls / allowed };
}
