import type { Config } from '../config/config';
import { pmsWebhooks } from '../systems/pms/webhooks';
import type { WebhookAdmin } from '../systems/webhooks';
import { zendeskWebhooks } from '../systems/zendesk/webhooks';

/** Both systems' webhooks, with the configured credentials. @param pmsSecret what the PMS is to sign with; for installing */
export function webhookAdmins(config: Config, pmsSecret = ''): WebhookAdmin[] {
  return [
    zendeskWebhooks({
      baseUrl: config.zendeskBaseUrl,
      email: config.zendeskEmail,
      apiToken: config.zendeskApiToken,
    }),
    pmsWebhooks({ baseUrl: config.pmsBaseUrl, token: config.pmsToken, secret: pmsSecret }),
  ];
}
