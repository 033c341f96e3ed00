import { RateBudgets } from '../budget';
import { SYSTEM_CLOCK } from '../budget/clock';
import type { Side } from '../sync/record';
import type { LimitReading } from '../systems/budget';
import type { ApiCall } from '../systems/http';
import type { SystemPort } from '../systems/port';
import { profileSystem, type ProfileSystem } from '../systems/profile';
import { needsUser } from '../systems/profile/auth';
import { rateRules } from '../systems/profile/rate';
import { zendeskSystem } from '../systems/zendesk';
import { ZENDESK_RATE } from '../systems/zendesk/limits';
import { ConfigError, type Config } from './config';
import { loadProfile } from './profile';

/** Both systems as the configuration names them. Nothing is called yet. */
export function configuredSystems(
  config: Config,
  { budgets, onCall }: { budgets: RateBudgets; onCall?: (call: ApiCall) => void },
): { zendesk: SystemPort; pms: ProfileSystem } {
  const profile = loadProfile(config.pmsProfile);
  if (needsUser(profile.auth) && config.pmsUser === undefined)
    throw new ConfigError(
      `PMS_USER: found nothing, expected the name that belongs to PMS_TOKEN (${config.pmsProfile}: auth: ${profile.auth.by})`,
    );
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
    pms: profileSystem({
      profile,
      baseUrl: config.pmsBaseUrl,
      token: config.pmsToken,
      ...(config.pmsUser !== undefined && { user: config.pmsUser }),
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
    pms: {
      name: 'PMS',
      rules: rateRules(loadProfile(config.pmsProfile)),
      ceiling: config.pmsCallsPerMinute ?? null,
    },
  };
  return new RateBudgets(rates, SYSTEM_CLOCK, onReading);
}
