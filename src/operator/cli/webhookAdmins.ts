import { loadPmsAdapter } from '../../config/loadAdapter';
import type { Config } from '../../config/config';
import type { WebhookAdmin } from '../../systems/webhookAdmin';
import { zendeskWebhooks } from '../../systems/zendesk/zendeskWebhooks';

/** The systems' webhooks, with the configured credentials; none of a PMS that has none. @param pmsSecret what the PMS is to sign with; for installing */
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
