import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Delivery {
  headers: IncomingHttpHeaders;
  text: string;
  body: {
    type: string;
    subject: string;
    detail: Record<string, unknown>;
    event: Record<string, unknown> & { meta: { sequence: { id: string; position: number } } };
  };
}

/**
 * The receiver of webhooks: stores deliveries and gives the answers that a test sets, by default 200. Null means no
 * answer.
 */
export class Receiver {
  readonly received: Delivery[] = [];
  answers: ({ status: number; headers?: Record<string, string> } | null)[] = [];
  private readonly waiting: (() => void)[] = [];
  private server: Server | null = null;

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (part) => (text += String(part)));
      request.on('end', () => {
        this.received.push({ headers: request.headers, text, body: JSON.parse(text) as Delivery['body'] });
        const answer = this.answers.length > 0 ? this.answers.shift() : { status: 200 };
        if (answer) response.writeHead(answer.status, answer.headers).end();
        this.waiting.splice(0).forEach((wake) => wake());
      });
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  clear(): void {
    this.received.length = 0;
  }

  /** Waits for a number of deliveries since the last {@link clear}. */
  async take(count: number): Promise<Delivery[]> {
    while (this.received.length < count) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.received;
  }

  /** The first delivery of an event. */
  async of(type: string): Promise<Delivery> {
    for (;;) {
      const found = this.received.find(({ body }) => body.type === `zen:event-type:${type}`);
      if (found) return found;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

export const isSigned = ({ headers, text }: Delivery, secret: string): boolean =>
  createHmac('sha256', secret)
    .update(`${String(headers['x-zendesk-webhook-signature-timestamp'])}${text}`)
    .digest('base64') === headers['x-zendesk-webhook-signature'];
