import type { Config } from '../config/config';
import { SIDES, type Side } from '../sync/record';
import { receiverAt, type WebhookAdmin } from '../systems/webhookAdmin';

/** The name of our webhooks, unless `--name` gives another. */
const NAME = 'zendesk-pms-sync';

/**
 * Webhooks of this name that lead to none of our receivers: another installation has left them, or we had another
 * `PUBLIC_URL` before.
 * @returns by side the first one's address, or null; without sides whose webhooks cannot be listed
 */
export async function foreignWebhooks(
  {
    publicUrl,
    connection,
    readPmsRefreshToken,
  }: Pick<Config, 'publicUrl' | 'connection' | 'readPmsRefreshToken'>,
  admins: readonly WebhookAdmin[],
): Promise<Partial<Record<Side, string | null>>> {
  const found: Partial<Record<Side, string | null>> = {};
  // One account may be in several connections of ours.
  const ours = publicUrl === undefined ? null : `${receiverAt(publicUrl, null)}/`;
  const receiver = publicUrl === undefined ? '' : receiverAt(publicUrl, connection);
  for (const side of SIDES) {
    const admin = admins.find((each) => each.side === side);
    // A refresh token may be good for one use: two clients at the same time would end each other's sign-in.
    if (!admin?.elsewhere || (side === 'pms' && readPmsRefreshToken() !== '')) continue;
    try {
      const others = await admin.elsewhere(NAME, receiver);
      found[side] = others.find(({ url }) => ours === null || !url.startsWith(ours))?.url ?? null;
    } catch {
      // Webhooks need a right of their own, which the sync does without: then nothing is known of this side.
    }
  }
  return found;
}
