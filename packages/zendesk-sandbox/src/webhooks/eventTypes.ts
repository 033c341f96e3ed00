/** Rule 28 [D Z:webhooks/event-types]: every event type of webhooks. There is no `ticket.updated`. */
const changed = (...names: string[]) => names.map((name) => `${name}_changed`);

export const EVENT_TYPES: ReadonlySet<string> = new Set([
  ...[...['created', 'deleted'], ...changed('custom_field', 'external_id', 'name', 'tags')].map(
    (name) => `organization.${name}`,
  ),
  ...[
    ...['created', 'deleted', 'merged', 'identity_created', 'identity_deleted'],
    ...['group_membership_created', 'group_membership_deleted'],
    ...['organization_membership_created', 'organization_membership_deleted'],
    ...changed('active', 'alias', 'custom_field', 'custom_role', 'default_group', 'details', 'external_id'),
    ...changed('identity', 'last_login', 'name', 'notes', 'only_private_comments', 'password', 'photo'),
    ...changed('role', 'suspended', 'tags', 'time_zone'),
  ].map((name) => `user.${name}`),
  ...[
    ...['created', 'merged', 'soft_deleted', 'undeleted', 'permanently_deleted', 'marked_as_spam'],
    ...['comment_added', 'comment_made_private', 'comment_redacted', 'csat_received', 'csat_requested'],
    ...['attachment_linked_to_comment', 'attachment_redacted_from_comment'],
    ...changed('agent_assignment', 'brand', 'custom_field', 'custom_status', 'description', 'email_ccs'),
    ...changed('external_id', 'followers', 'form', 'group_assignment', 'next_sla_breach', 'ola_policy'),
    ...changed('organization', 'priority', 'problem_link', 'requester', 'schedule', 'sla_policy', 'status'),
    ...changed('subject', 'submitter', 'tags', 'task_due_at', 'type'),
  ].map((name) => `ticket.${name}`),
]);
