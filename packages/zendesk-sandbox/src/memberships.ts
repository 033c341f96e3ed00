import type { Fields } from './model';
import { invalid, notFound } from './refusal';

export interface Membership extends Fields {
  id: number;
  user_id: number;
  organization_id: number;
  default: boolean;
}

const ORGANIZATIONS_AT_MOST = 300;

/**
 * Which organizations people belong to; one of them is the default, which users show as `organization_id`.
 * https://developer.zendesk.com/api-reference/ticketing/organizations/organization_memberships/
 */
export class Memberships {
  private readonly all = new Map<number, Membership>();
  private readonly ofUser = new Map<number, Set<number>>();

  constructor(private readonly options: { now: () => string; newId: () => number; baseUrl: () => string }) {}

  list({ userId, organizationId }: { userId?: number; organizationId?: number } = {}): Membership[] {
    const found =
      userId === undefined
        ? [...this.all.values()]
        : [...(this.ofUser.get(userId) ?? [])].flatMap((id) => this.all.get(id) ?? []);
    return found.filter((each) => organizationId === undefined || each.organization_id === organizationId);
  }

  /** A person's organizations, the default first. */
  organizationsOf(userId: number): number[] {
    return this.list({ userId })
      .sort((a, b) => Number(b.default) - Number(a.default))
      .map((each) => each.organization_id);
  }

  /** @throws Refusal 404 */
  get(id: number): Membership {
    const found = this.all.get(id);
    if (!found) throw notFound();
    return found;
  }

  /**
   * Rule 47: an existing membership is refused. A person belongs to at most 300 organizations [H:4408838140314].
   * @throws Refusal 422
   */
  add(userId: number, organizationId: number, isDefault = false): Membership {
    const own = this.list({ userId });
    if (own.some((each) => each.organization_id === organizationId))
      throw invalid('user_id', 'User has already been taken', 'DuplicateValue');
    if (own.length >= ORGANIZATIONS_AT_MOST)
      throw invalid(
        'base',
        `A user may belong to at most ${ORGANIZATIONS_AT_MOST} organizations`,
        'InvalidValue',
      );
    const now = this.options.now();
    const id = this.options.newId();
    const membership = {
      url: `${this.options.baseUrl()}/organization_memberships/${id}.json`,
      id,
      user_id: userId,
      organization_id: organizationId,
      default: own.length === 0,
      organization_name: null,
      view_tickets: true,
      created_at: now,
      updated_at: now,
    };
    this.all.set(id, membership);
    this.ofUser.set(userId, (this.ofUser.get(userId) ?? new Set()).add(id));
    return isDefault ? this.makeDefault(id) : membership;
  }

  makeDefault(id: number): Membership {
    const wanted = this.get(id);
    for (const each of this.list({ userId: wanted.user_id }))
      this.all.set(each.id, { ...each, default: each.id === id });
    return this.get(id);
  }

  /** Removes a membership. @returns the organization that is the default afterwards */
  remove(id: number): number | null {
    const { user_id: userId, default: wasDefault } = this.get(id);
    this.forget(userId, id);
    const [next] = this.list({ userId });
    if (wasDefault && next) this.makeDefault(next.id);
    return this.list({ userId }).find((each) => each.default)?.organization_id ?? null;
  }

  /** Makes an organization the person's default; a user's `organization_id` is the default membership. */
  ensureDefault(userId: number, organizationId: number): void {
    const [known] = this.list({ userId, organizationId });
    if (!known) this.add(userId, organizationId, true);
    else if (!known.default) this.makeDefault(known.id);
  }

  /** Rule 25 [D Z:users]: `organization_id` in an update replaces the default and removes all others. */
  replace(userId: number, organizationId: number | null): void {
    for (const each of this.list({ userId }))
      if (each.organization_id !== organizationId) this.forget(userId, each.id);
    if (organizationId !== null) this.ensureDefault(userId, organizationId);
  }

  private forget(userId: number, id: number): void {
    this.all.delete(id);
    this.ofUser.get(userId)?.delete(id);
  }
}
