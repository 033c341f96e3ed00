import type { Side } from '../sync/record';
import { pmsSystem } from '../systems/pms';
import type { SystemPort } from '../systems/port';
import { zendeskSystem } from '../systems/zendesk';
import type { Config } from './config';

/** Both systems as the configuration names them. Nothing is called yet. */
export function configuredSystems(config: Config): Record<Side, SystemPort> {
  return {
    zendesk: zendeskSystem({
      baseUrl: config.zendeskBaseUrl,
      email: config.zendeskEmail,
      apiToken: config.zendeskApiToken,
    }),
    pms: pmsSystem({ baseUrl: config.pmsBaseUrl, token: config.pmsToken }),
  };
}
