import type { PmsSandbox } from 'pms-sandbox';
import type { ZendeskSandbox } from 'zendesk-sandbox';

/** A record that became visible to customers, and the user who caused it. */
interface Opened {
  ref: string;
  by: string;
  /** The record that it was created for, or follows up, by its own back-reference. */
  of: string | null;
}

/**
 * Records which records customers could see on either side at any time: internal stays internal. A ticket is visible
 * if its first comment is (zendesk-rules.md rule 20).
 */
export class Leaks {
  private readonly opened: Opened[] = [];
  private readonly everShown = new Set<string>();
  private readonly shownNow = new Set<string>();

  constructor(zendesk: ZendeskSandbox, pms: PmsSandbox) {
    const { onEvent } = zendesk.store;
    zendesk.store.onEvent = (event) => {
      onEvent(event);
      const { kind, record, actorId } = event;
      if (kind !== 'ticket') return;
      const by = zendesk.store.users.get(actorId ?? 0)?.email ?? '';
      const external = (record as { external_id?: string | null }).external_id ?? null;
      for (const [place, comment] of (zendesk.store.comments.get(record.id) ?? []).entries()) {
        const { custom = {} } = (comment['metadata'] ?? {}) as { custom?: Record<string, unknown> };
        const of = custom['zps_follow_up'] ?? custom['zps_ref'];
        const named = typeof of === 'string' ? of : null;
        this.see(
          `zendesk:comment:${record.id}-${comment.id}`,
          comment.public,
          by,
          place === 0 ? null : named,
        );
        if (place === 0) this.see(`zendesk:ticket:${record.id}`, comment.public, by, external);
      }
    };
    const { onChange } = pms.store;
    pms.store.onChange = (change) => {
      onChange(change);
      const { kind, id, actorId, record } = change;
      if (record === null || !('visibility' in record)) return;
      const of = typeof record['externalRef'] === 'string' ? record['externalRef'] : null;
      const by = pms.store.people.get(actorId)?.email ?? '';
      this.see(`pms:${kind}:${id}`, record['visibility'] === 'public', by, of);
    };
  }

  /** A restored backup shows and hides records without a person's action. */
  restored(ref: string, isShown: boolean): void {
    if (!isShown) this.shownNow.delete(ref);
    else {
      this.shownNow.add(ref);
      this.everShown.add(ref);
    }
  }

  private see(ref: string, isShown: boolean, by: string, of: string | null): void {
    if (!isShown) this.shownNow.delete(ref);
    else if (!this.shownNow.has(ref)) {
      this.shownNow.add(ref);
      this.everShown.add(ref);
      this.opened.push({ ref, by, of });
    }
  }

  /**
   * @param users the sync's users
   * @param counterpart by the links, for records without a back-reference
   * @returns one line for each record that the sync made visible to customers, although its counterpart never was
   */
  found(users: readonly string[], counterpart: (ref: string) => string | undefined): string[] {
    return this.opened.flatMap(({ ref, by, of }) => {
      const origin = of ?? counterpart(ref);
      if (!users.includes(by) || origin === undefined || this.everShown.has(origin)) return [];
      return [`leak: ${ref} was shown to customers, and ${origin} never was`];
    });
  }
}
