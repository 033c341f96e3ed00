import type { Side } from '../sync/record';
import type { ApiCall } from '../systems/http';
import { pmsSystem } from '../systems/pms';
import type { SystemPort } from '../systems/port';
import { zendeskSystem } from '../systems/zendesk';
import type { Config } from './config';

/** Both systems as the configuration names them. Nothing is called yet. */
export function configuredSystems(
  config: Config,
  onCall?: (call: ApiCall) => void,
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
      ...common,
    }),
    pms: pmsSystem({ baseUrl: config.pmsBaseUrl, token: config.pmsToken, ...common }),
  };
}
