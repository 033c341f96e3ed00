import type { Db } from 'mongodb';
import { currentBudgets } from '../../systems/budget/currentBudget';
import { loadPmsAdapter } from '../../config/loadAdapter';
import type { Config } from '../../config/config';
import type { SyncLimits } from '../../sync/forecast';
import { untoldRate } from '../../systems/pmsAdapter';
import type { SystemPort } from '../../systems/port';
import { ZENDESK_RATE } from '../../systems/zendesk/zendeskLimits';

/**
 * The ticket updates per minute of a paid account. The budget assumes a trial account's 20 until the first answer, which
 * would make a forecast five times too long.
 * https://developer.zendesk.com/api-reference/introduction/rate-limits/, zendesk-rules.md rule 4
 */
export const DOCUMENTED_TICKET_UPDATES = 100;

/** The limits of both APIs: from their answers, else from their documentation; at most those of the settings. */
export async function forecastLimits(db: Db, config: Config, pms: SystemPort): Promise<SyncLimits> {
  const measured = new Map((await currentBudgets(db, new Date())).map(({ name, limit }) => [name, limit]));
  const known = (name: string, otherwise: number | undefined, ceiling?: number) =>
    Math.max(1, Math.min(measured.get(name) ?? otherwise ?? Infinity, ceiling ?? Infinity));
  const { account, exports, ticket } = ZENDESK_RATE.limits;
  const rate = loadPmsAdapter(config).rate ?? untoldRate();
  return {
    account: known('zendesk:account', account?.calls, config.zendeskCallsPerMinute),
    exports: known('zendesk:exports', exports?.calls),
    ticketUpdates: known('zendesk:tickets-update', DOCUMENTED_TICKET_UPDATES),
    share: config.zendeskTicketUpdateShare / 100,
    updatesOfOneTicket: known('zendesk:ticket', ticket?.calls),
    pms: known('pms:account', rate.limits['account']?.calls, config.pmsCallsPerMinute),
    pmsBulk: pms.bulk?.most ?? 1,
  };
}
