import { Problem } from '../operatorErrors';
import { NeedsHuman, RetryLater } from '../../systems/errors';

/** For commands that call the systems. @throws Problem with a system's message if it is unavailable or refuses us */
export async function systemErrorsAsProblems<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RetryLater || error instanceof NeedsHuman) throw new Problem(error.message);
    throw error;
  }
}
