import type { Fields } from './model';

export interface Group extends Fields {
  id: number;
  name: string;
}

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
