import { randomBytes } from 'node:crypto';
import { loadMapping } from '../config/loadMapping';
import { runConformance, type Conformance } from '../checks/conform/runConform';
import type { SystemPort } from '../systems/port';

/** For your own test of an adapter: `import … from 'zendesk-pms-sync/adapter/testing'` (docs/adapter.md). */

export interface ConformanceOptions {
  /** The mapping to use with the adapter; it decides which kinds and properties are written. */
  mappingFile: string;
  /** Records of each kind to create at most, so that lists have several pages; 20 if not given. */
  records?: number;
  /** Seconds to wait for results that the system shows late; 5 if not given. */
  timeoutSeconds?: number;
}

const RECORDS = 20;
const TIMEOUT_SECONDS = 5;
const LOOK_MS = 100;

/** Runs the checks of `conform` with an adapter. It writes, and archives its records if the adapter can. */
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

/** Claims that are not true, and checks that could not be made: `expect(faultsOf(…)).toEqual([])`. */
export function faultsOf({ results }: Conformance): string[] {
  return results
    .filter(({ verdict }) => verdict === 'lies' || verdict === 'failed')
    .map(({ check, subject, verdict, found }) => `${[subject, check].join(' ').trim()} ${verdict}: ${found}`);
}
