/** The record types of the demo's data, for both sides. */

export interface DemoOrganization {
  /** Identifies the organization within the data; tickets and people refer to it. */
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
  /**
   * 1 is about 20 organizations, 120 tickets and 400 comments in Zendesk, and 100 records that were created in the
   * PMS.
   */
  size: number;
  seed: number;
}
