import * as sameFields from '../../../src/sync/rules/sameFields';

/** Switches off the comparison of bindings: an agreement about one field counts for any other field. */

Object.assign(sameFields, { namesSameFields: () => true });
