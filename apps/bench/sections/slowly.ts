import type { Sandboxes } from '../bed';

/** Has every call of both APIs take a while, as calls over the internet do. */
export async function slowDown({ zendesk, pms }: Sandboxes, delayMs: number): Promise<void> {
  for (const { url } of [zendesk, pms]) {
    const answer = await fetch(`${url}/_sandbox/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ route: '^[A-Z]+ /api/', kind: 'delay', delayMs }]),
    });
    if (!answer.ok)
      throw new Error(`the sandbox refuses to be slow: ${answer.status} ${await answer.text()}`);
  }
}
