import { setTimeout as sleep } from 'node:timers/promises';
import { currentSignal } from '../callContext';
import { AlreadyExists, NeedsHuman, RetryLater } from '../errors';
import type { HttpClient, Request } from '../http';
import { jobAnswer, jobsAnswer, type Job } from './zendeskSchemas';

/** The intervals of polling a job, with a back-off, because each poll is a call. */
const FIRST_LOOK_MS = 150;
const LONGEST_WAIT_MS = 5_000;
const WAITED_AT_MOST_MS = 5 * 60_000;
const ENDED = new Set(['completed', 'failed', 'killed']);

export type JobResult = { id: string } | { id: null; error: Error };

/**
 * Bulk writes are asynchronous: the answer names a job, whose state and results are polled.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/
 */
export class Jobs {
  constructor(private readonly http: HttpClient) {}

  /**
   * Sends a bulk write and waits for its end. @returns one result for each item, in their order
   * @throws RetryLater with an unknown outcome if the end of the job cannot be observed; NeedsHuman
   */
  async run(request: Request, items: number): Promise<JobResult[]> {
    return this.results(request, (await this.http.send(request)).body, items);
  }

  /** Waits for the end of the job that a request has begun. @param answer the body; see {@link run} for the rest */
  async results(request: Request, answer: unknown, items: number): Promise<JobResult[]> {
    const { job_status: begun } = this.http.parse(jobAnswer, request, answer);
    const job = await this.ended(begun);
    // A killed job does not show which items it has done.
    if (job.status !== 'completed')
      throw new RetryLater(`Zendesk ${request.path}: the job was ${job.status}`, { unknownOutcome: true });
    const results = new Map((job.results ?? []).map((result, place) => [result.index ?? place, result]));
    return Array.from({ length: items }, (_, place): JobResult => {
      const { id, success, error, details } = results.get(place) ?? {};
      // A failed item may have an id, too: that of the record that was to change (zendesk-rules.md rule 9).
      return id !== undefined && success !== false && error == null
        ? { id: String(id) }
        : { id: null, error: failureOf(request.path, error ?? 'no result', details ?? '') };
    });
  }

  /** Waits until all jobs that are queued or running now have ended. */
  async settled(): Promise<void> {
    const { job_statuses: jobs } = await this.http.get(jobsAnswer, '/api/v2/job_statuses');
    for (const job of jobs) if (!ENDED.has(job.status)) await this.ended(job);
  }

  private async ended(begun: Job): Promise<Job> {
    let job = begun;
    let wait = FIRST_LOOK_MS;
    for (let waited = 0; !ENDED.has(job.status); waited += wait, wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      if (waited > WAITED_AT_MOST_MS)
        throw new RetryLater(`Zendesk: job ${job.id} is still ${job.status}`, { unknownOutcome: true });
      await sleep(wait, undefined, { signal: currentSignal() }).catch(() => {
        throw new RetryLater('Zendesk: the wait for a job was ended', { unknownOutcome: true });
      });
      ({ job_status: job } = await this.http.get(jobAnswer, `/api/v2/job_statuses/${job.id}`));
    }
    return job;
  }
}

function failureOf(path: string, error: string, details: string): Error {
  const words = `Zendesk ${path}: ${error} ${details}`.trim();
  if (isTaken(details)) return new AlreadyExists(words, 'external_id');
  return new NeedsHuman('invalid_field', words);
}

/** Whether an answer says that a value must be unique and exists already. */
export const isTaken = (words: string): boolean => /DuplicateValue|already been taken/i.test(words);
