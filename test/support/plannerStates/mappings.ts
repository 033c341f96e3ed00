import { createHash } from 'node:crypto';
import { parseMapping } from '../../../src/sync/mappingFile';
import type { Mapping } from '../../../src/sync/mapping';
import type { Json } from '../../../src/sync/record';

/**
 * Mappings for generated states, with rows of every kind, and test values for each row: in each side's spelling, and
 * canonical.
 */

export interface Spelling {
  canonical: Json;
  zendesk: Json;
  pms: Json;
}

const same = (...values: Json[]): Spelling[] =>
  values.map((value) => ({ canonical: value, zendesk: value, pms: value }));
const BLACK = '▇▇▇';

/** By row id. The sides write references as ids; the canonical form is a key. */
export const SPELLINGS: Record<string, Spelling[]> = {
  title: [
    { canonical: 'a b', zendesk: ' a  b', pms: 'a b' },
    ...same('c', null),
    { canonical: 'd', zendesk: 'd', pms: 'd ' },
  ],
  note: same('n1', 'n2', 'n3', null),
  body: same('abc def', `${BLACK} def`, 'abc xyz', `${BLACK} ${BLACK}`, null),
  state: [
    { canonical: 'todo', zendesk: 'new', pms: 'todo' },
    { canonical: 'waiting', zendesk: 'hold', pms: 'waiting' },
    { canonical: 'waiting', zendesk: 'pending', pms: 'waiting' },
    { canonical: null, zendesk: '', pms: null },
  ],
  labels: [
    { canonical: ['a', 'b'], zendesk: ['B', 'a'], pms: 'a b' },
    { canonical: ['c'], zendesk: ['c'], pms: ['c', 'c'] },
    { canonical: [], zendesk: null, pms: [] },
  ],
  amount: [{ canonical: 1, zendesk: '1', pms: 1 }, { canonical: 2, zendesk: 2, pms: 2 }, ...same(null)],
  source: same('web', 'mail', null),
  hours: same(0.5, 1.25, null),
  public: [
    { canonical: 'public', zendesk: true, pms: 'public' },
    { canonical: 'internal', zendesk: false, pms: 'internal' },
  ],
  parent: [
    { canonical: 'OrgToCustomer/zendesk:organization:1', zendesk: 1, pms: 'C-1' },
    { canonical: 'OrgToCustomer/zendesk:organization:2', zendesk: 2, pms: 'C-2' },
    ...same(null),
  ],
  owner: [{ canonical: 'OrgToCustomer/zendesk:organization:1', zendesk: 1, pms: 'C-1' }, ...same(null)],
  ticket: [{ canonical: 'TicketToProject/zendesk:ticket:7', zendesk: 7, pms: 'P-7' }],
  first: same('once', null),
  made: same(null),
  filled: same(null),
};

/** Values that do not fit, or that refer to an unlinked record, by row id. */
export const MISFITS: Record<string, { zendesk: Json; pms: Json }> = {
  state: { zendesk: 'unheard of', pms: 'unheard of' },
  amount: { zendesk: 'many', pms: 'many' },
  public: { zendesk: 'maybe', pms: 'maybe' },
  parent: { zendesk: 99, pms: 'C-99' },
  owner: { zendesk: 99, pms: 'C-99' },
  ticket: { zendesk: 98, pms: 'P-98' },
};

const SHARED = [
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  {
    zendesk: 'body',
    pms: 'body',
    type: 'text',
    direction: 'both',
    winner: 'zendesk',
    fixedOn: 'zendesk',
    onEdit: 'followUp',
  },
];
const TICKET = [
  ...SHARED,
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'manual' },
  {
    zendesk: 'status',
    pms: 'state',
    type: 'enum',
    direction: 'both',
    transform: 'enum',
    winner: 'zendesk',
    table: { new: 'todo', hold: 'waiting', pending: 'waiting' },
  },
  {
    zendesk: 'tags',
    pms: 'labels',
    type: 'string[]',
    direction: 'both',
    transform: 'tags',
    winner: 'manual',
  },
  { zendesk: 'count', pms: 'amount', type: 'integer', direction: 'both', winner: 'pms' },
  { zendesk: 'channel', pms: 'source', type: 'string', direction: 'toPms' },
  { zendesk: 'estimate', pms: 'hours', type: 'decimal', direction: 'toZendesk' },
  {
    id: 'parent',
    zendesk: 'organization_id',
    pms: 'customerId',
    type: 'reference',
    direction: 'both',
    transform: 'reference',
    entity: 'OrgToCustomer',
    winner: 'latest',
  },
  {
    id: 'owner',
    zendesk: 'owner_id',
    pms: 'ownerId',
    type: 'reference',
    direction: 'both',
    transform: 'reference',
    entity: 'OrgToCustomer',
    winner: 'zendesk',
  },
  { zendesk: 'first', pms: 'first', type: 'string', direction: 'both', write: 'create' },
  {
    pms: 'made',
    type: 'string',
    direction: 'toPms',
    transform: 'template',
    template: '{subject}!',
    write: 'create',
  },
  {
    zendesk: 'filled',
    type: 'string',
    direction: 'toZendesk',
    transform: 'constant',
    value: 'x',
    write: 'create',
  },
];
const COMMENT = (fixed: boolean) => [
  {
    id: 'ticket',
    zendesk: 'ticket_id',
    pms: 'projectId',
    type: 'reference',
    direction: 'both',
    transform: 'reference',
    entity: 'TicketToProject',
    required: true,
    write: 'create',
  },
  ...SHARED,
  {
    id: 'public',
    zendesk: 'public',
    pms: 'public',
    type: 'enum',
    // As for comments that become projects: never to Zendesk.
    direction: fixed ? 'both' : 'toPms',
    transform: 'enum',
    winner: 'zendesk',
    ...(fixed && { fixedOn: 'zendesk', onEdit: 'overrule', except: ['internal'] }),
    table: { true: 'public', false: 'internal' },
  },
];

interface Choice {
  onDelete: string;
  onRedact: string;
  matched: boolean;
  filtered: boolean;
}

function mappingOf({ onDelete, onRedact, matched, filtered }: Choice): Mapping {
  const note = { zendesk: 'comment', pms: 'note', properties: COMMENT(matched) };
  return parseMapping(
    {
      version: 1,
      entities: {
        OrgToCustomer: {
          zendesk: 'organization',
          pms: 'customer',
          properties: [{ zendesk: 'name', pms: 'name', type: 'string', direction: 'both' }],
        },
        TicketToProject: {
          zendesk: 'ticket',
          pms: 'project',
          onDelete,
          ...(matched && { match: [{ zendesk: 'subject', pms: 'title' }] }),
          ...(filtered && { filter: { zendesk: { channel: ['web', 'mail', null] } } }),
          properties: TICKET,
        },
        CommentToProject: { mode: 'note', onDelete, onRedact, note, project: note },
      },
    },
    'generated.yaml',
    (text) => createHash('sha256').update(text).digest('hex').slice(0, 8),
  );
}

/** The mapping of {@link MAPPINGS} in which only the PMS gets the visibility of a comment. */
export const UNFIXED = 2;
export const MAPPINGS: Mapping[] = [
  { onDelete: 'flag', onRedact: 'toPms', matched: true, filtered: false },
  { onDelete: 'archive', onRedact: 'both', matched: true, filtered: true },
  { onDelete: 'unlink', onRedact: 'none', matched: false, filtered: false },
  { onDelete: 'archive', onRedact: 'toZendesk', matched: true, filtered: false },
].map(mappingOf);
