/**
 * Makes up what a support desk and a project team have in their systems before the first sync. The same
 * seed and size always give the same data: no clock, no Math.random.
 */

export interface DemoOrganization {
  /** Names the organization within the data; tickets and people refer to it. */
  key: string;
  name: string;
  domains: string[];
  details: string;
  notes: string;
  tags: string[];
  sharedTickets: boolean;
  sharedComments: boolean;
}

export interface DemoPerson {
  email: string;
  name: string;
  role: 'agent' | 'end-user';
  /** Key of the organization that an end user belongs to; null for agents. */
  organization: string | null;
}

export interface DemoComment {
  body: string;
  public: boolean;
  author: string;
}

export type TicketStatus = 'new' | 'open' | 'pending' | 'hold' | 'solved' | 'closed';
export type TicketPriority = 'low' | 'normal' | 'high' | 'urgent';
export type TicketType = 'question' | 'incident' | 'problem' | 'task';

export interface DemoTicket {
  key: string;
  subject: string;
  description: string;
  status: TicketStatus;
  priority: TicketPriority | null;
  type: TicketType | null;
  organization: string | null;
  requester: string;
  assignee: string | null;
  /** Only tasks have a due date. */
  dueAt: string | null;
  tags: string[];
  comments: DemoComment[];
}

export interface DemoCustomer {
  key: string;
  name: string;
  domains: string[];
  description: string;
  notes: string;
  tags: string[];
  sharedProjects: boolean;
  sharedNotes: boolean;
}

export type ProjectStatus = 'new' | 'in_progress' | 'waiting' | 'on_hold' | 'done' | 'closed';
export type ProjectPriority = 'low' | 'medium' | 'high' | 'critical';

export interface DemoProject {
  key: string;
  title: string;
  description: string;
  status: ProjectStatus;
  priority: ProjectPriority | null;
  type: TicketType | null;
  customer: string | null;
  requester: string;
  assignee: string | null;
  dueDate: string | null;
  tags: string[];
}

export interface DemoNote {
  project: string;
  body: string;
  visibility: 'public' | 'internal';
  author: string;
}

export interface DemoData {
  size: number;
  seed: number;
  /** Agents exist in both systems, end users in Zendesk only. */
  agents: DemoPerson[];
  zendesk: { organizations: DemoOrganization[]; endUsers: DemoPerson[]; tickets: DemoTicket[] };
  pms: { customers: DemoCustomer[]; projects: DemoProject[]; notes: DemoNote[] };
  /** Names of the organizations that exist on both sides from the start. */
  sharedNames: string[];
}

export interface DataOptions {
  /** 1 is about 20 organizations, 120 tickets and 400 comments in Zendesk, and 100 records born in the PMS. */
  size: number;
  seed: number;
}

/** Both systems know only organizations of these names before the first sync. */
const SHARED_ORGANIZATIONS = 3;
const AGENT_COUNT = 6;
const CUSTOMERS_PER_SIZE = 20;

/** A small seeded generator (mulberry32): good enough for demo data, and the same everywhere. */
class Random {
  constructor(private state: number) {}

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** Like {@link pick}, for a list that only its maker knows to hold something. */
  pickFrom<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('Demo data: nothing to pick from');
    return item;
  }

  some<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    const chosen: T[] = [];
    while (chosen.length < count && rest.length > 0) {
      chosen.push(...rest.splice(this.below(rest.length), 1));
    }
    return chosen;
  }
}

const AGENTS: [string, string][] = [
  ['Maya Lindqvist', 'maya.lindqvist'],
  ['Tomás Herrera', 'tomas.herrera'],
  ['Aiko Tanabe', 'aiko.tanabe'],
  ['Jonas Weiß', 'jonas.weiss'],
  ['Priya Raman', 'priya.raman'],
  ['Oluwaseun Adeyemi', 'seun.adeyemi'],
];

const FIRST_NAMES = [
  'Ana', 'Bjørn', 'Chloé', 'Dariusz', 'Elif', 'Fatima', 'Giulia', 'Henrik', 'Ines', 'Jakub', 'Keiko', 'Liam',
  'Marta', 'Noa', 'Óscar', 'Petra', 'Quinn', 'Rania', 'Søren', 'Teresa', 'Umar', 'Vera', 'Wen', 'Zoë',
] as const; // prettier-ignore

const LAST_NAMES = [
  'Almeida', 'Bauer', 'Castillo', 'Dvořák', 'Eriksen', 'Fontaine', 'García', 'Horvat', 'Ivanova', 'Jensen',
  'Kowalski', 'Laurent', 'Müller', 'Nakamura', 'Okafor', 'Peña', 'Rossi', 'Santos', 'Türk', 'Vargas',
] as const; // prettier-ignore

const COMPANY_FIRST = [
  'Alder', 'Basalt', 'Cobalt', 'Drift', 'Ember', 'Fjord', 'Granite', 'Harbor', 'Indigo', 'Juniper', 'Kestrel',
  'Lumen', 'Meridian', 'Northwind', 'Orchard', 'Pioneer', 'Quarry', 'Río Alto', 'Saffron', 'Tundra', 'Umbra',
  'Vireo', 'Willow', 'Zéphyr',
] as const; // prettier-ignore

const COMPANY_SECOND = [
  'Logistics', 'Foods', 'Dental', 'Robotics', 'Textiles', 'Energy', 'Books', 'Clinics', 'Freight', 'Software',
  'Optics', 'Bakeries', 'Insurance', 'Outdoor', 'Pharma', 'Studios',
] as const; // prettier-ignore

const COMPANY_FORM = ['Ltd', 'GmbH', 'Inc', 'S.A.', 'AB', '& Sons'] as const;

const ORGANIZATION_DETAILS = [
  'Renewal in spring; procurement answers within two days.',
  'Two warehouses and a head office.\nCalls are welcome before noon only.',
  'Pilot customer for the new billing module – be generous.',
  'Moved over from the old reseller contract; keep an eye on invoices.',
  'Café chain with 41 branches. Contact: operations desk.',
  'Uses single sign-on; accounts are never created by hand.',
] as const;

const ORGANIZATION_NOTES = [
  'Prefers e-mail to telephone.',
  'Escalate outages to the account manager at once.',
  'NDA signed. Do not name them in public.',
  'Invoice address differs from the delivery address!',
] as const;

const ORGANIZATION_TAGS = [
  'enterprise',
  'smb',
  'vip',
  'emea',
  'apac',
  'americas',
  'reseller',
  'trial',
  'churn_risk',
] as const;

const PRODUCTS = [
  'label printer LP-420', 'mobile app', 'customer portal', 'billing export', 'REST API', 'warehouse scanner',
  'single sign-on', 'weekly report', 'webhook endpoint', 'shipping calculator', 'invoice template', 'data import',
] as const; // prettier-ignore

interface Topic {
  subject: readonly [string, ...string[]];
  opening: readonly [string, ...string[]];
  detail: readonly [string, ...string[]];
  tags: readonly string[];
}

const TOPICS: readonly [Topic, ...Topic[]] = [
  {
    subject: [
      'Printer shows error {n} after the update',
      '{p} prints blank labels',
      '{p}: paper jam every {s} sheets',
    ],
    opening: [
      'Since this morning the {p} stops with error {n}.',
      'We changed the roll twice and the {p} still prints nothing but blank labels.',
    ],
    detail: [
      'The self-test page looks fine, so we think that it is the driver.',
      'Switching it off and on helps for about {s} minutes.',
      'Three colleagues see the same on different machines.',
    ],
    tags: ['printer', 'hardware', 'driver'],
  },
  {
    subject: ['Invoice {n} is wrong', 'Charged twice for invoice {n}', 'Credit note missing for order {n}'],
    opening: [
      'Invoice {n} lists {s} licences, but we cancelled four of them in time.',
      'Our bank statement shows two debits of 1.249,00 € for invoice {n}.',
    ],
    detail: [
      'Please send a corrected copy; the auditors come at the end of the month.',
      'The VAT number on page 2 is still the old one.',
      'Order {n} was returned complete, see the delivery slip.',
    ],
    tags: ['billing', 'invoice', 'refund'],
  },
  {
    subject: [
      'Cannot log in to the {p}',
      'Password reset mail never arrives',
      'Locked out after {s} attempts',
    ],
    opening: [
      'Whenever I sign in to the {p} I land on the login page again.',
      'The reset mail does not arrive, not even in the spam folder.',
    ],
    detail: [
      'It works in a private window, so perhaps a cookie?',
      'Two-factor codes are accepted and then nothing happens.',
      'A colleague with the same role gets in without trouble.',
    ],
    tags: ['login', 'access', 'sso'],
  },
  {
    subject: [
      'Parcel {n} has not moved for {s} days',
      'Wrong delivery address on order {n}',
      'Damaged on arrival: order {n}',
    ],
    opening: [
      'Tracking for parcel {n} has said "in transit" for {s} days.',
      'Order {n} went to our old address in São Paulo.',
    ],
    detail: [
      'The customer is waiting and asks every day.',
      'Photos of the box are with our front desk.',
      'The carrier says that only the sender can open an inquiry.',
    ],
    tags: ['shipping', 'carrier', 'order'],
  },
  {
    subject: ['{p} answers HTTP 500', 'API error {n} on bulk import', 'Time-outs from the {p} since {s}:00'],
    opening: [
      'Our nightly job gets HTTP 500 from the {p} for about one call in {s}.',
      'POST /v1/items fails with code {n}: {"error":"invalid_state","retry":true}.',
    ],
    detail: [
      'Request id: 7f3a-{n}. The same body succeeds a minute later.',
      'if (a < b && c > d) { retry(); } // this is all that our client does',
      'We send <items count="{s}"> and get <error code="{n}"/> back.',
    ],
    tags: ['api', 'integration', 'outage'],
  },
  {
    subject: ['How do I change the {p}?', 'Question about the {p}', 'Can the {p} be scheduled weekly?'],
    opening: [
      'Is there a way to change the {p} for one team only?',
      'The handbook does not mention the {p} at all.',
    ],
    detail: [
      'We have {s} people who would use it.',
      'It need not be pretty – a CSV would do.',
      'Thank you for the quick help last time!',
    ],
    tags: ['how_to', 'configuration', 'documentation'],
  },
  {
    subject: [
      'Feature request: dark mode for the {p}',
      'Please add a filter to the {p}',
      'Export of the {p} lacks a column',
    ],
    opening: [
      'It would help us a lot if the {p} had a filter by site.',
      'The export of the {p} lacks the cost centre.',
    ],
    detail: [
      'At the moment we copy {s} rows by hand.',
      'Happy to test an early version.',
      'No hurry, next quarter is fine.',
    ],
    tags: ['feature_request', 'product', 'export'],
  },
  {
    subject: [
      'Move {s} users to the new contract',
      'Set up the {p} at the new site',
      'Renew certificate of the {p}',
    ],
    opening: [
      'Please prepare the {p} for our new site, we open with {s} people.',
      'The certificate of the {p} expires soon.',
    ],
    detail: [
      'Floor plan and serial numbers will follow.',
      'Best done outside office hours.',
      'Our technician can be there from 7 a.m.',
    ],
    tags: ['onboarding', 'maintenance', 'certificate'],
  },
];

const REPLIES = [
  'Thank you, I can reproduce it here and have passed it on.',
  'Could you send the log of the last hour, please?',
  'It happened again just now, at {s} past the hour.',
  'We rolled back the change; could you try once more?',
  'Works now, many thanks 🎉',
  'Sorry for the wait – a technician calls you tomorrow.',
  'Not solved yet: error {n} is back 😞',
  'I have attached nothing new, only want to know how it stands.',
  'The replacement for the {p} is on its way, reference {n}.',
  'Please ignore my last message, wrong window.',
] as const;

const INTERNAL_REMARKS = [
  'Looks like the same cause as ticket {n}, keep them together.',
  'Asked engineering; answer expected on Thursday.',
  'Customer sounded annoyed on the telephone, please be quick.',
  'Root cause: the cache in front of the {p}. Fix is in review.',
  'Do not promise a date yet.',
] as const;

/** What real text holds and simple test data does not. */
const SPECIALS = [
  '\r\n\r\nSteps:\r\n1. open the list\r\n2. sort by date\r\n3. see error',
  '\n\nשלום, המדפסת לא עובדת מאז הבוקר. תודה!',
  '\n\nمرحبا، لا أستطيع تسجيل الدخول منذ أمس.',
  '\n\n🚚📦 → 🏭 (still there)',
  '\n\n<b>Important:</b> <script>alert("no")</script> & "quotes" &amp; entities',
  '\n\nÀ bientôt, grüße, día, søn, žluťoučký kůň – ½ % ±3°',
  '\n\n日本語のメッセージ:プリンターが動きません。',
  '\n\nkey\tvalue\nmode\tfast   \npath\tC:\\temp\\"a b"',
] as const;

const PMS_TITLES = [
  'Roll out {p} at site {s}', 'Migrate {p} to the new data centre', 'Quarterly review: {p}', 'Replace {p} (batch {n})',
  'Workshop on the {p}', 'Rework onboarding, part {s}', 'Security review of the {p}', 'Train {s} people on the {p}',
] as const; // prettier-ignore

const PMS_TEXTS = [
  'Goal: have the {p} running for {s} users before the end of the quarter.',
  'Agreed with the customer on the telephone; budget code {n}.',
  'Scope: inventory, plan, pilot, roll-out.\nOut of scope: training.',
  'Depends on the contract that legal is reading now.',
] as const;

const PROJECT_TAGS = [
  'Rollout',
  'migration',
  'review',
  'Q3',
  'pilot',
  'security',
  'training',
  'budget',
] as const;

/** Due dates lie around this day, whatever the day of the run. */
const FIRST_DUE = Date.UTC(2031, 0, 6, 12);
const DAY_MS = 86_400_000;
const LONG_TEXT_CHARS = 3_500;

const TICKET_STATUSES: readonly [TicketStatus, ...TicketStatus[]] = [
  'new', 'new', 'open', 'open', 'open', 'open', 'pending', 'pending', 'hold', 'solved', 'solved',
]; // prettier-ignore
const TICKET_PRIORITIES: readonly [TicketPriority | null, ...(TicketPriority | null)[]] = [
  null, 'low', 'normal', 'normal', 'normal', 'high', 'urgent',
]; // prettier-ignore
const TICKET_TYPES: readonly [TicketType | null, ...(TicketType | null)[]] = [
  null, 'question', 'question', 'incident', 'incident', 'problem', 'task', 'task',
]; // prettier-ignore
const PROJECT_STATUSES: readonly [ProjectStatus, ...ProjectStatus[]] = [
  'new', 'in_progress', 'in_progress', 'in_progress', 'waiting', 'on_hold', 'done',
]; // prettier-ignore
const PROJECT_PRIORITIES: readonly [ProjectPriority | null, ...(ProjectPriority | null)[]] = [
  null, 'low', 'medium', 'medium', 'high', 'critical',
]; // prettier-ignore
const PROJECT_TYPES: readonly [TicketType | null, ...(TicketType | null)[]] = [
  null,
  'task',
  'task',
  'task',
  'problem',
];

class Writer {
  private readonly takenNames = new Set<string>();
  private readonly takenEmails = new Set<string>();

  constructor(readonly random: Random) {}

  fill(template: string): string {
    return template
      .replaceAll('{p}', () => this.random.pick(PRODUCTS))
      .replaceAll('{n}', () => String(1_000 + this.random.below(9_000)))
      .replaceAll('{s}', () => String(2 + this.random.below(57)));
  }

  private special(text: string, chance: number): string {
    return this.random.chance(chance) ? text + this.random.pick(SPECIALS) : text;
  }

  private lengthened(text: string, stock: readonly string[]): string {
    let long = text;
    const target = LONG_TEXT_CHARS / 2 + this.random.below(LONG_TEXT_CHARS / 2);
    while (long.length < target) long += `\n\n${this.fill(this.random.pickFrom(stock))}`;
    return long;
  }

  companyName(): string {
    const { random } = this;
    const plain = `${random.pick(COMPANY_FIRST)} ${random.pick(COMPANY_SECOND)} ${random.pick(COMPANY_FORM)}`;
    let name = plain;
    for (let n = 2; this.takenNames.has(name.toLowerCase()); n++) name = `${plain} ${n}`;
    this.takenNames.add(name.toLowerCase());
    return name;
  }

  person(organization: DemoOrganization | null): DemoPerson {
    const name = `${this.random.pick(FIRST_NAMES)} ${this.random.pick(LAST_NAMES)}`;
    const domain = organization?.domains[0] ?? 'mail.example';
    let email = `${slug(name, '.')}@${domain}`;
    for (let n = 2; this.takenEmails.has(email); n++) email = `${slug(name, '.')}${n}@${domain}`;
    this.takenEmails.add(email);
    return { email, name, role: 'end-user', organization: organization?.key ?? null };
  }

  organization(key: string): DemoOrganization {
    const { random } = this;
    const name = this.companyName();
    const domain = `${slug(name, '-')}.example`;
    return {
      key,
      name,
      domains: random.chance(0.2) ? [domain, `mail.${domain}`] : [domain],
      details: random.chance(0.8) ? random.pick(ORGANIZATION_DETAILS) : '',
      notes: random.chance(0.6) ? random.pick(ORGANIZATION_NOTES) : '',
      tags: random.some(ORGANIZATION_TAGS, random.below(4)),
      sharedTickets: random.chance(0.2),
      sharedComments: random.chance(0.1),
    };
  }

  ticketText(): { subject: string; description: string; tags: string[] } {
    const { random } = this;
    const topic = random.pick(TOPICS);
    let description = `${this.fill(random.pick(topic.opening))} ${this.fill(random.pick(topic.detail))}`;
    if (random.chance(0.06)) description = this.lengthened(description, topic.detail);
    const prefix = random.chance(0.08) ? random.pick(['🔥 ', 'RE: ', 'עזרה: ', '[urgent] ']) : '';
    return {
      subject: prefix + this.fill(random.pick(topic.subject)),
      description: this.special(description, 0.25),
      tags: random.some(topic.tags, random.below(topic.tags.length + 1)),
    };
  }

  comment(agents: DemoPerson[], requester: string): DemoComment {
    const { random } = this;
    const internal = random.chance(0.3);
    const fromCustomer = !internal && random.chance(0.5);
    let body = this.fill(random.pick(internal ? INTERNAL_REMARKS : REPLIES));
    if (random.chance(0.02)) body = this.lengthened(body, REPLIES);
    return {
      body: this.special(body, 0.12),
      public: !internal,
      author: fromCustomer ? requester : random.pickFrom(agents).email,
    };
  }

  dueDate(): string {
    const day = new Date(FIRST_DUE + this.random.below(120) * DAY_MS);
    return day.toISOString().replace('.000Z', 'Z');
  }

  project(key: string, customer: DemoCustomer | null, agents: DemoPerson[]): DemoProject {
    const { random } = this;
    const status = random.pick(PROJECT_STATUSES);
    const type = random.pick(PROJECT_TYPES);
    return {
      key,
      title: this.fill(random.pick(PMS_TITLES)),
      description: this.special(this.fill(random.pick(PMS_TEXTS)), 0.25),
      status,
      priority: random.pick(PROJECT_PRIORITIES),
      type,
      customer: customer?.key ?? null,
      requester: random.pickFrom(agents).email,
      assignee: status === 'new' ? null : random.pickFrom(agents).email,
      dueDate: type === 'task' && random.chance(0.7) ? this.dueDate() : null,
      tags: random.some(PROJECT_TAGS, random.below(4)),
    };
  }
}

function slug(text: string, separator: string): string {
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/ß/g, 'ss')
    .replace(/[øØ]/g, 'o')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, separator)
    .replace(new RegExp(`^\\${separator}|\\${separator}$`, 'g'), '');
}

function atSize(count: number, size: number, least: number): number {
  return Math.max(least, Math.round(count * size));
}

/** Makes the data of both systems; see {@link DataOptions} for what a size holds. */
export function generateData({ size, seed }: DataOptions): DemoData {
  const random = new Random(seed);
  const writer = new Writer(random);
  const agents = AGENTS.slice(0, AGENT_COUNT).map(([name, mailbox]): DemoPerson => ({
    name,
    email: `${mailbox}@helpdesk.example`,
    role: 'agent',
    organization: null,
  }));

  const organizations = Array.from({ length: atSize(20, size, SHARED_ORGANIZATIONS + 1) }, (_, n) =>
    writer.organization(`org-${n + 1}`),
  );
  const endUsers = organizations.flatMap((organization) =>
    Array.from({ length: 1 + random.below(3) }, () => writer.person(organization)),
  );
  for (let n = atSize(2, size, 1); n > 0; n--) endUsers.push(writer.person(null));

  const tickets = Array.from({ length: atSize(120, size, 6) }, (_, n): DemoTicket => {
    const requester = random.pickFrom(endUsers);
    const { subject, description, tags } = writer.ticketText();
    const status = n > 0 && n % 40 === 0 ? 'closed' : random.pick(TICKET_STATUSES);
    const type = random.pick(TICKET_TYPES);
    return {
      key: `ticket-${n + 1}`,
      subject,
      description,
      status,
      priority: random.pick(TICKET_PRIORITIES),
      type,
      organization: requester.organization,
      requester: requester.email,
      assignee: status === 'new' ? null : random.pickFrom(agents).email,
      dueAt: type === 'task' && random.chance(0.7) ? writer.dueDate() : null,
      tags,
      comments: [],
    };
  });
  for (let n = atSize(400, size, 10); n > 0; n--) {
    const ticket = random.pickFrom(tickets);
    ticket.comments.push(writer.comment(agents, ticket.requester));
  }

  const shared = organizations.slice(0, SHARED_ORGANIZATIONS);
  const customers = [
    ...shared.map((organization, n) => sharedCustomer(organization, n)),
    ...Array.from(
      { length: atSize(CUSTOMERS_PER_SIZE, size, SHARED_ORGANIZATIONS + 1) - shared.length },
      (_, n) => asCustomer(writer.organization(`customer-${n + SHARED_ORGANIZATIONS + 1}`)),
    ),
  ];
  const projects = Array.from({ length: atSize(60, size, 4) }, (_, n) =>
    writer.project(`project-${n + 1}`, random.chance(0.9) ? random.pickFrom(customers) : null, agents),
  );
  const notes = Array.from({ length: atSize(20, size, 2) }, (): DemoNote => {
    const { body, public: isPublic } = writer.comment(agents, random.pickFrom(agents).email);
    return {
      project: random.pickFrom(projects).key,
      body,
      visibility: isPublic ? 'public' : 'internal',
      author: random.pickFrom(agents).email,
    };
  });

  return {
    size,
    seed,
    agents,
    zendesk: { organizations, endUsers, tickets },
    pms: { customers, projects, notes },
    sharedNames: shared.map(({ name }) => name),
  };
}

function asCustomer(organization: DemoOrganization): DemoCustomer {
  const { key, name, domains, details, notes, tags, sharedTickets, sharedComments } = organization;
  return {
    key,
    name,
    domains,
    description: details,
    notes,
    tags,
    sharedProjects: sharedTickets,
    sharedNotes: sharedComments,
  };
}

/** The PMS's own view of an organization: same name, and other people's idea of the rest. */
function sharedCustomer(organization: DemoOrganization, n: number): DemoCustomer {
  const customer = asCustomer(organization);
  return {
    ...customer,
    key: `customer-${n + 1}`,
    description: `Key account since ${2015 + n}. Steering committee meets on the first Monday.`,
    tags: [...customer.tags.slice(0, 1), 'Key-Account'],
  };
}
