import type { Config } from '../config/config';
import { endpointOf, receiverAt, type WebhookAdmin } from '../systems/webhookAdmin';
import { credentialOf, NAMES } from './credentialNames';
import { wordsOf } from './errorWords';
import type { Finding } from './finding';
import { commandLine } from '../platform/commandLine';

/** Checks that webhooks lead to our receiver. Polls find all changes without webhooks, so nothing here is a failure. */
export async function* webhooks({
  config,
  admins,
}: {
  config: Config;
  admins: readonly WebhookAdmin[];
}): AsyncIterable<Finding> {
  const polls = `changes are found by polling, every ${config.zendeskPollSeconds} and ${config.pmsPollSeconds} s`;
  if (config.publicUrl === undefined) {
    yield {
      what: 'Webhooks',
      state: 'off',
      found: `PUBLIC_URL is not set: ${polls}`,
      cure: `to receive changes within a second, set PUBLIC_URL and run "${commandLine('webhooks install')}"`,
    };
    return;
  }
  const receiver = receiverAt(config.publicUrl, config.connection);
  for (const admin of admins) {
    const what = `Webhooks: ${NAMES[admin.side]}`;
    const secret = admin.side === 'zendesk' ? config.zendeskWebhookSecret : config.pmsWebhookSecret;
    try {
      const found = await admin.list('zendesk-pms-sync', receiver);
      const to = endpointOf(receiver, admin.side);
      if (found.length === 0)
        yield {
          what,
          state: 'warning',
          found: `none leads to ${to}: ${polls}`,
          cure: `run "${commandLine('webhooks install')}"`,
        };
      else if (!secret)
        yield {
          what,
          state: 'warning',
          found: `leads to ${to}, but webhooks are not accepted, because the secret is not set`,
          cure: `set ${admin.side.toUpperCase()}_WEBHOOK_SECRET as "${commandLine('webhooks install')}" printed it`,
        };
      else yield { what, state: 'ok', found: `leads to ${to}`, cure: null };
      for (const other of (await admin.elsewhere?.('zendesk-pms-sync', receiver)) ?? [])
        yield {
          what,
          state: 'warning',
          found: `another leads to ${other.url}: it belongs to another installation, or to a former PUBLIC_URL`,
          cure: `stop that installation, or run "${commandLine('webhooks remove --elsewhere')}"`,
        };
    } catch (error) {
      yield {
        what,
        state: 'warning',
        found: wordsOf(error),
        cure: `give the user of ${credentialOf(config, admin.side)} the right to manage webhooks, or do without: ${polls}`,
      };
    }
  }
}
