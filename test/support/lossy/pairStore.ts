import { refKey } from '../../../src/sync/canonicalKey';
import type { Link } from '../../../src/sync/link';
import { SIDES, type RefKey, type Side, type SyncRecord } from '../../../src/sync/record';

/** The link store of one pair: its link and its observations, as src/links has them. */

interface Backup {
  link: Link;
  observations: Partial<Record<Side, SyncRecord>>;
}

export const digestOf = (record: SyncRecord): string => JSON.stringify(record);

export class PairStore {
  link: Link | null = null;
  observations: Partial<Record<Side, SyncRecord>> = {};
  private readonly backups: Backup[] = [];

  save(link: Link): Link {
    this.link = { ...link, rev: link.rev + 1 };
    // A backup from before the pair had two records leads to another creation, which `links recreate` decides.
    if (link.sides.zendesk && link.sides.pms)
      this.backups.push({ link: this.link, observations: { ...this.observations } });
    return this.link;
  }

  /** @returns whether there was such a backup */
  restore(age: number): boolean {
    const backup = this.backups.at(-1 - age);
    if (!backup) return false;
    this.link = backup.link;
    this.observations = { ...backup.observations };
    return true;
  }

  lose(): void {
    this.link = null;
    this.observations = {};
    this.backups.length = 0;
  }

  /** @param replaced see `ObservationStore.keep` @returns whether it was stored */
  keep(record: SyncRecord, replaced?: SyncRecord): boolean {
    const { side } = record.ref;
    const stored = this.observations[side];
    const isOlder = stored && stored.order > record.order;
    if (isOlder && !(replaced && digestOf(replaced) === digestOf(stored))) return false;
    this.observations[side] = record;
    return true;
  }

  forget(digests: Partial<Record<RefKey, string>>): void {
    for (const side of SIDES) {
      const stored = this.observations[side];
      if (stored && digests[refKey(stored.ref)] === digestOf(stored)) delete this.observations[side];
    }
  }
}
