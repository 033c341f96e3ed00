import { RateBudgets } from '../budget';
import { SYSTEM_CLOCK } from '../budget/clock';
import type { Side } from '../sync/record';
import type { LimitReading } from '../systems/budget';
import type { ApiCall } from '../systems/http';
import { pmsSystem } from '../systems/pms';
import { PMS_RATE } from '../systems/pms/limits';
import type { SystemPort } from '../systems/port';
import { zendeskSystem } from '../systems/zendesk';
import { ZENDESK_RATE } from '../systems/zendesk/limits';
import type { Config } from './config';

/** Both systems as the configuration names them. Nothing is called yet. */
export function configuredSystems(
  config: Config,
  { budgets, onCall }: { budgets: RateBudgets; onCall?: (call: ApiCall) => void },
): Record<Side, SystemPort> {
  const common = {
    fileLimitBytes: config.attachmentLimitMb * 1024 * 1024,
    ...(onCall && { onCall }),
  };
  return {
    zendesk: zendeskSystem({
      baseUrl: config.zendeskBaseUrl,
      email: config.zendeskEmail,
      apiToken: config.zendeskApiToken,
      attachmentHosts: config.zendeskAttachmentHosts,
      budget: budgets.of('zendesk'),
      ...common,
    }),
    pms: pmsSystem({
      baseUrl: config.pmsBaseUrl,
      token: config.pmsToken,
      budget: budgets.of('pms'),
      ...common,
    }),
  };
}

/** The rates of both APIs; kept over all processes once the database is known. */
export function configuredBudgets(
  config: Config,
  onReading?: (side: Side, reading: LimitReading) => void,
): RateBudgets {
  const rates = {
    zendesk: { name: 'Zendesk', rules: ZENDESK_RATE, ceiling: config.zendeskCallsPerMinute ?? null },
    pms: { name: 'PMS', rules: PMS_RATE, ceiling: config.pmsCallsPerMinute ?? null },
  };
  return new RateBudgets(rates, SYSTEM_CLOCK, onReading);
}
