import { z } from 'zod';
import { omit, type Fields } from '../model';
import { invalid, notFound, parseRecord } from '../refusal';
import type { CustomField } from './definitions';

export interface FieldOption {
  id: number;
  name: string;
  /** Its tag. */
  value: string;
}

/** A field of tickets, organizations or users, as administrators change it. */
export interface Field extends Omit<CustomField, 'options' | 'tag'> {
  options: FieldOption[];
  tag: string | null;
  description: string;
  required: boolean;
  active: boolean;
  system: boolean;
  created_at: string;
  updated_at: string;
  more: Fields;
}

const optionBody = z.looseObject({
  id: z.number().optional(),
  name: z.string().min(1).max(255, 'is too long (maximum is 255 characters)'),
  value: z.string().min(1).max(255, 'is too long (maximum is 255 characters)'),
});
const fieldBody = z.looseObject({
  type: z.string().optional(),
  title: z.string().min(1).optional(),
  description: z.string().nullish(),
  key: z.string().optional(),
  active: z.boolean().optional(),
  required: z.boolean().optional(),
  tag: z.string().nullable().optional(),
  custom_field_options: z.array(optionBody).max(2_000, 'may be 2,000 at most').nullish(),
});
type Body = z.output<typeof fieldBody>;
const newBody = fieldBody.required({ type: true, title: true });
/** Zendesk's defaults of a user field (zenpy's recording). */
const keyedBody = fieldBody.extend({
  type: z.string().default('text'),
  title: z.string().min(1),
  key: z.string().regex(/^(?!\d+$)\w+$/, 'is invalid'),
});

const PREINSTALLED = '2024-01-01T00:00:00Z';

export interface RegistryOptions {
  now: () => string;
  newId: () => number;
  /** Called before a field is deleted for good. */
  onRemove?: (field: Field) => void;
  /** Whether each field needs a key of its own, and is a text by default. */
  keyed?: boolean;
}

/**
 * The fields of one kind of record. A deactivated field keeps the values of records; a deleted field does not (rule 18,
 * H:4420210121114).
 */
export class FieldRegistry {
  private readonly all = new Map<number, Field>();

  constructor(
    definitions: readonly (CustomField & { more?: object })[],
    systemIds: ReadonlySet<number>,
    private readonly options: RegistryOptions,
  ) {
    for (const { options: values, tag, required, more, ...field } of definitions)
      this.all.set(field.id, {
        ...field,
        options: values.map((value, index) => ({
          id: field.id * 10 + index,
          name: value.toUpperCase(),
          value,
        })),
        tag: tag ?? null,
        description: '',
        required: required ?? false,
        active: true,
        system: systemIds.has(field.id),
        created_at: PREINSTALLED,
        updated_at: PREINSTALLED,
        more: { ...more },
      });
  }

  list(): Field[] {
    return [...this.all.values()];
  }

  /** The active custom fields. */
  active(): Field[] {
    return this.list().filter((field) => field.active && !field.system);
  }

  /** @throws Refusal 404 */
  get(id: number): Field {
    const field = this.all.get(id);
    if (!field) throw notFound();
    return field;
  }

  find(id: number): Field | undefined {
    return this.all.get(id);
  }

  add(input: unknown): Field {
    const body = parseRecord(this.options.keyed === true ? keyedBody : newBody, input);
    if (this.options.keyed === true && this.list().some(({ key }) => key === body.key))
      throw invalid('key', `Key: ${body.key ?? ''} has already been taken`, 'DuplicateValue');
    const now = this.options.now();
    const field: Field = {
      id: this.options.newId(),
      type: body.type,
      title: body.title,
      key: body.key ?? null,
      options: [],
      tag: null,
      description: '',
      required: false,
      active: true,
      system: false,
      created_at: now,
      updated_at: now,
      more: {},
    };
    return this.keep(field, body);
  }

  change(id: number, input: unknown): Field {
    return this.keep(this.get(id), parseRecord(fieldBody, input));
  }

  remove(id: number): void {
    const field = this.get(id);
    if (field.system) throw invalid('base', `${field.title}: cannot be removed`, 'InvalidValue');
    this.options.onRemove?.(field);
    this.all.delete(id);
  }

  /** @throws Refusal 404 */
  option(fieldId: number, optionId: number): FieldOption {
    const found = this.get(fieldId).options.find(({ id }) => id === optionId);
    if (!found) throw notFound();
    return found;
  }

  /** Changes the option with the id of the request, or adds one; the others stay. */
  putOption(fieldId: number, input: unknown): { option: FieldOption; created: boolean } {
    const given = parseRecord(optionBody, input);
    const { options } = this.get(fieldId);
    const known = options.find(({ id }) => id === given.id);
    const { name, value } = given;
    const next = known
      ? options.map((each) => (each === known ? { id: known.id, name, value } : each))
      : [...options, { name, value }];
    const field = this.change(fieldId, { custom_field_options: next });
    const option = field.options.find((each) => (known ? each.id === known.id : each.value === value));
    if (!option) throw notFound();
    return { option, created: !known };
  }

  removeOption(fieldId: number, optionId: number): void {
    const gone = this.option(fieldId, optionId);
    const options = this.get(fieldId).options.filter((each) => each !== gone);
    this.change(fieldId, { custom_field_options: options });
  }

  private keep(before: Field, body: Body): Field {
    const { title, description, active, required, tag, custom_field_options: options } = body;
    const field: Field = {
      ...before,
      ...(title !== undefined && { title }),
      ...(description !== undefined && { description: description ?? '' }),
      ...(active !== undefined && { active }),
      ...(required !== undefined && { required }),
      ...(tag !== undefined && { tag: tag?.toLowerCase() ?? null }),
      ...(options && { options: options.map((option) => this.optionOf(option, before)) }),
      updated_at: this.options.now(),
    };
    this.checkTags(field);
    this.all.set(field.id, field);
    return field;
  }

  /** Finds an option by its id, else by its tag. */
  private optionOf({ id, name, value }: z.output<typeof optionBody>, before: Field): FieldOption {
    const known = before.options.find((each) => (id === undefined ? each.value === value : each.id === id));
    return { id: known?.id ?? this.options.newId(), name, value };
  }

  /** Two options cannot share a tag (rule 13). */
  private checkTags(field: Field): void {
    const own = field.options.map(({ value }) => value.toLowerCase());
    const others = this.list()
      .filter(({ id }) => id !== field.id)
      .flatMap((each) => tagsOf(each));
    const shared = own.find((tag, index) => own.indexOf(tag) !== index || others.includes(tag));
    if (shared !== undefined)
      throw invalid('custom_field_options', `Tag "${shared}" is already used`, 'DuplicateValue');
  }
}

/** The tags that belong to a field's values. */
export function tagsOf({ type, tag, options }: Field): string[] {
  if (type === 'checkbox') return tag === null ? [] : [tag];
  return options.map(({ value }) => value.toLowerCase());
}

/** As `GET /ticket_fields` and its siblings show it (rule 48, AF, OAS; of users: ZP). */
export function shownField(field: Field, position: number, baseUrl: string, path: string): Fields {
  const { options, system, more, ...rest } = field;
  const ofTickets = path === 'ticket_fields';
  return {
    url: `${baseUrl}/${path}/${field.id}.json`,
    ...(path === 'user_fields' ? userKeys(rest) : ofTickets ? omit(rest, 'key') : rest),
    ...(!ofTickets && { system: false }),
    raw_title: field.title,
    raw_description: field.description,
    position,
    regexp_for_validation: null,
    ...(ofTickets && ticketKeys(field)),
    ...(ofTickets && { removable: !system }),
    ...(options.length > 0 && {
      custom_field_options: options.map((option) => ({ ...option, raw_name: option.name, default: false })),
    }),
    ...more,
  };
}

/** A user field is never required, and only a checkbox has a tag. */
function userKeys({ required: _, tag, ...rest }: Omit<Field, 'options' | 'system' | 'more'>): Fields {
  return { ...rest, ...(rest.type === 'checkbox' && { tag }) };
}

/** As `GET /ticket_fields/{id}/options` shows it. */
export function shownOption({ id: fieldId, options }: Field, option: FieldOption, url: string): Fields {
  return {
    url: `${url}/${fieldId}/options/${option.id}.json`,
    ...option,
    raw_name: option.name,
    position: options.findIndex(({ id }) => id === option.id),
  };
}

function ticketKeys({ title }: Field): Fields {
  return {
    collapsed_for_agents: false,
    title_in_portal: title,
    raw_title_in_portal: title,
    visible_in_portal: false,
    editable_in_portal: false,
    required_in_portal: false,
    agent_description: null,
    agent_can_edit: true,
  };
}
