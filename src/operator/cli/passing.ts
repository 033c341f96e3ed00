import { Problem } from '../operatorErrors';
import { NeedsHuman, RetryLater } from '../../systems/errors';

/** For what asks the systems themselves. @throws Problem where one stays away or refuses us, with its own words */
export async function passing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RetryLater || error instanceof NeedsHuman) throw new Problem(error.message);
    throw error;
  }
}
