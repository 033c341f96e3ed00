import { randomBytes } from 'node:crypto';
import { loadMapping } from '../config/loadMapping';
import { runConformance, type Conformance } from '../checks/conform/runConform';
import type { SystemPort } from '../systems/port';

/** Tests an adapter: `import … from 'zendesk-pms-sync/adapter/testing'` (docs/adapter.md). */

export interface ConformanceOptions {
  /** The mapping to use with the adapter; it decides which kinds and properties are written. */
  mappingFile: string;
  /** The most records of a kind to create so that lists have several pages; by default 20. */
  records?: number;
  /** Seconds to wait for results that the system shows late; by default 5. */
  timeoutSeconds?: number;
}

const RECORDS = 20;
const TIMEOUT_SECONDS = 5;
const LOOK_MS = 100;

/** Runs the checks of `conform` with an adapter. They create records, and archive them if the adapter can. */
export function tryConformance(
  port: SystemPort,
  { mappingFile, records = RECORDS, timeoutSeconds = TIMEOUT_SECONDS }: ConformanceOptions,
): Promise<Conformance> {
  return runConformance({
    port,
    mapping: loadMapping(mappingFile),
    serverTime: async () => null,
    tag: `conform-${randomBytes(3).toString('hex')}`,
    patience: {
      timeoutMs: timeoutSeconds * 1000,
      lookMs: LOOK_MS,
      signal: new AbortController().signal,
    },
    records,
  });
}

/** The false claims and the checks that could not be carried out: `expect(faultsOf(…)).toEqual([])`. */
export function faultsOf({ results }: Conformance): string[] {
  return results
    .filter(({ verdict }) => verdict === 'lies' || verdict === 'failed')
    .map(({ check, subject, verdict, found }) => `${[subject, check].join(' ').trim()} ${verdict}: ${found}`);
}
