import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Fields } from './model';
import { Refusal, notFound, tooMany } from './refusal';

const IN_FLIGHT = 'zendesk-ratelimit-inflight-jobs';
/** The seconds until the limit of jobs resets, from the documentation's example. */
const RESETS = 60;
const ITEMS_AT_MOST = 100;
const KEPT_MS = 24 * 3_600_000;
/** Long enough for a client to see a job queued and working. */
const STEP_MS = 15;

type Action = 'Create' | 'Update' | 'Delete';
/** A job's action and resource. */
export interface JobKind {
  action: Action;
  resource: 'Ticket' | 'Organization' | 'User' | 'OrganizationMembership' | 'GroupMembership';
  /** The results report only success, like those of permanent deletions. */
  isForGood?: true;
}

interface Job extends Fields {
  id: string;
  status: 'queued' | 'working' | 'completed' | 'killed';
  total: number | null;
  progress: number | null;
  results: Fields[] | Fields | null;
}

/**
 * Rule 9 [R ZP]: jobs. A job is `completed` although items failed. Readable for one day.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/
 */
export class Jobs {
  private readonly all = new Map<string, Job & { at: number }>();
  private readonly closing = new AbortController();
  private queue: Promise<void> = Promise.resolve();
  private waiting = 0;

  /** @param atMost the most jobs that are queued or running at a time */
  constructor(
    private readonly baseUrl: () => string,
    private readonly atMost: number,
    private readonly clock: () => number,
  ) {}

  /** Answers that queue a job report how many more may be queued. https://developer.zendesk.com/api-reference/introduction/rate-limits/#job-limit */
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

  get(id: string): Fields {
    const job = this.kept().find((each) => each.id === id);
    if (!job) throw notFound();
    return shown(job);
  }

  list(): Fields[] {
    return this.kept().map(shown);
  }

  /** Queues one step for each item; a step's refusal becomes that item's result. */
  add<T>(kind: JobKind, items: T[], step: (item: T) => Fields): Fields {
    if (items.length > ITEMS_AT_MOST) throw tooManyItems(kind);
    if (this.waiting >= this.atMost) throw this.tooManyJobs(kind);
    const id = `V3-${randomBytes(16).toString('hex')}`;
    const isForGood = kind.isForGood === true;
    const job: Job & { at: number } = {
      at: this.clock(),
      id,
      job_type: `Bulk ${kind.action} ${kind.resource}`,
      url: `${this.baseUrl()}/job_statuses/${id}.json`,
      total: isForGood ? null : items.length,
      progress: null,
      status: 'queued',
      message: null,
      results: null,
    };
    this.all.set(id, job);
    this.waiting += 1;
    const queued = shown(job);
    this.queue = this.queue
      .then(() => this.run(job, kind, items, step))
      .finally(() => {
        this.waiting -= 1;
      });
    return queued;
  }

  /** Drops queued jobs. */
  close(): void {
    this.closing.abort();
  }

  private kept(): (Job & { at: number })[] {
    return [...this.all.values()].filter(({ at }) => at > this.clock() - KEPT_MS);
  }

  private tooManyJobs({ resource, action }: JobKind): Refusal {
    const ids = this.list().flatMap(({ id, status }) =>
      status === 'queued' || status === 'working' ? [id] : [],
    );
    const body = {
      error: 'TooManyJobs',
      description: `Too many ${resource}Bulk${action}JobV2 jobs are currently queued or running. Try again later.`,
      current_job_ids: ids,
    };
    return new Refusal(429, body, { 'retry-after': '1', [IN_FLIGHT]: this.inFlight() });
  }

  private inFlight(): string {
    return `total=${this.atMost}; remaining=${Math.max(0, this.atMost - this.waiting)}; resets=${RESETS}`;
  }

  private async run<T>(job: Job, kind: JobKind, items: T[], step: (item: T) => Fields): Promise<void> {
    try {
      await sleep(STEP_MS, undefined, { signal: this.closing.signal });
      job.status = 'working';
      if (!kind.isForGood) job.progress = 1;
      job.message = `${kind.action.replace(/e$/, '')}ing ${kind.resource.toLowerCase()} #1`;
      await sleep(STEP_MS, undefined, { signal: this.closing.signal });
    } catch {
      job.status = 'killed';
      return;
    }
    const results = items.map((item, index) => {
      try {
        return succeeded(kind, index, step(item));
      } catch (error) {
        return { index, ...idOf(item), ...reasonOf(error, kind) };
      }
    });
    if (!kind.isForGood) job.progress = items.length;
    const at = new Date(this.clock()).toISOString().replace('T', ' ').replace(/\..*/, ' +0000');
    job.message = `Completed at ${at}`;
    job.results = kind.isForGood ? { success: true } : results;
    job.status = 'completed';
  }
}

function shown({ at: _, ...job }: Job & { at: number }): Fields {
  return job;
}

const ACCOUNT_ID = 12514403;

/** Only results of ticket creates have an index. */
function succeeded({ action, resource }: JobKind, index: number, { id, ...done }: Fields): Fields {
  if (resource === 'Ticket' && action === 'Create') return { index, id, account_id: ACCOUNT_ID };
  if (resource === 'Ticket') return { id, action: 'update', success: true, status: 'Updated' };
  return { id, status: done['status'] ?? `${action}d` };
}

function idOf(item: unknown): Fields {
  const id = typeof item === 'number' ? item : (item as Fields | null)?.['id'];
  return typeof id === 'number' ? { id } : {};
}

/** A result with the texts of a refusal's `details`, joined. */
function reasonOf(error: unknown, { resource, action }: JobKind): Fields {
  const code = `${resource}${action}Failed`;
  if (!(error instanceof Refusal)) return { error: code, details: String(error) };
  const { description, details } = error.body;
  const words = Object.values((details ?? {}) as Record<string, { description: string }[]>)
    .flat()
    .map((each) => each.description);
  return { error: code, details: words.length > 0 ? words.join(', ') : description };
}

/** For users, the text differs and there is no `max_count`. */
function tooManyItems({ resource }: JobKind): Refusal {
  if (resource !== 'User') return tooMany(ITEMS_AT_MOST);
  const description = `Maximum ${ITEMS_AT_MOST} users may be created per call`;
  return new Refusal(400, { error: 'TooManyValues', description });
}
