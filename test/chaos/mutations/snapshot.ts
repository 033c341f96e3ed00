import * as merge from '../../../src/sync/merge';

/** Switches off the comparison with the snapshot: two records are compared only with each other. */

const { mergeRow } = merge;
Object.assign(merge, {
  mergeRow: (...[row, input]: Parameters<typeof mergeRow>) => mergeRow(row, { ...input, base: null }),
});
