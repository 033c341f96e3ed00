import {
  NO_LIMITS,
  startZendeskSandbox,
  type Ticket,
  type ZendeskSandbox,
  type ZendeskSandboxOptions,
} from '../../src';
import { SINCE, START } from './rig';
import { ZendeskApi, type Answer, type TicketEvent } from './zendeskApi';

export interface Fresh {
  sandbox: ZendeskSandbox;
  api: ZendeskApi;
  later(ms: number): void;
  restart(options: ZendeskSandboxOptions): Promise<void>;
  userId(email: string): number;
  /** All tickets of the cursor export from a position on. */
  exported(query: string): Promise<{ tickets: Ticket[]; cursor: string; pages: number }>;
  events(include?: string): Promise<TicketEvent[]>;
}

/** A separate sandbox for each test, with a clock that does not move. */
export function useFreshSandbox(): Fresh {
  let now = START;
  const fresh = {} as Fresh;
  const start = async (options: ZendeskSandboxOptions) => {
    fresh.sandbox = await startZendeskSandbox({ clock: () => now, ...options });
    fresh.api = new ZendeskApi(fresh.sandbox);
  };
  beforeEach(async () => {
    now = START;
    await start(NO_LIMITS);
  });
  afterEach(() => fresh.sandbox.close());
  fresh.later = (ms) => void (now += ms);
  fresh.restart = async (options) => {
    await fresh.sandbox.close();
    await start(options);
  };
  fresh.userId = (email) => fresh.sandbox.store.userByEmail.get(email)?.id ?? 0;
  fresh.exported = async (query) => {
    const tickets: Ticket[] = [];
    for (let pages = 1, at = query; ; pages += 1) {
      const { body } = await fresh.api.get(`/incremental/tickets/cursor?${at}`);
      tickets.push(...body.tickets);
      if (body.end_of_stream) return { tickets, cursor: body.after_cursor, pages };
      at = `cursor=${body.after_cursor}&per_page=2`;
    }
  };
  fresh.events = async (include = 'comment_events') =>
    (await fresh.api.get(`/incremental/ticket_events?start_time=${SINCE}&include=${include}`)).body
      .ticket_events;
  return fresh;
}

export const refused = ({ status, body }: Answer) => ({ status, error: body.error, details: body.details });

/** The result of {@link refused} for a 422 with one reason. */
export const fault = (field: string, error: string) => ({
  status: 422,
  error: 'RecordInvalid',
  details: { [field]: [expect.objectContaining({ error }) as unknown] },
});
