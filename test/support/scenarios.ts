import { randomUUID } from 'node:crypto';
import { canonicalKey, refKey } from '../../src/sync/canonicalKey';
import type { SyncRecord } from '../../src/sync/record';
import { startBackfill } from '../../src/workers/startBackfill';
import { pairCommands } from '../../src/workers/pairSignals';
import {
  endHold,
  linkHygiene,
  pollChanges,
  readHints,
  reconcile,
  remap,
  resyncMany,
  syncControl,
  undo,
} from '../../src/workflows';
import { pauseBackfill, resumeBackfill } from '../../src/workflows/backfill';
import { pauseUpdate, resume, resumeUpdate } from '../../src/workflows/control';
import { hintsCame } from '../../src/workflows/readHints';
import { resync } from '../../src/workflows/pair';
import { controlId, reconcileId } from '../../src/workflows/ids';
import { lostAnswer, type MemorySystem } from './memorySystem';
import type { Stack } from './stack';
import { testMapping } from './world';

/**
 * Scenarios that are recorded as histories (npm run histories:record) and replayed with the present workflows. All
 * scenarios run one after another on one stack in memory. A workflow without a scenario fails the replay test.
 */

export interface Scenario {
  /** The workflow's exported name. */
  workflow: string;
  /** The file's name under test/histories/<workflow>/. */
  name: string;
  /** Runs the workflow, waits for its end, and @returns its id. */
  run(world: ScenarioWorld): Promise<string>;
}

export interface ScenarioWorld {
  stack: Stack;
  zendesk: MemorySystem;
  pms: MemorySystem;
}

const base = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'manual' },
  {
    zendesk: 'organization_id',
    pms: 'customerId',
    type: 'reference',
    direction: 'both',
    transform: 'reference',
    entity: 'OrgToCustomer',
  },
]);
const KINDS = { zendesk: 'organization', pms: 'customer' };
const organizations = testMapping([{ zendesk: 'name', pms: 'name', type: 'string', direction: 'both' }], {
  match: [{ zendesk: 'name', pms: 'name' }],
}).entities.TicketToProject;

export const SCENARIO_MAPPING = {
  ...base,
  entities: {
    ...base.entities,
    OrgToCustomer: { ...organizations, entity: 'OrgToCustomer' as const, kind: KINDS },
  },
};

export const SCENARIOS: Scenario[] = [
  {
    workflow: 'OrgToCustomer',
    name: 'creates-a-customer',
    run: async ({ stack, zendesk }) =>
      synced(stack, 'OrgToCustomer', zendesk.add('organization', { name: `Acme ${randomUUID()}` })),
  },
  {
    workflow: 'OrgToCustomer',
    name: 'joins-the-customer-of-that-name',
    async run({ stack, zendesk, pms }) {
      const name = `Globex ${randomUUID()}`;
      pms.add('customer', { name });
      return synced(stack, 'OrgToCustomer', zendesk.add('organization', { name }));
    },
  },
  {
    workflow: 'TicketToProject',
    name: 'creates-a-project-once-its-organization-is-linked',
    async run({ stack, zendesk }) {
      const org = zendesk.add('organization', { name: `Initech ${randomUUID()}` });
      const ticket = zendesk.add('ticket', { subject: 'a', organization_id: org.ref.id });
      await stack.settle();
      await stack.settle();
      return keyOf('TicketToProject', ticket);
    },
  },
  {
    workflow: 'TicketToProject',
    name: 'creates-a-ticket-for-a-project',
    run: async ({ stack, pms }) => synced(stack, 'TicketToProject', pms.add('project', { title: 'a' })),
  },
  {
    workflow: 'TicketToProject',
    name: 'writes-both-sides-and-parks-a-conflict',
    async run({ stack, zendesk, pms }) {
      const { ticket, project } = await linked(stack, zendesk, pms);
      zendesk.edit(ticket.ref, { subject: 'b', note: 'z' });
      pms.edit(project.ref, { note: 'p' });
      return synced(stack, 'TicketToProject', ticket, { force: true });
    },
  },
  {
    workflow: 'TicketToProject',
    name: 'tries-again-after-a-lost-answer',
    async run({ stack, zendesk, pms }) {
      let faults = 1;
      pms.fault = (when, call) => {
        if (when === 'after' && call === 'create' && faults-- > 0) throw lostAnswer();
      };
      const key = await synced(stack, 'TicketToProject', zendesk.add('ticket', { subject: 'a' }));
      pms.fault = () => undefined;
      return key;
    },
  },
  {
    workflow: 'TicketToProject',
    name: 'reads-again-when-a-person-was-faster',
    async run({ stack, zendesk, pms }) {
      const { ticket, project } = await linked(stack, zendesk, pms);
      let once = true;
      pms.fault = (when, call) => {
        if (when !== 'before' || call !== 'update' || !once) return;
        once = false;
        pms.edit(project.ref, { note: 'meanwhile' });
      };
      zendesk.edit(ticket.ref, { subject: 'b' });
      await stack.settle();
      pms.fault = () => undefined;
      return keyOf('TicketToProject', ticket);
    },
  },
  {
    workflow: 'TicketToProject',
    name: 'takes-a-signal-while-it-writes',
    async run({ stack, zendesk, pms }) {
      const { ticket } = await linked(stack, zendesk, pms);
      const key = keyOf('TicketToProject', ticket);
      const signals: Promise<void>[] = [];
      pms.fault = (when, call) => {
        if (when === 'before' && call === 'update' && signals.length === 0)
          signals.push(stack.client.workflow.getHandle(key).signal(resync));
      };
      zendesk.edit(ticket.ref, { subject: 'b' });
      await stack.settle();
      await Promise.all(signals);
      pms.fault = () => undefined;
      return key;
    },
  },
  {
    workflow: 'TicketToProject',
    name: 'does-what-a-person-decides',
    async run({ stack, zendesk, pms }) {
      const { ticket, project } = await linked(stack, zendesk, pms);
      zendesk.edit(ticket.ref, { note: 'z' });
      pms.edit(project.ref, { note: 'p' });
      const key = await synced(stack, 'TicketToProject', ticket, { force: true });
      const commands = pairCommands(stack.client, stack.taskQueue, SCENARIO_MAPPING);
      await commands.resync(key);
      await commands.resolve(key, { row: 'note', choice: 'pms' });
      return key;
    },
  },
  {
    workflow: 'TicketToProject',
    name: 'ends-in-a-tombstone',
    async run({ stack, zendesk, pms }) {
      const { ticket } = await linked(stack, zendesk, pms);
      zendesk.edit(ticket.ref, {}, { state: 'deleted' });
      return synced(stack, 'TicketToProject', ticket, { force: true });
    },
  },
  {
    workflow: 'CommentToProject',
    name: 'creates-a-note',
    run: async ({ stack, zendesk }) => synced(stack, 'CommentToProject', zendesk.add('comment', { x: 'a' })),
  },
  {
    workflow: 'pollChanges',
    name: 'follows-zendesk',
    async run({ stack, zendesk }) {
      zendesk.add('ticket', { subject: 'a' });
      const workflowId = `${stack.taskQueue}-poll`;
      await stack.client.workflow.execute(pollChanges, {
        workflowId,
        taskQueue: stack.taskQueue,
        args: ['zendesk'],
      });
      await stack.settle();
      return workflowId;
    },
  },
  {
    workflow: 'readHints',
    name: 'reads-what-webhooks-spoke-of',
    async run({ stack, zendesk }) {
      const { ref } = zendesk.add('ticket', { subject: 'a' });
      await stack.store.hints.keep([{ ref: refKey(ref), order: 1, actor: null }]);
      const workflowId = `${stack.taskQueue}-hints`;
      await stack.client.workflow.signalWithStart(readHints, {
        workflowId,
        taskQueue: stack.taskQueue,
        args: ['zendesk'],
        signal: hintsCame,
      });
      await stack.client.workflow.getHandle(workflowId).result();
      await stack.settle();
      return workflowId;
    },
  },
  {
    workflow: 'remap',
    name: 'brings-a-pair-to-the-mapping',
    async run({ stack, zendesk, pms }) {
      const { ticket } = await linked(stack, zendesk, pms);
      const link = await stack.store.get(keyOf('TicketToProject', ticket));
      if (!link) throw new Error('no link');
      await stack.store.save({ ...link, mappingVersion: 'older' });
      const workflowId = `${stack.taskQueue}-remap`;
      await stack.client.workflow.execute(remap, {
        workflowId,
        taskQueue: stack.taskQueue,
        args: [SCENARIO_MAPPING.version],
      });
      await stack.settle();
      return workflowId;
    },
  },
  {
    workflow: 'undo',
    name: 'puts-a-value-back',
    async run({ stack, zendesk, pms }) {
      const { ticket } = await linked(stack, zendesk, pms);
      zendesk.edit(ticket.ref, { subject: 'written by mistake' });
      await stack.settle();
      const key = canonicalKey('TicketToProject', ticket.ref);
      const until = new Date().toISOString();
      await stack.store.undos.begin({ id: 'U1', filter: { key, row: 'title', until }, hold: false });
      const workflowId = `${stack.taskQueue}-undo-U1`;
      await stack.client.workflow.execute(undo, { workflowId, taskQueue: stack.taskQueue, args: ['U1'] });
      await stack.settle();
      return workflowId;
    },
  },
  {
    workflow: 'endHold',
    name: 'releases-a-held-pair',
    async run({ stack, zendesk, pms }) {
      const { ticket } = await linked(stack, zendesk, pms);
      const hold = 'TicketToProject/replaced/title/pms';
      await stack.store.holds.begin({
        ...{ id: hold, entity: 'TicketToProject', kind: 'replaced', row: 'title', side: 'pms' },
        ...{ state: 'held', by: 'brake', cause: 'many changes', since: new Date(0).toISOString() },
        counts: { pairs: 30, linked: 50, allowed: 25 },
        examples: [],
      });
      zendesk.edit(ticket.ref, { subject: 'held for a while' });
      await stack.settle();
      const workflowId = `${stack.taskQueue}-brake`;
      await stack.client.workflow.execute(endHold, {
        workflowId,
        taskQueue: stack.taskQueue,
        args: [hold, 'releasing'],
      });
      await stack.settle();
      return workflowId;
    },
  },
  {
    workflow: 'reconcile',
    name: 'finds-what-was-missed',
    async run({ stack, zendesk, pms }) {
      const { project } = await linked(stack, zendesk, pms);
      pms.edit(project.ref, { title: 'missed' });
      zendesk.add('ticket', { subject: 'missed' });
      const workflowId = reconcileId(stack.taskQueue);
      await stack.client.workflow.execute(reconcile, {
        workflowId,
        taskQueue: stack.taskQueue,
        args: [{ full: true }],
      });
      await stack.settle();
      return workflowId;
    },
  },
  {
    workflow: 'linkHygiene',
    name: 'looks-through-the-store',
    async run({ stack }) {
      const workflowId = `${stack.taskQueue}-hygiene`;
      await stack.client.workflow.execute(linkHygiene, {
        workflowId,
        taskQueue: stack.taskQueue,
        args: [],
      });
      await stack.settle();
      return workflowId;
    },
  },
  {
    workflow: 'backfill',
    name: 'writes-both-sides-in-pages',
    async run({ stack, zendesk, pms }) {
      zendesk.add('organization', { name: `Umbrella ${randomUUID()}` });
      zendesk.add('ticket', { subject: 'a' });
      pms.add('project', { title: 'b' });
      const handle = await startBackfill(stack.client, stack.store, stack.taskQueue);
      await handle.signal(pauseBackfill);
      await handle.signal(resumeBackfill);
      await handle.result();
      await stack.settle();
      return handle.workflowId;
    },
  },
  {
    workflow: 'resyncMany',
    name: 'tells-all-pairs-of-an-entity',
    async run({ stack, zendesk, pms }) {
      await linked(stack, zendesk, pms);
      const workflowId = `${stack.taskQueue}-resync`;
      await stack.client.workflow.execute(resyncMany, {
        workflowId,
        taskQueue: stack.taskQueue,
        args: [{ entity: 'TicketToProject' }],
      });
      await stack.settle();
      return workflowId;
    },
  },
  {
    workflow: 'syncControl',
    name: 'pauses-and-resumes',
    async run({ stack, zendesk }) {
      const workflowId = controlId(stack.taskQueue);
      const handle = await stack.client.workflow.start(syncControl, {
        workflowId,
        taskQueue: stack.taskQueue,
        args: [],
      });
      await handle.executeUpdate(pauseUpdate, { args: ['OrgToCustomer'] });
      const organization = zendesk.add('organization', { name: `Hooli ${randomUUID()}` });
      await synced(stack, 'OrgToCustomer', organization);
      await handle.signal(resume, 'OrgToCustomer');
      // Answered after the signal was processed.
      await handle.executeUpdate(resumeUpdate, { args: ['everything'] });
      await stack.settle();
      // The workflow never ends, and the recording's server need not wait for it.
      await handle.cancel();
      await handle.result().catch(() => undefined);
      return workflowId;
    },
  },
];

type Entity = 'OrgToCustomer' | 'TicketToProject' | 'CommentToProject';

function keyOf(entity: Entity, { ref }: SyncRecord): string {
  return `${entity}/${ref.side}:${ref.kind}:${ref.id}`;
}

async function synced(
  stack: Stack,
  entity: Entity,
  record: SyncRecord,
  inbox: { force?: boolean } = {},
): Promise<string> {
  return (await stack.hint(entity, record.ref, inbox)).key;
}

/** A ticket and its project, linked by an earlier run of the workflow. */
async function linked(
  stack: Stack,
  zendesk: MemorySystem,
  pms: MemorySystem,
): Promise<{ ticket: SyncRecord; project: SyncRecord }> {
  const ticket = zendesk.add('ticket', { subject: 'a', note: 'n' });
  await synced(stack, 'TicketToProject', ticket);
  const backRef = `zendesk:ticket:${ticket.ref.id}`;
  const project = pms.all('project').find((record) => record.backRef === backRef);
  if (!project) throw new Error(`no project was made for ${backRef}`);
  return { ticket, project };
}
