import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fields } from './model';
import { Refusal, badRequest, notFound } from './refusal';

const QUEUED_AT_MOST = 30;
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

  constructor(private readonly baseUrl: () => string) {}

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
    if (this.waiting >= QUEUED_AT_MOST) {
      const body = { error: 'TooManyJobs', description: 'Too many jobs are currently queued or running' };
      throw new Refusal(429, body, { 'retry-after': '1' });
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
