import type { Ticket } from '../model';
import type { Store } from '../store';
import { secondsOf } from '../text';

const AFTER_SECONDS = 120 * 24 * 3_600;

/**
 * Rule 35 [D]: tickets are archived 120 days after they were closed. Lists omit them; reads by id and exports contain
 * them; their audits are not paged (rule 12).
 */
export const isArchived = (store: Store, { status, updated_at: at }: Ticket): boolean =>
  status === 'closed' && store.seconds() - secondsOf(at) > AFTER_SECONDS;
