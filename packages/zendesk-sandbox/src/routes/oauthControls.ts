import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { defined } from '../model';
import { switchesSchema, type OAuth } from '../oauth';
import { notFound, parseRequest } from '../refusal';
import type { Store } from '../store';
import { idOf, textOfPath } from './context';

const clientChange = z.strictObject({
  kind: z.enum(['public', 'confidential']).optional(),
  allowedScopes: z.array(z.string()).nullable().optional(),
  isNew: z.boolean().optional(),
});
const personBody = z.strictObject({ email: z.string() });
const whose = z.union([z.strictObject({ client: z.string() }), z.strictObject({ email: z.string() })]);

/** Routes by which tests control OAuth; no part of Zendesk. For slow or refused grants, see ../../common/faults. */
export function oauthControls(app: FastifyInstance, oauth: OAuth, store: Store): void {
  const emailOf = (userId: number) => store.users.get(userId)?.email ?? null;
  app.get('/_sandbox/oauth', async () => ({
    switches: oauth.switches,
    clients: oauth.clients.list().map(({ id, identifier, kind, allowedScopes, isNew, userId }) => {
      return { id, identifier, kind, allowedScopes, isNew, email: emailOf(userId) };
    }),
    tokens: oauth.tokens.list().map(({ id, clientId, userId, scopes, endsAt }) => {
      return { id, clientId, email: emailOf(userId), scopes, endsAt };
    }),
    mints: oauth.mints,
  }));
  app.put('/_sandbox/oauth', async (request) => {
    oauth.set(defined(parseRequest(switchesSchema.partial(), request.body)));
    return { switches: oauth.switches };
  });
  app.put('/_sandbox/oauth/clients/:identifier', async (request) => {
    oauth.change(defined(parseRequest(clientChange, request.body)), textOfPath(request, 'identifier'));
    return {};
  });
  app.post('/_sandbox/oauth/clients/:identifier/secret', async (request) => ({
    secret: oauth.rotateSecret(textOfPath(request, 'identifier')),
  }));
  app.delete('/_sandbox/oauth/tokens/:id', async (request) => {
    const id = idOf(request);
    return { revoked: oauth.tokens.revoke((token) => token.id === id) };
  });
  /** `?client=` or `?email=`. */
  app.delete('/_sandbox/oauth/tokens', async (request) => {
    const given = parseRequest(whose, request.query);
    if ('client' in given) return { revoked: oauth.revokeTokens(given.client) };
    const user = store.userByEmail.get(given.email.toLowerCase());
    if (!user) throw notFound();
    return { revoked: oauth.destroyTokensOf(user.id) };
  });
  /** A person's token, for test code in other processes. */
  app.post('/_sandbox/oauth/bearers', async (request) => ({
    token: oauth.bearer(parseRequest(personBody, request.body).email),
  }));
}
