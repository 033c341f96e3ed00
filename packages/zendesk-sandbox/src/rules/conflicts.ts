import type { FaultInput } from '../common/faults';

type Answer = Pick<FaultInput, 'kind' | 'status' | 'body'>;
const conflict = (body: FaultInput['body']): Answer => ({ kind: 'status', status: 409, body });

/**
 * Rule 8: what a 409 can be, as faults that a test asks for: `faults.set([{ route: '^POST /api/v2/tickets', times: 1,
 * ...CONFLICTS.database }])`. The sandbox itself answers `update` where a `safe_update` is lost.
 */
export const CONFLICTS = {
  /** The precondition of a safe update is lost (Z:tickets). */
  update: conflict({
    error: 'UpdateConflict',
    description: 'Safe Update prevented the update due to outdated ticket data.',
  }),
  /** Sporadic, at POST and PUT: to be tried again (zendesk_api_client_php#314, zenpy#58). */
  database: conflict({ error: 'DatabaseConflict', description: 'Database collision' }),
  /** Two creations made the same requester: to be tried again (RB). */
  requester: conflict('Requester creation collision - please try again'),
} as const satisfies Record<string, Answer>;
