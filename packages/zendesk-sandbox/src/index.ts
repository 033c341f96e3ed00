/** A Zendesk to test against, started in this process. README.md shows how. */
export { startZendeskSandbox, type ZendeskSandbox, type ZendeskSandboxOptions } from './server';
export { NO_LIMITS, type LimitOptions } from './limits';
export { loadZendeskData } from './load';
export { Refusal } from './refusal';
export { ORGANIZATION_FIELDS, TICKET_FIELDS, type CustomField } from './fields/definitions';
export { SWITCHES, type Obeys, type Rules, type SwitchName } from './rules/switches';
export { CONFLICTS } from './rules/conflicts';
export type { Comment, Fields, Organization, Ticket, User } from './model';
export type { MoreFields } from './store';
