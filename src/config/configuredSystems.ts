import { RateBudgets, type LimitState } from '../systems/budget/rateBudgets';
import { SYSTEM_CLOCK } from '../systems/budget/clock';
import type { Side } from '../sync/record';
import { untoldRate } from '../systems/pmsAdapter';
import type { ApiCall } from '../systems/http';
import type { Grant } from '../systems/oauth';
import type { SystemPort } from '../systems/port';
import { zendeskSystem } from '../systems/zendesk/zendeskSystem';
import { ZENDESK_RATE } from '../systems/zendesk/zendeskLimits';
import { loadPmsAdapter } from './loadAdapter';
import type { Config } from './config';

interface SystemsParts {
  budgets: RateBudgets;
  onCall?: (call: ApiCall) => void;
  /** Called with every access token that Zendesk grants. */
  onGrant?: (grant: Grant) => void;
}

/** The clients of both systems. Makes no call. */
export function configuredSystems(
  config: Config,
  { budgets, onCall, onGrant }: SystemsParts,
): Record<Side, SystemPort> {
  const common = {
    fileLimitBytes: config.attachmentLimitMb * 1024 * 1024,
    ...(onCall && { onCall }),
  };
  return {
    zendesk: zendeskSystem({
      baseUrl: config.zendeskBaseUrl,
      auth: config.zendeskAuth,
      attachmentHosts: config.zendeskAttachmentHosts,
      aiAgentTickets: config.zendeskAiAgentTickets,
      budget: budgets.of('zendesk'),
      ...(onGrant && { onGrant }),
      ...common,
    }),
    pms: loadPmsAdapter(config).connect({
      baseUrl: config.pmsBaseUrl,
      token: config.pmsToken,
      readToken: config.readPmsToken,
      readRefreshToken: config.readPmsRefreshToken,
      ...(config.pmsUser !== undefined && { user: config.pmsUser }),
      budget: budgets.of('pms'),
      ...common,
    }),
  };
}

/** The rate budgets of both APIs. All processes share them as soon as the database is connected. */
export function configuredBudgets(
  config: Config,
  onState?: (side: Side, state: LimitState) => void,
): RateBudgets {
  const { name, rate } = loadPmsAdapter(config);
  const rates = {
    zendesk: {
      name: 'Zendesk',
      rules: ZENDESK_RATE,
      ceiling: config.zendeskCallsPerMinute ?? null,
      share: config.zendeskTicketUpdateShare / 100,
    },
    pms: {
      name,
      rules: rate ?? untoldRate(),
      ceiling: config.pmsCallsPerMinute ?? null,
    },
  };
  return new RateBudgets(rates, SYSTEM_CLOCK, onState);
}
