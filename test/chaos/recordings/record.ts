import * as plan from '../../../src/sync/planner';
import { recorder } from '../../support/plannerStates/recorded';

/** Loaded first by the service's processes; records each state that is given to the planner. See `--record`. */

const folder = process.env['RECORD_PLANNER_STATES'];
if (folder === undefined) throw new Error('RECORD_PLANNER_STATES is not set: expected a folder');
const record = recorder(folder);
const { planPair } = plan;
Object.assign(plan, {
  planPair: (...[state, mapping]: Parameters<typeof planPair>) => {
    record(state, mapping);
    return planPair(state, mapping);
  },
});
