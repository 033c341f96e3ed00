import type { Fields } from './model';
import { invalid, notFound } from './refusal';

export interface GroupMembership extends Fields {
  id: number;
  user_id: number;
  group_id: number;
  default: boolean;
}

/**
 * Rule 56 [R ZP][D Z:group_memberships]: the groups that agents belong to; one of them is the default, which users show
 * as `default_group_id`.
 * https://developer.zendesk.com/api-reference/ticketing/groups/group_memberships/
 */
export class GroupMemberships {
  private readonly all = new Map<number, GroupMembership>();

  constructor(private readonly options: { now: () => string; newId: () => number; baseUrl: () => string }) {}

  list({ userId, groupId }: { userId?: number; groupId?: number } = {}): GroupMembership[] {
    const baseUrl = this.options.baseUrl();
    return [...this.all.values()]
      .filter((each) => userId === undefined || each.user_id === userId)
      .filter((each) => groupId === undefined || each.group_id === groupId)
      .map((each) => ({ url: `${baseUrl}/group_memberships/${each.id}.json`, ...each }));
  }

  /** An agent's default group. */
  defaultOf(userId: number): number | null {
    return this.list({ userId }).find((each) => each.default)?.group_id ?? null;
  }

  /** @throws Refusal 404 */
  get(id: number): GroupMembership {
    const found = this.list().find((each) => each.id === id);
    if (!found) throw notFound();
    return found;
  }

  /** @throws Refusal 422 if the agent belongs to the group already */
  add(userId: number, groupId: number, isDefault = false): GroupMembership {
    const own = this.list({ userId });
    if (own.some((each) => each.group_id === groupId))
      throw invalid('user_id', 'User has already been taken', 'DuplicateValue');
    const now = this.options.now();
    const id = this.options.newId();
    this.all.set(id, {
      id,
      user_id: userId,
      group_id: groupId,
      default: own.length === 0,
      created_at: now,
      updated_at: now,
    });
    return isDefault ? this.makeDefault(id) : this.get(id);
  }

  makeDefault(id: number): GroupMembership {
    const { user_id: userId } = this.get(id);
    for (const each of this.all.values())
      if (each.user_id === userId) this.all.set(each.id, { ...each, default: each.id === id });
    return this.get(id);
  }

  /** If the default goes, the agent's oldest other membership becomes the default. */
  remove(id: number): GroupMembership {
    const gone = this.get(id);
    this.all.delete(id);
    const [next] = this.list({ userId: gone.user_id });
    if (gone.default && next) this.makeDefault(next.id);
    return gone;
  }
}
