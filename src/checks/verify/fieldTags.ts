import type { Json } from '../../sync/record';

/** The ticket fields, with the tags that each field adds to a ticket. */
interface FieldList {
  ticket_fields: readonly {
    tag?: string | null | undefined;
    custom_field_options?: readonly { value: string }[] | null | undefined;
  }[];
}

/**
 * Removes the tags that fields add to a ticket: the options of drop-downs and multi-selects, and the tags of checkboxes.
 * The checklist has separate lines for these fields.
 * https://support.zendesk.com/hc/en-us/articles/4408881943194
 */
export class FieldTags {
  private tags: Promise<ReadonlySet<string>> | null = null;

  constructor(private readonly list: () => Promise<FieldList>) {}

  async leftOut(tags: Json | undefined): Promise<Json> {
    this.tags ??= this.list().then(({ ticket_fields: fields }) => new Set(fields.flatMap(tagsOf)));
    const owned = await this.tags;
    return Array.isArray(tags) ? tags.filter((tag) => !owned.has(tag as string)) : (tags ?? null);
  }
}

function tagsOf({ tag, custom_field_options: options }: FieldList['ticket_fields'][number]): string[] {
  return [...(options ?? []).map(({ value }) => value), ...(tag ? [tag] : [])];
}
