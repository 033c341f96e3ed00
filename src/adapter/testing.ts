import { randomBytes } from 'node:crypto';
import { loadMapping } from '../config/loadMapping';
import { runConformance, type Conformance } from '../checks/conform/runConform';
import type { SystemPort } from '../systems/port';

/** Trying an adapter in a test of one's own: `import … from 'zendesk-pms-sync/adapter/testing'` (docs/adapter.md). */

export interface ConformanceOptions {
  /** The mapping that the adapter is to be used with: it says which kinds and properties are written. */
  mappingFile: string;
  /** Of each kind, made at most so that lists have several pages; 20 if not given. */
  records?: number;
  /** How long to wait for what is found or told late; 5 if not given. */
  timeoutSeconds?: number;
}

const RECORDS = 20;
const TIMEOUT_SECONDS = 5;
const LOOK_MS = 100;

/** What `conform` does, over an adapter. It writes, and archives what it made where the adapter can. */
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

/** What an adapter claims and is not so, and what could not be tried: `expect(faultsOf(…)).toEqual([])`. */
export function faultsOf({ results }: Conformance): string[] {
  return results
    .filter(({ verdict }) => verdict === 'lies' || verdict === 'failed')
    .map(({ check, subject, verdict, found }) => `${[subject, check].join(' ').trim()} ${verdict}: ${found}`);
}
