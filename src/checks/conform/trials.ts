import type { DataType, PropertyRow } from '../../sync/mapping';
import type { EntityType, Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import type { Probe } from './probe';
import type { Subject } from './subjects';

/** The test values of each property: a value, another value, edge cases of its type, and the empty value. */

export interface Trial {
  name: string;
  value: Json;
  others: readonly { what: string; value: Json }[];
  /** The value that empties the property; undefined if the sync never empties it. */
  empty: Json | undefined;
  /** Whether the sync changes the property after creation. */
  canEdit: boolean;
}

type Samples = readonly [value: Json, ...others: { what: string; value: Json }[]];
const another = (value: Json) => ({ what: 'another', value });

/** Samples by type. The edge cases of texts have their own checks. */
const SAMPLES: Partial<Record<DataType, Samples>> = {
  integer: [7, another(12), { what: '0', value: 0 }, { what: 'below 0', value: -3 }],
  decimal: [1.5, another(2.25), { what: '0', value: 0 }, { what: 'a long one', value: 1234567.89 }],
  boolean: [true, another(false)],
  date: [
    '2027-01-15',
    another('2027-12-31'),
    { what: 'a leap day', value: '2028-02-29' },
    { what: 'long ago', value: '1999-12-31' },
  ],
  datetime: [
    '2027-01-15T10:30:00Z',
    another('2027-12-31T23:59:59Z'),
    { what: 'midnight', value: '2027-06-01T00:00:00Z' },
    { what: 'in the hour that clocks skip', value: '2027-03-28T01:30:00Z' },
  ],
};

export interface Trials {
  trials: Trial[];
  /** Properties without a test value, with the reason. */
  untried: string[];
}

/** @param people e-mail addresses that the system knows */
export function trialsOf(subject: Subject, probe: Probe, people: readonly string[]): Trials {
  const trials: Trial[] = [];
  const untried: string[] = [];
  for (const { name, row, options } of subject.declared) {
    if (row.transform.kind === 'constant') continue;
    const samples = samplesOf(subject, probe, row, options, people);
    if (typeof samples === 'string') {
      untried.push(`${name}: ${samples}`);
      continue;
    }
    const [value, ...others] = samples;
    trials.push({
      name,
      value,
      others: others.filter((other) => JSON.stringify(other.value) !== JSON.stringify(value)),
      empty: emptyOf(row),
      canEdit: row.write === 'always' && row.fixed?.side !== probe.port.side,
    });
  }
  return { trials, untried };
}

/** @returns the samples, or the reason why there are none */
function samplesOf(
  subject: Subject,
  probe: Probe,
  row: PropertyRow,
  options: readonly string[] | undefined,
  people: readonly string[],
): Samples | string {
  const { transform, type } = row;
  if (transform.kind === 'enum')
    return listed([...new Set(transform.toPms.values())].map((each) => subject.own(row, each)));
  if (transform.kind === 'person') return people.length > 0 ? listed([...people].slice(0, 2)) : NO_PERSON;
  if (transform.kind === 'reference') return parents(subject, probe, transform.entity);
  if (options) return options.length > 0 ? listed([...options]) : 'it has no options';
  const known = SAMPLES[type];
  if (known) return known;
  if (type === 'string[]') return lists(probe);
  return [probe.words(), another(probe.words())];
}

const NO_PERSON = 'no person is known; name two people with --person';

function listed([first = null, ...others]: readonly Json[]): Samples {
  return [first, ...others.map((value) => ({ what: `as ${textOf(value)}`, value }))];
}

/** Lists whose elements are valid as tags and as domain names. */
function lists(probe: Probe): Samples {
  const element = () => `${probe.words().replace(/\W+/g, '-')}.example`;
  const [first, second, third] = [element(), element(), element()];
  return [
    [first],
    another([first, second]),
    { what: 'all replaced', value: [third] },
    { what: 'twenty of them', value: Array.from({ length: 20 }, element) },
  ];
}

/** A record that the checks made, as parent, and another of its kind. */
function parents(subject: Subject, probe: Probe, entity: EntityType): Samples | string {
  const own = subject.parents[entity];
  if (own === undefined) return 'there is no record to refer to';
  const kind = subject.kindOf(entity);
  const other = [...probe.made.values()].find(
    ({ ref, state }) => ref.kind === kind && ref.id !== own && state === 'live',
  );
  return other ? [own, another(other.ref.id)] : [own];
}

function emptyOf({ transform, type, default: defaultValue, write }: PropertyRow): Json | undefined {
  const isRequired = transform.kind === 'reference' && transform.required;
  if (isRequired || defaultValue !== undefined || type === 'boolean' || write !== 'always') return undefined;
  return type === 'string[]' ? [] : null;
}
