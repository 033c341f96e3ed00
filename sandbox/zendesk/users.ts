import { z } from 'zod';
import { invalid, notFound, type Store, type User } from './store';

const body = z.looseObject({
  name: z.string().min(1).optional(),
  email: z.email().nullable().optional(),
  role: z.enum(['end-user', 'agent', 'admin']).optional(),
  organization_id: z.number().nullable().optional(),
});

/** https://developer.zendesk.com/api-reference/ticketing/users/users/ */
export class Users {
  constructor(
    private readonly store: Store,
    private readonly baseUrl: () => string,
  ) {}

  get(id: number): User {
    const user = this.store.users.get(id);
    if (!user) throw notFound();
    return user;
  }

  /** `query=email:ann@example.com`, or text that name or address contains. */
  search({ query = '' }: Record<string, string | undefined>): User[] {
    const email = /^email:"?([^"\s]+)"?$/.exec(query.trim())?.[1];
    if (email !== undefined) {
      const user = this.store.userByEmail.get(email.toLowerCase());
      return user ? [user] : [];
    }
    const words = query.toLowerCase();
    return [...this.store.users.values()].filter((user) =>
      `${user.name} ${user.email ?? ''}`.toLowerCase().includes(words),
    );
  }

  create(input: unknown): User {
    const fields = body.parse(input);
    if (fields.email && this.store.userByEmail.has(fields.email.toLowerCase())) {
      throw invalid(
        'email',
        `Email: ${fields.email} is already being used by another user`,
        'DuplicateValue',
      );
    }
    const user = this.store.addUser({
      name: fields.name ?? fields.email ?? 'Unnamed',
      email: fields.email ?? null,
      role: fields.role ?? 'end-user',
    });
    user['organization_id'] = fields.organization_id ?? null;
    user['url'] = `${this.baseUrl()}/users/${user.id}.json`;
    return user;
  }

  createOrUpdate(input: unknown): { user: User; created: boolean } {
    const { email } = body.parse(input);
    const known = email ? this.store.userByEmail.get(email.toLowerCase()) : undefined;
    return known
      ? { user: this.update(known.id, input), created: false }
      : { user: this.create(input), created: true };
  }

  update(id: number, input: unknown): User {
    const user = this.get(id);
    const { name, role, organization_id: organizationId } = body.parse(input);
    Object.assign(user, {
      ...(name !== undefined && { name }),
      ...(role !== undefined && { role }),
      ...(organizationId !== undefined && { organization_id: organizationId }),
      updated_at: this.store.now(),
    });
    return user;
  }
}
