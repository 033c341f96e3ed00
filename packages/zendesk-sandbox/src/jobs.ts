import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Fields } from './model';
import { Refusal, badRequest, notFound } from './refusal';

const IN_FLIGHT = 'zendesk-ratelimit-inflight-jobs';
/** Seconds until the limit of jobs is counted anew, as the page's example has it. */
const RESETS = 60;
const ITEMS_AT_MOST = 100;
/** Long enough for a client to see a job queued and at work. */
const STEP_MS = 15;

interface Job extends Fields {
  id: string;
  status: 'queued' | 'working' | 'completed' | 'killed';
  total: number;
  progress: number;
  results: Fields[] | null;
}

/** https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/ */
export class Jobs {
  private readonly all = new Map<string, Job>();
  private readonly closing = new AbortController();
  private queue: Promise<void> = Promise.resolve();
  private waiting = 0;

  /** @param atMost jobs that wait or work at a time */
  constructor(
    private readonly baseUrl: () => string,
    private readonly atMost: number,
  ) {}

  /** Answers that queue a job tell how many more may be queued. https://developer.zendesk.com/api-reference/introduction/rate-limits/#job-limit */
  install(api: FastifyInstance): void {
    api.addHook('preSerialization', async (request, reply, payload) => {
      if (
        request.method !== 'GET' &&
        payload !== null &&
        typeof payload === 'object' &&
        'job_status' in payload
      )
        reply.header(IN_FLIGHT, this.inFlight());
      return payload;
    });
  }

  get(id: string): Job {
    const job = this.all.get(id);
    if (!job) throw notFound();
    return job;
  }

  list(): Job[] {
    return [...this.all.values()];
  }

  /** Queues one step for each item; a step's refusal becomes that item's result. */
  add<T>(action: string, items: T[], step: (item: T) => Fields): Job {
    if (items.length > ITEMS_AT_MOST)
      throw badRequest('TooManyValues', `At most ${ITEMS_AT_MOST} records at once, found ${items.length}`);
    if (this.waiting >= this.atMost) {
      const body = {
        error: 'TooManyJobs',
        description: `Too many ${action} jobs are currently queued or running. Try again later.`,
        current_job_ids: this.list().flatMap(({ id, status }) =>
          status === 'queued' || status === 'working' ? [id] : [],
        ),
      };
      throw new Refusal(429, body, { 'retry-after': '1', [IN_FLIGHT]: this.inFlight() });
    }
    const id = randomUUID().replace(/-/g, '');
    const job: Job = {
      id,
      job_type: action,
      url: `${this.baseUrl()}/job_statuses/${id}.json`,
      total: items.length,
      progress: 0,
      status: 'queued',
      message: null,
      results: null,
    };
    this.all.set(id, job);
    this.waiting += 1;
    this.queue = this.queue
      .then(() => this.run(job, action, items, step))
      .finally(() => {
        this.waiting -= 1;
      });
    return { ...job };
  }

  /** What is queued is not done any more. */
  close(): void {
    this.closing.abort();
  }

  private inFlight(): string {
    return `total=${this.atMost}; remaining=${Math.max(0, this.atMost - this.waiting)}; resets=${RESETS}`;
  }

  private async run<T>(job: Job, action: string, items: T[], step: (item: T) => Fields): Promise<void> {
    try {
      await sleep(STEP_MS, undefined, { signal: this.closing.signal });
      job.status = 'working';
      await sleep(STEP_MS, undefined, { signal: this.closing.signal });
    } catch {
      job.status = 'killed';
      return;
    }
    job.results = items.map((item, index) => {
      try {
        return { index, action, status: 'Success', success: true, ...step(item) };
      } catch (error) {
        return { index, action, status: 'Failed', success: false, ...reasonOf(error) };
      }
    });
    job.progress = items.length;
    job.message = `Completed at ${new Date().toISOString()}`;
    job.status = 'completed';
  }
}

function reasonOf(error: unknown): Fields {
  if (!(error instanceof Refusal)) return { error: 'BulkFailed', details: String(error) };
  const { error: code, description, details } = error.body;
  return { error: code, details: JSON.stringify(details ?? description) };
}
