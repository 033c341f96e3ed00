import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A token endpoint and one resource, which show each step of a client. */

export interface Mint {
  headers: IncomingHttpHeaders;
  /** As it was sent. */
  body: string;
}

export interface TokenServer {
  url: string;
  mints: Mint[];
  /** The `Authorization` of each call of the resource. */
  calls: (string | undefined)[];
  /** What the token endpoint answers; `n` counts from 1. */
  grant: (n: number) => { status: number; body: unknown; delayMs?: number };
  /** Tokens that the resource accepts; null: all. */
  alive: Set<string> | null;
  /** The form of the resource's refusal of a token. */
  refusal: { body: unknown; headers: Record<string, string> };
  close(): void;
}

export const INVALID_TOKEN = {
  body: { error: 'invalid_token', error_description: 'The access token provided is expired.' },
  headers: { 'www-authenticate': 'Bearer realm="x", error="invalid_token"' },
};

export async function startTokenServer(): Promise<TokenServer> {
  const http = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const send = (status: number, content: unknown, headers: Record<string, string> = {}) =>
        response
          .writeHead(status, { 'content-type': 'application/json', ...headers })
          .end(typeof content === 'string' ? content : JSON.stringify(content));
      if (request.url?.startsWith('/oauth/')) {
        server.mints.push({ headers: request.headers, body });
        const { status, body: content, delayMs = 0 } = server.grant(server.mints.length);
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        send(status, content);
        return;
      }
      const { authorization } = request.headers;
      server.calls.push(authorization);
      const token = authorization?.replace('Bearer ', '') ?? '';
      if (server.alive && !server.alive.has(token)) send(401, server.refusal.body, server.refusal.headers);
      else send(200, { ok: true });
    })();
  });
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  const server: TokenServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    mints: [],
    calls: [],
    grant: (n) => ({ status: 200, body: { access_token: `t${n}`, token_type: 'bearer', expires_in: 1_800 } }),
    alive: null,
    refusal: INVALID_TOKEN,
    close: () => {
      http.closeAllConnections();
      http.close();
    },
  };
  return server;
}
