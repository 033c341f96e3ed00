import type { Config } from '../config/config';
import { SIDES, type Side } from '../sync/record';
import { receiverAt, type WebhookAdmin } from '../systems/webhookAdmin';

/** The default name of our webhooks (`webhooks install --name`). */
const NAME = 'zendesk-pms-sync';

/**
 * Finds webhooks with our name that lead to no receiver of this installation. Another installation has created them,
 * or this one did, with another `PUBLIC_URL`.
 * @returns for each side the address of the first such webhook, or null. A side whose webhooks cannot be listed is
 * missing.
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
  // Several connections may use the same account.
  const ours = publicUrl === undefined ? null : `${receiverAt(publicUrl, null)}/`;
  const receiver = publicUrl === undefined ? '' : receiverAt(publicUrl, connection);
  for (const side of SIDES) {
    const admin = admins.find((each) => each.side === side);
    // A refresh token may be valid for one use only, so two clients would end each other's sign-in.
    if (!admin?.elsewhere || (side === 'pms' && readPmsRefreshToken() !== '')) continue;
    try {
      const others = await admin.elsewhere(NAME, receiver);
      found[side] = others.find(({ url }) => ours === null || !url.startsWith(ours))?.url ?? null;
    } catch {
      // Listing webhooks needs a right that the sync does not need otherwise. Without it, the answer is unknown.
    }
  }
  return found;
}
