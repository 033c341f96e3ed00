import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { liesSchema } from '../lies';
import { parse } from '../refusal';
import type { PmsStore } from '../store';

/** Routes by which tests and demos control the sandbox; no part of the contract. See ../common for faults and counts. */
export function controlRoutes(app: FastifyInstance, store: PmsStore, tokens: Map<string, string>): void {
  app.get('/_sandbox/state', async () => ({
    people: store.people.all(),
    customers: [...store.all('customer')],
    projects: [...store.all('project')],
    notes: [...store.all('note')],
    changes: store.changes.length,
  }));
  app.post('/_sandbox/tokens', async (request) => {
    const { person } = store.people.upsert(request.body);
    const token = randomBytes(16).toString('hex');
    tokens.set(token, person.id);
    return { token, person };
  });
  app.get('/_sandbox/lies', async () => store.lies);
  app.put('/_sandbox/lies', async (request) => {
    store.lies = parse(liesSchema, request.body);
    return store.lies;
  });
  // The call log serves these two routes; the store's data is added to its answers.
  app.addHook('preSerialization', async (request, _reply, payload) =>
    request.routeOptions.url === '/_sandbox/stats'
      ? { ...(payload as object), writes: store.writes() }
      : payload,
  );
  app.addHook('onResponse', async (request) => {
    if (request.routeOptions.url === '/_sandbox/stats/reset') store.forgetWrites();
  });
}
