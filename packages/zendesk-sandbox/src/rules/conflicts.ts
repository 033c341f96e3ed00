import type { FaultInput } from '../common/faults';

type Answer = Pick<FaultInput, 'kind' | 'status' | 'body'>;
const conflict = (body: FaultInput['body']): Answer => ({ kind: 'status', status: 409, body });

/**
 * Rule 8: the possible answers with 409, as faults for tests: `faults.set([{ route: '^POST /api/v2/tickets', times: 1,
 * ...CONFLICTS.database }])`. The sandbox itself answers `update` for an outdated `safe_update`.
 */
export const CONFLICTS = {
  /** The `updated_stamp` of a safe update is outdated (Z:tickets). */
  update: conflict({
    error: 'UpdateConflict',
    description: 'Safe Update prevented the update due to outdated ticket data.',
  }),
  /** Sporadic, for POST and PUT: the client must retry (zendesk_api_client_php#314, zenpy#58). */
  database: conflict({ error: 'DatabaseConflict', description: 'Database collision' }),
  /** Two creates made the same requester: the client must retry (RB). */
  requester: conflict('Requester creation collision - please try again'),
} as const satisfies Record<string, Answer>;
