import type { Side } from '../sync/record';
import { withoutSlashes } from './route';

/** A webhook of ours as a system lists it. */
export interface InstalledWebhook {
  side: Side;
  id: string;
  name: string;
  url: string;
}

export interface WebhookInstallation extends InstalledWebhook {
  done: 'created' | 'updated' | 'unchanged';
  /** What the system signs with; null where it was created before and tells nobody. */
  secret: string | null;
}

/** Webhooks of one system, through its API. Ours are recognised by name and address. */
export interface WebhookAdmin {
  readonly side: Side;
  /** Those of this name that lead to a receiver at this address ({@link receiverAt}). */
  list(name: string, receiver: string): Promise<InstalledWebhook[]>;
  /** Those of this name that lead elsewhere: of another installation, or of an address that we had before. */
  elsewhere?(name: string, receiver: string): Promise<InstalledWebhook[]>;
  /** Creates the webhook, or brings an existing one to what is wanted. Safe to repeat. */
  install(name: string, receiver: string): Promise<WebhookInstallation>;
  remove(webhook: InstalledWebhook): Promise<void>;
}

/** Where a connection's deliveries are received. @param connection null where it is the only one */
export function receiverAt(publicUrl: string, connection: string | null): string {
  return `${withoutSlashes(publicUrl)}/webhooks${connection === null ? '' : `/${connection}`}`;
}

/** Where a side's deliveries go. */
export function endpointOf(receiver: string, side: Side): string {
  return `${receiver}/${side}`;
}
