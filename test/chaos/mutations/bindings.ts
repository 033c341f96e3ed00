import * as sameFields from '../../../src/sync/rules/sameFields';

/** Switches off the comparison of bindings: what was agreed about one field counts for any other. */

Object.assign(sameFields, { namesSameFields: () => true });
