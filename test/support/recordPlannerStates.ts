import type * as Planner from '../../src/sync/planner';
import type * as Recordings from './plannerStates/recorded';

/**
 * Records each input of the planner while integration tests run: `RECORD_PLANNER_STATES=FOLDER npx jest TESTS
 * --setupFilesAfterEnv ./test/support/recordPlannerStates.ts`
 */
jest.mock('../../src/sync/planner', () => {
  const { recorder } = jest.requireActual<typeof Recordings>('./plannerStates/recorded');
  const plan = jest.requireActual<typeof Planner>('../../src/sync/planner');
  const record = recorder(process.env['RECORD_PLANNER_STATES'] ?? '');
  return {
    ...plan,
    planPair: (...[state, mapping]: Parameters<typeof plan.planPair>) => {
      record(state, mapping);
      return plan.planPair(state, mapping);
    },
  };
});
