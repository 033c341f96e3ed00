import type { PmsSandbox } from 'pms-sandbox';
import type { ZendeskSandbox } from 'zendesk-sandbox';
import type { Side } from './insidePeople';

/** Custom fields of tickets and projects that both sandboxes have. */
export const CUSTOM_FIELDS = {
  order: { title: 'Order number', key: 'product' },
  severity: { title: 'Severity', key: 'severity' },
  escalated: { title: 'Escalated', key: 'escalated' },
  components: { title: 'Components', key: 'components' },
} as const;
export type CustomField = keyof typeof CUSTOM_FIELDS;
export const CUSTOM_FIELD_NAMES = Object.keys(CUSTOM_FIELDS) as CustomField[];

/** The values that people choose from. The order number is a new text each time. */
export const CUSTOM_CHOICES: Record<Exclude<CustomField, 'order'>, readonly unknown[]> = {
  severity: ['s1', 's2', 's3', null],
  escalated: [true, false],
  components: [['api'], ['app', 'billing'], ['api', 'reports'], []],
};

interface Sandboxes {
  zendesk: ZendeskSandbox;
  pms: PmsSandbox;
}

/** @returns the id of the Zendesk field; undefined if an administrator deleted or deactivated it */
export function activeField({ zendesk }: Pick<Sandboxes, 'zendesk'>, field: CustomField): number | undefined {
  const { title } = CUSTOM_FIELDS[field];
  return zendesk.store.ticketFields.active().find((each) => each.title === title)?.id;
}

/** @returns the change that sets the field; null if the side lacks the field or the option */
export function customChange(
  { zendesk }: Pick<Sandboxes, 'zendesk'>,
  { field, side, value }: { field: CustomField; side: Side; value: unknown },
): Record<string, unknown> | null {
  if (side === 'pms') {
    const given = Array.isArray(value) && value.length === 0 ? null : value;
    return { customFields: { [CUSTOM_FIELDS[field].key]: given } };
  }
  const id = activeField({ zendesk }, field);
  if (id === undefined) return null;
  const { options } = zendesk.store.ticketFields.get(id);
  const wanted = (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string');
  const isOffered = options.length === 0 || wanted.every((each) => options.some((one) => one.value === each));
  return isOffered ? { custom_fields: [{ id, value }] } : null;
}

/** @param record from the side's store @returns undefined if the record does not have the field */
export function customValue(
  { zendesk }: Pick<Sandboxes, 'zendesk'>,
  side: Side,
  record: Record<string, unknown>,
  field: CustomField,
): unknown {
  if (side === 'pms')
    return (
      (record['customFields'] as Record<string, unknown> | undefined)?.[CUSTOM_FIELDS[field].key] ?? null
    );
  const id = activeField({ zendesk }, field);
  const values = record['custom_fields'] as { id: number; value: unknown }[] | undefined;
  return values?.find((each) => each.id === id)?.value;
}
