import { NO_LIMITS, startZendeskSandbox, type Fields, type Ticket, type ZendeskSandbox } from '../../src';
import { ZendeskApi, type Answer, type TicketEvent } from './zendeskApi';

export const START = Date.parse('2026-01-01T00:00:00Z');
/** Before all records, for exports. */
export const SINCE = START / 1000 - 3_600;
export const SEVERITY = 360100000002;
export const ESCALATED = 360100000006;
export const COMPONENTS = 360100000007;

export interface Rig {
  sandbox: ZendeskSandbox;
  api: ZendeskApi;
  later(seconds?: number): void;
  /** The present state of a ticket. */
  ticket(id: number): Promise<Ticket>;
  put(id: number, change: object): Promise<Answer>;
  value(ticket: Ticket, fieldId: number): unknown;
  /** A ticket's exported events. */
  events(id: number, include?: string): Promise<TicketEvent[]>;
  exported(id: number): Promise<Ticket | undefined>;
  userId(email: string): number;
}

/** One sandbox for a test file, with a clock that does not move. Before each test, all rules are switched on. */
export function useSandbox(): Rig {
  let now = START;
  const rig = {} as Rig;
  beforeAll(async () => {
    rig.sandbox = await startZendeskSandbox({ ...NO_LIMITS, clock: () => now });
    rig.api = new ZendeskApi(rig.sandbox);
  });
  beforeEach(() => rig.sandbox.obey('all'));
  afterAll(() => rig.sandbox.close());
  rig.later = (seconds = 1) => void (now += seconds * 1_000);
  rig.ticket = async (id) => (await rig.api.get(`/tickets/${id}`)).body.ticket;
  rig.put = (id, ticket) => rig.api.put(`/tickets/${id}`, { ticket });
  rig.value = ({ custom_fields: fields }, id) => fields.find((field) => field.id === id)?.value;
  rig.events = async (id, include = 'comment_events') => {
    const { body } = await rig.api.get(`/incremental/ticket_events?start_time=${SINCE}&include=${include}`);
    return body.ticket_events.filter((event) => event.ticket_id === id);
  };
  rig.exported = async (id) => {
    const { body } = await rig.api.get(`/incremental/tickets/cursor?start_time=${SINCE}`);
    return body.tickets.find((ticket) => ticket.id === id);
  };
  rig.userId = (email) => rig.sandbox.store.userByEmail.get(email)?.id ?? 0;
  return rig;
}

/** The descriptions of a 422, by key. */
export function refusal({ status, body }: Answer): Fields {
  const words = Object.entries(body.details ?? {}).map(([key, list]) => [
    key,
    list.map(({ description }) => description),
  ]);
  return { status, ...(Object.fromEntries(words) as Fields) };
}
