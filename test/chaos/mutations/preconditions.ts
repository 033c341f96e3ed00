import { HttpClient, type Request } from '../../../src/systems/http';
import * as plan from '../../../src/sync/planner';

/** Switches off preconditions: a write overwrites later edits of people. */

const send: (this: HttpClient, ...given: Parameters<HttpClient['send']>) => ReturnType<HttpClient['send']> =
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its own object
  HttpClient.prototype.send;
HttpClient.prototype.send = function (this: HttpClient, request: Request, expected) {
  const headers = { ...request.headers };
  delete headers['if-match'];
  return send.call(this, { ...request, headers, body: withoutStamp(request.body) }, expected);
};
Object.assign(plan, { unexpectedValues: () => ({}) });

function withoutStamp(body: unknown): unknown {
  const { ticket } = (body ?? {}) as { ticket?: Record<string, unknown> };
  return ticket ? { ...(body as object), ticket: { ...ticket, safe_update: false } } : body;
}
