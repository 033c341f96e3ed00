import { randomUUID } from 'node:crypto';
import { Refusal, type Fields } from './store';

const QUEUED_AT_MOST = 30;

interface Job extends Fields {
  id: string;
  status: 'queued' | 'working' | 'completed' | 'failed';
  progress: number;
  results: Fields[] | null;
}

/** https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/ */
export class Jobs {
  private readonly all = new Map<string, Job>();
  private queue: Promise<void> = Promise.resolve();
  private waiting = 0;

  constructor(private readonly baseUrl: () => string) {}

  get(id: string): Job | null {
    return this.all.get(id) ?? null;
  }

  /** Queues one step for each item; a step's refusal becomes that item's result. */
  add<T>(action: string, items: T[], step: (item: T) => Fields): Job {
    if (items.length > 100)
      throw new Refusal(400, { error: 'TooManyValues', description: 'At most 100 records at once' });
    if (this.waiting >= QUEUED_AT_MOST) {
      throw new Refusal(
        429,
        { error: 'TooManyJobs', description: 'Too many jobs are queued or running' },
        { 'retry-after': '5' },
      );
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
    this.queue = this.queue.then(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      job.status = 'working';
      job.results = items.map((item, index) => {
        try {
          return { index, action, status: 'Success', success: true, ...step(item) };
        } catch (error) {
          if (!(error instanceof Refusal))
            return {
              index,
              action,
              success: false,
              status: 'Failed',
              error: 'BulkFailed',
              details: String(error),
            };
          const { error: code, description, details } = error.body;
          return {
            index,
            action,
            success: false,
            status: 'Failed',
            error: code,
            details: details ?? description,
          };
        }
      });
      job.progress = items.length;
      job.status = 'completed';
      this.waiting -= 1;
    });
    return { ...job };
  }
}
