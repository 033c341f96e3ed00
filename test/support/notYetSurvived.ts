import type { Rules } from 'zendesk-sandbox';

/**
 * Rules of the real Zendesk (zendesk-rules.md) that the sync does not survive yet: tests, demo, bench, chaos and
 * `verify` run without them. An entry goes when its fault is mended; the sandbox's own tests obey all.
 */
export const NOT_YET_SURVIVED: Partial<Rules> = {};
