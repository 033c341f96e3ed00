import * as sets from '../../../src/sync/rules/sets';

/** Switches off that sets merge by element: the whole value of one side wins, as for any other row. */

Object.assign(sets, { isSet: () => false });
