import { readFileSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { ConfigError } from '../config/config';
import { checkMapping, loadMapping } from '../config/loadMapping';
import type { LinkStore } from '../links/linkStore';
import { reservedElements } from '../sync/heldSets';
import { MappingError } from '../sync/mappingFile';
import type { Mapping } from '../sync/mapping';
import { ENTITY_TYPES, SIDES, type Side } from '../sync/record';
import { bindingsOf } from '../sync/rules/sameFields';
import type { SystemPort } from '../systems/port';
import type { FieldsInUse } from '../activities/activityContext';
import type { SyncMetrics } from '../activities/metrics';
import type { CanonicalKey } from '../sync/canonicalKey';
import { commandLine } from '../platform/commandLine';

/**
 * How often the mapping file is checked for a change. The content is compared, because the modification time of a
 * mounted file is not reliable.
 */
const LOOK_EVERY_MS = 3_000;
/**
 * How often the lists of fields are read, one for each kind of record, so that a created, deactivated or deleted field
 * is noticed even if no record shows the change.
 */
const FIELDS_EVERY_MS = 120_000;

/** How often the lists of fields are read while a pair waits for newer ones, and how long its request is kept. */
const ASKED_EVERY_MS = 5_000;
const ASKED = { ttl: 10 * 60_000, max: 20_000 };

/**
 * If a process starts within this time after a change of the fields, it starts link hygiene once more. Its predecessor
 * may have ended before it noticed the change, and may have planned pairs as before until then.
 */
const HYGIENE_AGAIN_MS = 15 * 60_000;

interface Dependencies {
  systems: Record<Side, SystemPort>;
  store: LinkStore;
  log: Logger;
  metrics: SyncMetrics;
  /** Starts link hygiene, which finds the pairs that were planned while a row rested, and signals them. */
  startHygiene(): Promise<void>;
}

/**
 * The mapping in use, which follows its file and the fields of both systems. A changed file is checked against the live
 * fields, like the first file, before it replaces the mapping. If the check fails, the old mapping stays, and the log,
 * a metric and `status` say so. If a field is gone, its rows rest. If a field was deleted and created again, its rows
 * are bound to the new field, without a change of the file.
 */
export class LiveMapping implements FieldsInUse {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | null = null;
  private fieldsAt = 0;
  /** Time of the lists of fields with which the mapping in use was last compared, in milliseconds. */
  private comparedAt = 0;
  private askedAt = -1;
  private readonly asked = new LRUCache<CanonicalKey, number>(ASKED);
  private revisions = '';
  /** A property is offered again, or a name is bound to another field, and link hygiene was not started yet. */
  private mustStartHygiene = false;

  private constructor(
    private readonly file: string,
    private text: string,
    private mapping: Mapping,
    private readonly around: Dependencies,
  ) {}

  /** @param mapping what the file holds, checked */
  static async follow(file: string, mapping: Mapping, around: Dependencies): Promise<LiveMapping> {
    const live = new LiveMapping(file, readFileSync(file, 'utf8'), mapping, around);
    around.metrics.mappingApplied(mapping.version, false);
    await around.store.troubles.clear('mapping');
    const newer = await around.store.mappings.begin(mapping.version);
    if (newer !== null) {
      around.log.warn(
        { mapping: mapping.version, newer },
        `a newer mapping was in use, and its pairs wait; deploy it, or run "${commandLine('remap')}" to use this file`,
      );
    }
    for (const misfit of mapping.misfits ?? []) around.log.warn(`the mapping does not fit: ${misfit}`);
    await live.keep(mapping);
    const changedAt = await around.store.bindings.changedAt();
    live.mustStartHygiene ||= changedAt !== null && Date.now() - changedAt.getTime() < HYGIENE_AGAIN_MS;
    live.noteFields();
    live.timer = setInterval(() => {
      live.looking ??= live.look().finally(() => (live.looking = null));
    }, LOOK_EVERY_MS).unref();
    return live;
  }

  get current(): Mapping {
    return this.mapping;
  }

  wereReadSinceAskedBy(key: CanonicalKey): boolean {
    const asked = this.asked.get(key);
    if (asked !== undefined && asked < this.comparedAt) {
      this.asked.delete(key);
      return true;
    }
    if (asked === undefined) {
      this.askedAt = Date.now();
      this.asked.set(key, this.askedAt);
    }
    return false;
  }

  /** If this fails, the next look repeats it. No pair is lost: the link store knows which pairs are concerned. */
  async startHygiene(): Promise<void> {
    if (!this.mustStartHygiene) return;
    try {
      await this.around.startHygiene();
      this.mustStartHygiene = false;
    } catch (error) {
      this.around.log.warn(
        { err: error },
        'link hygiene could not be started after a change of fields; the next look repeats this',
      );
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
    await this.startHygiene();
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
        `mapping applied; "${commandLine('remap')}" brings all pairs to it, otherwise each at its next change`,
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
      // The file has changed meanwhile: `lookAtFile` handles that.
      if (mapping.version !== this.mapping.version) return;
      if (fieldsOf(mapping) !== fieldsOf(this.mapping)) {
        // Start link hygiene here, too: if another process saw the change first and started it, this process may have
        // planned the signalled pairs with the old fields.
        const isReleased = releases(this.mapping, mapping);
        const isBack = offersMore(this.mapping, mapping) || isReleased;
        await this.keep(mapping);
        if (isReleased) await around.store.bindings.noteChange();
        this.mapping = mapping;
        this.mustStartHygiene ||= isBack;
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

  /** Stores what the mapping's names are bound to, so that the next start succeeds even if a field is gone by then. */
  private async keep(mapping: Mapping): Promise<void> {
    const { store, log } = this.around;
    const isRebound = await store.bindings.keep(mapping.bound ?? []);
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
    if (!isRebound && ended.length === 0) return;
    await store.bindings.noteChange();
    this.mustStartHygiene = true;
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

/** The parts of a mapping that depend on the fields of both systems. Used to compare two mappings of the same file. */
function fieldsOf({ entities, resting }: Mapping): string {
  return JSON.stringify([
    Object.values(entities).map(({ rows, match, filter }) => [rows, match, filter]),
    resting,
  ]);
}

/** Whether a property is offered again, or a row is bound to another field than before. */
function offersMore(before: Mapping, after: Mapping): boolean {
  const still = new Set((after.resting ?? []).map((each) => JSON.stringify(each)));
  const isBack = (before.resting ?? []).some((each) => !still.has(JSON.stringify(each)));
  const textOf = ({ entities }: Mapping) => JSON.stringify(Object.values(entities).map(bindingsOf));
  return isBack || textOf(before) !== textOf(after);
}

/** Whether an element of a set no longer belongs to another property: an option was removed, or its field. */
function releases(before: Mapping, after: Mapping): boolean {
  return ENTITY_TYPES.some((type) =>
    before.entities[type].rows.some((row, n) => {
      const still = reservedElements(after.entities[type].rows[n] ?? {});
      return row.reserved?.some((each) => !still.has(each)) === true;
    }),
  );
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
