import type { Ticket } from '../model';
import type { Store } from '../store';
import { secondsOf } from '../text';

const AFTER_SECONDS = 120 * 24 * 3_600;

/**
 * Rule 35 [D]: tickets are archived 120 days after they were closed. Lists leave them out; show and the exports have
 * them; their audits take no paging (rule 12).
 */
export const isArchived = (store: Store, { status, updated_at: at }: Ticket): boolean =>
  status === 'closed' && store.seconds() - secondsOf(at) > AFTER_SECONDS;
