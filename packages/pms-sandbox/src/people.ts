import { personBody, type Person } from './model';
import { parse } from './refusal';

const FIRST_NUMBER = 1001;

/** People, by id and by e-mail. */
export class People {
  private readonly byIdentity = new Map<string, Person>();
  private readonly idByEmail = new Map<string, string>();

  /** Adds a person, or changes the person with this e-mail address. */
  upsert(input: unknown): { person: Person; created: boolean } {
    const { email, name, role, active } = parse(personBody, input);
    const known = this.find(email);
    const person: Person = {
      id: known?.id ?? `U-${FIRST_NUMBER + this.byIdentity.size}`,
      email,
      name,
      role: role ?? known?.role ?? 'member',
      active: active ?? known?.active ?? true,
    };
    this.byIdentity.set(person.id, person);
    this.idByEmail.set(email, person.id);
    return { person, created: known === null };
  }

  find(email: string): Person | null {
    return this.byIdentity.get(this.idByEmail.get(email.toLowerCase()) ?? '') ?? null;
  }

  get(id: string): Person | undefined {
    return this.byIdentity.get(id);
  }

  has(id: string): boolean {
    return this.byIdentity.has(id);
  }

  /** All people, oldest first. People are never removed. */
  all(): Person[] {
    return [...this.byIdentity.values()];
  }
}
