import type { Side } from '../sync/record';
import { withoutSlashes } from './route';

/** A webhook of the sync in the list of a system. */
export interface InstalledWebhook {
  side: Side;
  id: string;
  name: string;
  url: string;
}

export interface WebhookInstallation extends InstalledWebhook {
  done: 'created' | 'updated' | 'unchanged';
  /** The secret of the signatures; null if the webhook exists already and the system does not show its secret. */
  secret: string | null;
}

/** Manages the webhooks of one system, through its API. Name and address identify those of the sync. */
export interface WebhookAdmin {
  readonly side: Side;
  /** The webhooks of this name with the address of this receiver ({@link receiverAt}). */
  list(name: string, receiver: string): Promise<InstalledWebhook[]>;
  /** The webhooks of this name with another address: of another installation, or of a former address. */
  elsewhere?(name: string, receiver: string): Promise<InstalledWebhook[]>;
  /** Creates the webhook, or updates an existing one. May be repeated. */
  install(name: string, receiver: string): Promise<WebhookInstallation>;
  remove(webhook: InstalledWebhook): Promise<void>;
}

/** The address of a connection's receiver. @param connection null if it is the only one */
export function receiverAt(publicUrl: string, connection: string | null): string {
  return `${withoutSlashes(publicUrl)}/webhooks${connection === null ? '' : `/${connection}`}`;
}

/** The address of a side's deliveries. */
export function endpointOf(receiver: string, side: Side): string {
  return `${receiver}/${side}`;
}
