import type { Config } from '../config/config';
import type { Side } from '../sync/record';

/** The names of sides and credentials in findings. */

export const NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'PMS' };

/** The settings of a side's credential. */
export function credentialOf({ zendeskAuth }: Config, side: Side): string {
  if (side === 'pms') return 'PMS_TOKEN';
  return zendeskAuth.by === 'oauth'
    ? 'ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET (a confidential client made by an administrator: docs/zendesk.md)'
    : 'ZENDESK_EMAIL and ZENDESK_API_TOKEN (an admin’s, with token access on: Admin Center → Apps and integrations → APIs)';
}
