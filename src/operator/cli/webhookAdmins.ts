import { loadPmsAdapter } from '../../config/loadAdapter';
import type { Config } from '../../config/config';
import type { WebhookAdmin } from '../../systems/webhookAdmin';
import { zendeskWebhooks } from '../../systems/zendesk/zendeskWebhooks';

/**
 * The webhooks of both systems, read with the configured credentials. A PMS without webhooks has none.
 * @param pmsSecret the secret with which the PMS signs; only needed for installing
 */
export function webhookAdmins(config: Config, pmsSecret = ''): WebhookAdmin[] {
  const pms = loadPmsAdapter(config).webhooks?.({
    baseUrl: config.pmsBaseUrl,
    token: config.pmsToken,
    readToken: config.readPmsToken,
    readRefreshToken: config.readPmsRefreshToken,
    ...(config.pmsUser !== undefined && { user: config.pmsUser }),
    secret: pmsSecret,
  });
  return [
    zendeskWebhooks({ baseUrl: config.zendeskBaseUrl, auth: config.zendeskAuth }),
    ...(pms ? [pms] : []),
  ];
}
