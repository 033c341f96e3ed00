import { readFileSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { ConfigError } from '../config/config';
import { checkMapping, loadMapping } from '../config/loadMapping';
import type { LinkStore } from '../links/linkStore';
import { MappingError } from '../sync/mappingFile';
import type { Mapping } from '../sync/mapping';
import { ENTITY_TYPES, SIDES, type Side } from '../sync/record';
import { bindingsOf } from '../sync/rules/boundAlike';
import type { SystemPort } from '../systems/port';
import type { FieldsInUse } from '../activities/activityContext';
import type { SyncMetrics } from '../activities/metrics';
import type { CanonicalKey } from '../sync/canonicalKey';

/** How soon a changed mapping file is noticed. By content: mounted files keep odd times of change. */
const LOOK_EVERY_MS = 3_000;
/** How soon a field that was made, deactivated or deleted is noticed where no record shows it: one list of each kind. */
const FIELDS_EVERY_MS = 120_000;

/** How soon they are read again where a pair waits for it, and how long its question is kept. */
const ASKED_EVERY_MS = 5_000;
const ASKED = { ttl: 10 * 60_000, max: 20_000 };

interface Surroundings {
  systems: Record<Side, SystemPort>;
  store: LinkStore;
  log: Logger;
  metrics: SyncMetrics;
  /** Has the pairs searched whose values were not compared since a property is offered again. */
  tellPairs(): Promise<void>;
}

/**
 * The mapping in use, which follows its file and the fields of both systems. A changed file is checked like the first one,
 * against the live fields, before it replaces the old; a file that does not pass changes nothing but a log line and a
 * metric. A field that is gone makes its rows rest, and one that was made anew is bound anew, without a change of the file.
 */
export class LiveMapping implements FieldsInUse {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | null = null;
  private fieldsAt = 0;
  /** When the lists were read that the mapping in use was compared with. */
  private comparedAt = 0;
  private askedAt = -1;
  private readonly asked = new LRUCache<CanonicalKey, number>(ASKED);
  private revisions = '';
  /** A property is offered again, or is another one, and the pairs were not told yet. */
  private mustTell = false;

  private constructor(
    private readonly file: string,
    private text: string,
    private mapping: Mapping,
    private readonly around: Surroundings,
  ) {}

  /** @param mapping what the file holds, checked */
  static async follow(file: string, mapping: Mapping, around: Surroundings): Promise<LiveMapping> {
    const live = new LiveMapping(file, readFileSync(file, 'utf8'), mapping, around);
    around.metrics.mappingApplied(mapping.version, false);
    await around.store.troubles.clear('mapping');
    const newer = await around.store.mappings.begin(mapping.version);
    if (newer !== null) {
      around.log.warn(
        { mapping: mapping.version, newer },
        'the mapping file is older than one that pairs were synced by, which wait; if it is meant, run "zendesk-pms-sync remap"',
      );
    }
    for (const misfit of mapping.misfits ?? []) around.log.warn(`the mapping does not fit: ${misfit}`);
    await live.keep(mapping);
    live.noteFields();
    live.timer = setInterval(() => {
      live.looking ??= live.look().finally(() => (live.looking = null));
    }, LOOK_EVERY_MS).unref();
    return live;
  }

  get current(): Mapping {
    return this.mapping;
  }

  areNewerThan(asking: CanonicalKey): boolean {
    const asked = this.asked.get(asking);
    if (asked !== undefined && asked < this.comparedAt) {
      this.asked.delete(asking);
      return true;
    }
    if (asked === undefined) {
      this.askedAt = Date.now();
      this.asked.set(asking, this.askedAt);
    }
    return false;
  }

  /** Where it fails, it is tried again at the next look: the link store keeps which pairs are concerned. */
  async tellPairs(): Promise<void> {
    if (!this.mustTell) return;
    try {
      await this.around.tellPairs();
      this.mustTell = false;
    } catch (error) {
      this.around.log.warn({ err: error }, 'pairs of properties that are offered again were not told yet');
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    await this.lookAtFile();
    const isAsked = this.askedAt >= this.comparedAt;
    const due =
      Date.now() - this.fieldsAt >= (isAsked ? ASKED_EVERY_MS : FIELDS_EVERY_MS) ||
      this.revisions !== this.revisionsNow();
    if (due) await this.lookAtFields();
    await this.tellPairs();
  }

  private async lookAtFile(): Promise<void> {
    const { file, around } = this;
    try {
      const text = readFileSync(file, 'utf8');
      if (text === this.text) return;
      const mapping = await this.checked();
      this.text = text;
      await around.store.troubles.clear('mapping');
      if (mapping.version === this.mapping.version) return;
      await around.store.mappings.replace(mapping.version);
      around.log.info(
        { mapping: mapping.version, before: this.mapping.version },
        'mapping applied; "zendesk-pms-sync remap" brings all pairs to it, otherwise each at its next change',
      );
      await this.keep(mapping);
      this.mapping = mapping;
      around.metrics.mappingApplied(mapping.version, true);
    } catch (error) {
      await this.reject(error);
    }
  }

  /** The same file, compared with the fields that both systems have now. */
  private async lookAtFields(): Promise<void> {
    const { around } = this;
    try {
      const at = Date.now();
      const mapping = await this.checked();
      // A file that changed meanwhile is looked at by its own way.
      if (mapping.version !== this.mapping.version) return;
      if (fieldsOf(mapping) !== fieldsOf(this.mapping)) {
        // Another process may have been the first to see it, and told pairs that came to this one before it saw it.
        const isBack = offersMore(this.mapping, mapping);
        await this.keep(mapping);
        this.mapping = mapping;
        this.mustTell ||= isBack;
      } else if (JSON.stringify(mapping.bound) !== JSON.stringify(this.mapping.bound)) {
        // A field has another title: only people see it.
        await around.store.bindings.keep(mapping.bound ?? []);
        this.mapping = mapping;
      }
      this.comparedAt = at;
    } catch (error) {
      around.log.warn({ err: error }, 'the mapping could not be compared with the fields of both systems');
    }
  }

  private async checked(): Promise<Mapping> {
    const { file, around } = this;
    this.noteFields();
    return checkMapping(loadMapping(file), around.systems, file, await around.store.bindings.formerNames());
  }

  private noteFields(): void {
    this.fieldsAt = Date.now();
    this.revisions = this.revisionsNow();
  }

  private revisionsNow(): string {
    return SIDES.map((side) => this.around.systems[side].fieldsRevision ?? 0).join('/');
  }

  /** What the mapping's names are bound to outlives the process, so that a field may be gone at the next start. */
  private async keep(mapping: Mapping): Promise<void> {
    const { store, log } = this.around;
    const isOther = await store.bindings.keep(mapping.bound ?? []);
    const bindings = ENTITY_TYPES.map((type) => {
      const table = mapping.entities[type];
      const resting = new Set(table.rows.filter((row) => row.restsOn).map(({ id }) => id));
      const known = Object.entries(bindingsOf(table)).filter(([id]) => !resting.has(id));
      return [type, Object.fromEntries(known)] as const;
    });
    await store.mappings.keepBindings(mapping.version, Object.fromEntries(bindings));
    const { began, ended } = await store.bindings.rest(mapping.resting ?? []);
    for (const { entity, what, side, kind, property } of began)
      log.warn(
        { entity, side, property },
        `${entity} ${what} rests: ${side} ${kind} does not offer "${property}" any more; it goes on when the field is back`,
      );
    for (const { entity, what, side, property, since } of ended)
      log.info({ entity, side, property, since }, `${entity} ${what} no longer rests`);
    if (!isOther && ended.length === 0) return;
    await store.bindings.noteChange();
    this.mustTell = true;
  }

  private async reject(error: unknown): Promise<void> {
    const { file, around } = this;
    if (error instanceof MappingError || error instanceof ConfigError) {
      // Once for each content, not every few seconds.
      this.text = readText(file);
      around.metrics.mappingRejected();
      around.log.error(
        { mapping: this.mapping.version, faults: error.message.split('\n') },
        'the changed mapping file cannot be used; the old mapping stays',
      );
      const [first = ''] = error.message.split('\n');
      await around.store.troubles.note('mapping', { code: 'unusable', text: first });
    } else around.log.warn({ err: error }, 'the changed mapping file could not be checked yet');
  }
}

/** All of a mapping that the fields of both systems decide, for comparing two of one file. */
function fieldsOf({ entities, resting }: Mapping): string {
  return JSON.stringify([
    Object.values(entities).map(({ rows, match, filter }) => [rows, match, filter]),
    resting,
  ]);
}

/** Whether a property is offered again, or is another one than before. */
function offersMore(before: Mapping, after: Mapping): boolean {
  const still = new Set((after.resting ?? []).map((each) => JSON.stringify(each)));
  const isBack = (before.resting ?? []).some((each) => !still.has(JSON.stringify(each)));
  const textOf = ({ entities }: Mapping) => JSON.stringify(Object.values(entities).map(bindingsOf));
  return isBack || textOf(before) !== textOf(after);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
