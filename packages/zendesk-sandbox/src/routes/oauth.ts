import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { defined } from '../model';
import { NOT_STORED } from '../oauthGrant';
import { notFound, parseRecord } from '../refusal';
import { envelope, idOf, listing, noContent, type Context } from './context';

/** The token endpoint. It is no part of the API, so it needs no other credential and has none of its rate limits. */
export async function tokenEndpoint(app: FastifyInstance, { oauth, tokenFaults }: Context): Promise<void> {
  await app.register(async (scope) => {
    // Both content types work (zendesk-oauth.md section 2); a form that is none has no parameters.
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string' },
      (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    );
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null, undefined));
    scope.post('/oauth/tokens', async (request, reply) => {
      const { authorization, 'content-type': contentType = '' } = request.headers;
      const answer = oauth.mint({ body: request.body, authorization, contentType }, tokenFaults(request));
      return reply.code(oauth.switches.status).headers(NOT_STORED).send(answer);
    });
  });
}

const clientBody = z.looseObject({
  identifier: z.string().min(1).optional(),
  name: z.string().min(1).optional(),
  kind: z.enum(['public', 'confidential']).optional(),
  user_id: z.number().optional(),
  description: z.string().nullable().optional(),
  company: z.string().nullable().optional(),
  redirect_uri: z.array(z.string()).optional(),
});

type ClientBody = z.output<typeof clientBody>;

/** https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_tokens/ , …/oauth_clients/ */
export function oauthRoutes(api: FastifyInstance, context: Context): void {
  const { oauth, access } = context;
  const skewMs = () => oauth.switches.clockSkewSeconds * 1000;
  api.get('/oauth/tokens/current', async (request) => ({
    token: oauth.tokens.shown(access.token(request), skewMs()),
  }));
  // In 2022 and 2023, two users reported that the token was still valid after this 204 (community 4627188332186).
  api.delete('/oauth/tokens/current', async (request, reply) => {
    const { id } = access.token(request);
    oauth.tokens.revoke((token) => token.id === id);
    return noContent(reply);
  });
  /** Administrators may revoke any token, other users only their own. */
  api.delete('/oauth/tokens/:id', async (request, reply) => {
    const { id: userId, role } = access.actor(request);
    const id = idOf(request);
    const ended = oauth.tokens.revoke(
      (token) => token.id === id && (role === 'admin' || token.userId === userId),
    );
    if (ended === 0) throw notFound();
    return noContent(reply);
  });
  clientRoutes(api, context);
}

/** Only the call that makes a secret returns it in full. */
function clientRoutes(api: FastifyInstance, context: Context): void {
  const { access, store, oauth } = context;
  const { clients } = oauth;
  const list = listing(context);
  const fieldsOf = ({ identifier, name, kind, description, company, redirect_uri }: ClientBody) =>
    defined({ identifier, name, kind, description, company, redirectUris: redirect_uri });
  api.post('/oauth/clients', async (request, reply) => {
    const given = parseRecord(
      clientBody.required({ identifier: true, name: true }),
      envelope(request, 'client'),
    );
    // By default, the administrator who creates the client; it is not known whether another is allowed (section 1).
    const userId = store.isAgent(given.user_id ?? 0) ? Number(given.user_id) : access.actor(request).id;
    const client = clients.add({ ...fieldsOf(given), identifier: given.identifier, userId });
    return reply.code(201).send({ client: clients.shown(client, true) });
  });
  api.get('/oauth/clients', async (request) =>
    list(
      request,
      'clients',
      clients.list().map((client) => clients.shown(client)),
    ),
  );
  api.get('/users/me/oauth/clients', async (request) => {
    const own = clients.list().filter(({ userId }) => userId === access.actor(request).id);
    return list(
      request,
      'clients',
      own.map((client) => clients.shown(client)),
    );
  });
  api.get('/oauth/clients/:id', async (request) => ({ client: clients.shown(clients.get(idOf(request))) }));
  api.put('/oauth/clients/:id', async (request) => {
    const given = parseRecord(clientBody, envelope(request, 'client'));
    return { client: clients.shown(clients.change(idOf(request), fieldsOf(given))) };
  });
  api.put('/oauth/clients/:id/generate_secret', async (request) => ({
    client: clients.shown(clients.rotateSecret(idOf(request)), true),
  }));
  api.delete('/oauth/clients/:id', async (request, reply) => {
    oauth.removeClient(idOf(request));
    return noContent(reply);
  });
}
