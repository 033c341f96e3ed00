import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { ConfigError } from '../config/config';
import { checkMapping, loadMapping } from '../config/loadMapping';
import type { LinkStore } from '../links/linkStore';
import { MappingError } from '../sync/mappingFile';
import type { Mapping } from '../sync/mapping';
import type { Side } from '../sync/record';
import type { SystemPort } from '../systems/port';
import type { SyncMetrics } from '../activities/metrics';

/** How soon a changed mapping file is noticed. By content: mounted files keep odd times of change. */
const LOOK_EVERY_MS = 3_000;

interface Surroundings {
  systems: Record<Side, SystemPort>;
  store: LinkStore;
  log: Logger;
  metrics: SyncMetrics;
}

/**
 * The mapping in use, which follows its file. A changed file is checked like the first one, against the live fields of
 * both systems, before it replaces the old; a file that does not pass changes nothing but a log line and a metric.
 */
export class LiveMapping {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | null = null;

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
    live.timer = setInterval(() => {
      live.looking ??= live.look().finally(() => (live.looking = null));
    }, LOOK_EVERY_MS).unref();
    return live;
  }

  get current(): Mapping {
    return this.mapping;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    const { file, around } = this;
    try {
      const text = readFileSync(file, 'utf8');
      if (text === this.text) return;
      const mapping = await checkMapping(loadMapping(file), around.systems, file);
      this.text = text;
      await around.store.troubles.clear('mapping');
      if (mapping.version === this.mapping.version) return;
      await around.store.mappings.replace(mapping.version);
      around.log.info(
        { mapping: mapping.version, before: this.mapping.version },
        'mapping applied; "zendesk-pms-sync remap" brings all pairs to it, otherwise each at its next change',
      );
      this.mapping = mapping;
      around.metrics.mappingApplied(mapping.version, true);
    } catch (error) {
      await this.reject(error);
    }
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

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
