import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Counts calls by person, method, route and status, so that a test can check the calls of a sync. */
export interface CallCount {
  user: string;
  method: string;
  route: string;
  status: number;
  count: number;
}

export class CallLog {
  private readonly counts = new Map<string, CallCount>();

  constructor(
    private readonly userOf: (request: FastifyRequest) => string,
    /** Called for each call, for example to print it. */
    private readonly onCall?: (line: string) => void,
  ) {}

  install(app: FastifyInstance): void {
    app.addHook('onResponse', async (request, reply) => {
      const route = request.routeOptions.url ?? '(unknown)';
      if (!route.startsWith('/_sandbox')) this.add(request, route, reply.statusCode);
    });
    app.get('/_sandbox/stats', async () => ({ calls: this.list() }));
    app.post('/_sandbox/stats/reset', async () => {
      this.counts.clear();
      return {};
    });
  }

  /** Counts a call; also used for answers whose connection was cut. */
  add(request: FastifyRequest, route: string, status: number): void {
    const user = this.userOf(request);
    this.onCall?.(`${request.method} ${request.url} ${status} ${user}`);
    const key = [user, request.method, route, status].join(' ');
    const entry = this.counts.get(key) ?? { user, method: request.method, route, status, count: 0 };
    entry.count += 1;
    this.counts.set(key, entry);
  }

  list(): CallCount[] {
    return [...this.counts.values()];
  }
}
