import type { Fields, User } from './model';
import type { Store } from './store';

/** The properties with an event each (rule 28). */
const WITH_EVENT = ['name', 'role', 'alias', 'notes', 'details', 'external_id', 'time_zone', 'suspended'];

/** https://developer.zendesk.com/api-reference/webhooks/event-types/user-events */
export function tellUserChanges(store: Store, before: User, user: User): void {
  const tell = (type: string, change: Fields) =>
    store.onEvent({ type: `user.${type}`, kind: 'user', record: user, actorId: null, change });
  for (const key of WITH_EVENT)
    if (user[key] !== before[key])
      tell(`${key}_changed`, { current: user[key] ?? '', previous: before[key] ?? '' });
  for (const { id, key, title, type } of store.userFields.active()) {
    const [current, previous] = [user, before].map((each) => valueOf(each, key));
    if (JSON.stringify(current) !== JSON.stringify(previous))
      tell('custom_field_changed', { current, previous, field: { id: String(id), title, type } });
  }
  const change = tagsChange((before['tags'] ?? []) as string[], (user['tags'] ?? []) as string[]);
  if (change) tell('tags_changed', change);
}

const valueOf = (user: User, key: string | null): unknown =>
  (user['user_fields'] as Fields | undefined)?.[key ?? ''] ?? null;

/** The tags change of a user or an organization (rule 30); null if nothing changed. */
export function tagsChange(before: readonly string[], now: readonly string[]): Fields | null {
  const added = now.filter((tag) => !before.includes(tag));
  const removed = before.filter((tag) => !now.includes(tag));
  return added.length + removed.length === 0 ? null : { added: { tags: added }, removed: { tags: removed } };
}
