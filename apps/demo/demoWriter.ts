import type {
  DemoOrganization,
  DemoPerson,
  DemoComment,
  TicketStatus,
  TicketPriority,
  TicketType,
  DemoCustomer,
  ProjectStatus,
  ProjectPriority,
  DemoProject,
} from './demoRecords';
import {
  FIRST_NAMES,
  LAST_NAMES,
  COMPANY_FIRST,
  COMPANY_SECOND,
  COMPANY_FORM,
  ORGANIZATION_DETAILS,
  ORGANIZATION_NOTES,
  ORGANIZATION_TAGS,
  PRODUCTS,
  TOPICS,
  REPLIES,
  INTERNAL_REMARKS,
  SPECIALS,
  PMS_TITLES,
  PMS_TEXTS,
  PROJECT_TAGS,
} from './demoWords';
import type { Random } from './random';

/** Generates names, texts and dates as people write them. */

/** Due dates are around this day, whatever the day of the run. */
const FIRST_DUE = Date.UTC(2031, 0, 6, 12);
const DAY_MS = 86_400_000;
const LONG_TEXT_CHARS = 3_500;

export const TICKET_STATUSES: readonly [TicketStatus, ...TicketStatus[]] = [
  'new', 'new', 'open', 'open', 'open', 'open', 'pending', 'pending', 'hold', 'solved', 'solved',
]; // prettier-ignore
export const TICKET_PRIORITIES: readonly [TicketPriority | null, ...(TicketPriority | null)[]] = [
  null, 'low', 'normal', 'normal', 'normal', 'high', 'urgent',
]; // prettier-ignore
export const TICKET_TYPES: readonly [TicketType | null, ...(TicketType | null)[]] = [
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

export class Writer {
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
