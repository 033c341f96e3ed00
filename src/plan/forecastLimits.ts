import type { Db } from 'mongodb';
import { currentBudgets } from '../budget/current';
import type { Config } from '../config/config';
import type { SyncLimits } from '../sync/forecast';
import type { SystemPort } from '../systems/port';
import { DOCUMENTED_LIMITS, SHARE_BESIDE_AGENTS } from '../systems/zendesk/endpointLimits';

/** Of a PMS that was never called. */
const PMS_CALLS = 60;

/** What both APIs allow: as their answers told it, else as it is documented; and no more than the settings say. */
export async function forecastLimits(db: Db, config: Config, pms: SystemPort): Promise<SyncLimits> {
  const told = new Map((await currentBudgets(db, new Date())).map(({ name, limit }) => [name, limit]));
  const known = (name: string, otherwise: number, ceiling?: number) =>
    Math.max(1, Math.min(told.get(name) ?? otherwise, ceiling ?? Infinity));
  return {
    account: known('zendesk:account', DOCUMENTED_LIMITS.account, config.zendeskCallsPerMinute),
    exports: known('zendesk:exports', DOCUMENTED_LIMITS.exports),
    ticketUpdates: known('zendesk:tickets-update', DOCUMENTED_LIMITS.ticketUpdates),
    share: SHARE_BESIDE_AGENTS,
    updatesOfOneTicket: DOCUMENTED_LIMITS.updatesOfOneTicket,
    pms: known('pms:account', PMS_CALLS, config.pmsCallsPerMinute),
    pmsBulk: pms.bulk?.most ?? 1,
  };
}
