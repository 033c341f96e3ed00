import { z } from 'zod';
import type { Fields } from './model';
import { invalid, notFound, parseRecord } from './refusal';

const CATEGORIES = ['new', 'open', 'pending', 'hold', 'solved'] as const;
type Category = (typeof CATEGORIES)[number];

interface CustomStatus extends Fields {
  id: number;
  status_category: Category;
  agent_label: string;
  active: boolean;
  default: boolean;
}

const label = z.string().min(1).max(48, 'is too long (maximum is 48 characters)');
const body = z.looseObject({
  status_category: z.enum(CATEGORIES).optional(),
  agent_label: label.optional(),
  end_user_label: label.optional(),
  description: z.string().nullable().optional(),
  end_user_description: z.string().nullable().optional(),
  active: z.boolean().optional(),
  default: z.boolean().optional(),
});
type Body = z.output<typeof body>;

const OF_CATEGORY = 100;
const OF_ACCOUNT = 300;
const MADE = '2024-01-01T00:00:00Z';
/** The label for end users. */
const FOR_END_USERS: Record<Category, string> = {
  new: 'Open',
  open: 'Open',
  pending: 'Awaiting your reply',
  hold: 'Open',
  solved: 'Solved',
};
const FRESH: readonly [id: number, category: Category, label: string][] = [
  [4044356, 'new', 'New'],
  [4044376, 'open', 'Open'],
  [4044456, 'open', 'In Progress'],
  [4044396, 'pending', 'Pending'],
  [4044416, 'hold', 'On-hold'],
  [4044436, 'solved', 'Solved'],
];

/**
 * Rule 19 [R AF][D Z:custom_ticket_statuses]: a fresh account's six, of which On-hold is `active: false`; categories
 * `new` to `solved`, none for `closed`.
 */
export class CustomStatuses {
  private readonly all = new Map<number, CustomStatus>();

  constructor(private readonly options: { now: () => string; newId: () => number; baseUrl: () => string }) {
    for (const [id, category, agentLabel] of FRESH) {
      const isDefault = agentLabel !== 'In Progress';
      this.all.set(id, {
        id,
        status_category: category,
        ...(isDefault ? standardTexts(category, agentLabel) : ownTexts(agentLabel, FOR_END_USERS[category])),
        agent_label: agentLabel,
        active: category !== 'hold',
        default: isDefault,
        created_at: MADE,
        updated_at: MADE,
      });
    }
  }

  /** @throws Refusal 404 */
  get(id: number): CustomStatus {
    const found = this.all.get(id);
    if (!found) throw notFound();
    return found;
  }

  find(id: number): CustomStatus | undefined {
    return this.all.get(id);
  }

  list(): Fields[] {
    return [...this.all.values()].map((each) => this.shown(each));
  }

  shown(status: CustomStatus): Fields {
    return { ...status, url: `${this.options.baseUrl()}/custom_statuses/${status.id}.json` };
  }

  /** The custom status for a status: the current one if it fits. Closed tickets keep theirs. */
  fitting(status: string, current: number): number {
    const inCategory = [...this.all.values()].filter((each) => each.status_category === status);
    if (inCategory.length === 0 || inCategory.some(({ id }) => id === current)) return current;
    return inCategory.find((each) => each.default)?.id ?? current;
  }

  add(input: unknown): CustomStatus {
    const given = parseRecord(body.required({ status_category: true, agent_label: true }), input);
    const category = given.status_category;
    const all = [...this.all.values()];
    if (category === 'new')
      throw invalid('status_category', 'Status category: new has exactly one', 'InvalidValue');
    if (
      all.length >= OF_ACCOUNT ||
      all.filter((each) => each.status_category === category).length >= OF_CATEGORY
    )
      throw invalid('base', 'Too many statuses', 'TooManyValues');
    const now = this.options.now();
    const status: CustomStatus = {
      id: this.options.newId(),
      status_category: category,
      ...ownTexts(given.agent_label, given.end_user_label ?? given.agent_label),
      agent_label: given.agent_label,
      active: true,
      default: false,
      created_at: now,
      updated_at: now,
    };
    return this.keep(status, given);
  }

  /** A category has one default; a new default replaces the former. */
  change(id: number, input: unknown): CustomStatus {
    const before = this.get(id);
    return this.keep({ ...before, updated_at: this.options.now() }, parseRecord(body, input));
  }

  private keep(before: CustomStatus, { status_category: _, ...given }: Body): CustomStatus {
    const status: CustomStatus = { ...before };
    for (const [key, value] of Object.entries(given))
      if (key in before && value !== undefined) status[key] = value;
    for (const key of ['agent_label', 'end_user_label', 'description', 'end_user_description'])
      if (given[key] !== undefined) status[`raw_${key}`] = given[key];
    if (status.default)
      for (const other of this.all.values())
        if (other.status_category === status.status_category && other.id !== status.id)
          this.all.set(other.id, { ...other, default: false });
    this.all.set(status.id, status);
    return status;
  }
}

function standardTexts(category: Category, agentLabel: string): Fields {
  const word = (kind: string) => `{{zd.status_${kind === '' ? '' : `${kind}_`}${category}}}`;
  return {
    raw_agent_label: word(''),
    end_user_label: FOR_END_USERS[category],
    raw_end_user_label: word('end_user'),
    description: `Ticket is ${agentLabel.toLowerCase()}`,
    raw_description: `{{zd.status_${category}_description}}`,
    end_user_description: `Your request is ${FOR_END_USERS[category].toLowerCase()}`,
    raw_end_user_description: `{{zd.status_end_user_${category}_description}}`,
  };
}

/** Own statuses have plain texts and no descriptions (ZP). */
function ownTexts(agentLabel: string, endUserLabel: string): Fields {
  return {
    raw_agent_label: agentLabel,
    end_user_label: endUserLabel,
    raw_end_user_label: endUserLabel,
    description: null,
    raw_description: null,
    end_user_description: null,
    raw_end_user_description: null,
  };
}
