/** One HTTP exchange in JSON, as plain as `fetch` makes it: nothing is tried again, no status is an error. */

export interface Exchanged {
  status: number;
  headers: Headers;
  text: string;
}

export interface Request {
  method: string;
  headers?: Record<string, string>;
  /** Sent as JSON; without it, no body is sent. */
  body?: unknown;
  signal?: AbortSignal;
}

export async function exchange(url: string, request: Request): Promise<Exchanged> {
  const { method, headers, body, signal } = request;
  const answer = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** What a JSON object holds, and the status that it was answered with. Its reader knows what was asked for. */
export type Body = Record<string, unknown> & { status: number };

/** @returns the answer's object; with a status alone where the answer has no text */
export async function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Body> {
  const { status, text } = await exchange(url, { method, headers, body });
  return { ...(text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)), status };
}
