/** One HTTP exchange in JSON, without retries; no status is an error. */

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

/** The JSON object of an answer, and its status. The caller knows the object's shape. */
export type Body = Record<string, unknown> & { status: number };

/** @returns the answer's object and status; only the status if the answer has no text */
export async function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Body> {
  const { status, text } = await exchange(url, { method, headers, body });
  return { ...(text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)), status };
}
