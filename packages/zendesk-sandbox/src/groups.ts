import { z } from 'zod';
import { defined, pick, type Fields } from './model';
import { parseRecord } from './refusal';

export interface Group extends Fields {
  id: number;
  name: string;
}

const WRITTEN = ['name', 'description', 'is_public'] as const;
const groupBody = z.looseObject({
  name: z.string().min(1, 'is too short (minimum is 1 character)').optional(),
  description: z
    .string()
    .nullish()
    .transform((text) => text ?? undefined),
  is_public: z.boolean().optional(),
});
const newGroup = groupBody.required({ name: true });

/** A group with every key that the live API returns (rule 24 [R AF]). */
export function blankGroup(id: number, name: string, baseUrl: string, now: string): Group {
  return {
    url: `${baseUrl}/groups/${id}.json`,
    id,
    is_public: true,
    name,
    description: '',
    default: false,
    deleted: false,
    created_at: now,
    updated_at: now,
  };
}

/** The account's first groups were created before the sandbox had an address. */
export const shownGroup = (group: Group, baseUrl: string): Group => ({
  ...group,
  url: `${baseUrl}/groups/${group.id}.json`,
});

/** What a request may set; ids, times and `default` are read-only. @throws Refusal 422 */
export const groupFields = (input: unknown): Partial<Group> =>
  defined(pick(parseRecord(groupBody, input), WRITTEN));

/** @throws Refusal 422 without a name */
export const newGroupFields = (input: unknown): { name: string } & Partial<Group> => {
  const { name, ...rest } = parseRecord(newGroup, input);
  return { name, ...defined(pick(rest, ['description', 'is_public'])) };
};
