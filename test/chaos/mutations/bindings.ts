import * as boundAlike from '../../../src/sync/rules/boundAlike';

/** Switches off the comparison of bindings: what was agreed about one field counts for any other. */

Object.assign(boundAlike, { namesSameFields: () => true });
