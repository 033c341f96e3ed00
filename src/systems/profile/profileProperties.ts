import { DATA_TYPES, type DataType } from '../../sync/mapping';
import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import type { PropertyInfo } from '../port';
import type { Api } from './profileApi';
import type { Records } from './profileRecords';
import { CUSTOM } from './propertyForm';
import type { CustomFields, Kind } from './kindSchema';
import { readPages, type List, type Page } from './pages';

/** The properties that a mapping can use for a kind: those of the profile, and the custom fields of the PMS. */
export async function profileProperties(api: Api, records: Records): Promise<PropertyInfo[]> {
  return [
    ...records.offered().map((each) => ({ ...each, aliases: [] })),
    ...(await customProperties(api, records.kind)),
  ];
}

async function customProperties(api: Api, kind: Kind): Promise<PropertyInfo[]> {
  const fields = kind.customFields?.fields;
  if (!fields) return [];
  const found: PropertyInfo[] = [];
  const list: List = {
    paging: kind.paging,
    items: fields.items,
    idOf: (item) => fields.key.of(item),
    lenient: true,
    send: (request) => api.fixed(request),
  };
  await readPages(api, api.request(fields.request, {}), list, (page) =>
    found.push(...propertiesIn(api, kind.name, fields, page)),
  );
  return found;
}

function propertiesIn(
  api: Api,
  kind: string,
  fields: NonNullable<CustomFields['fields']>,
  answer: Page,
): PropertyInfo[] {
  return answer.items.flatMap((raw, n): PropertyInfo[] => {
    const ask = (expression: { text: string; of(data: Json): Json }) => expression.of(raw);
    if (ask(fields.kind) !== kind) return [];
    const [key, title, type] = [fields.key, fields.title, fields.type].map(ask);
    if (key == null || title == null)
      throw api.unexpected(answer.call, `${fields.items.text}.${n}`, null, 'a key and a title');
    const options = fields.options ? ask(fields.options) : null;
    return [
      {
        name: `${CUSTOM}${textOf(key)}`,
        aliases: [`${CUSTOM}${textOf(title)}`],
        writable: true,
        custom: {
          title: textOf(title),
          type: dataTypeOf(fields.types, type ?? null),
          ...(Array.isArray(options) && { options: options.map(textOf) }),
        },
      },
    ];
  });
}

function dataTypeOf(types: Readonly<Record<string, string>>, type: Json): DataType | null {
  const name = type === null ? '' : textOf(type);
  const found = types[name] ?? name;
  // The PMS may have data types that mappings do not support.
  return DATA_TYPES.find((each) => each === found) ?? null;
}
