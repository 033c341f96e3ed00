import path from 'node:path';
import { loadPmsData, SYNC_PERSON, startPmsSandbox } from 'pms-sandbox';
import { SYNC_USER, startContract } from '../redmine/contract';
import { startProxy } from '../redmine/proxy';
import { startRedmine } from '../redmine/server';
import { KEEPS_ALL, type PmsKeeps } from './agreementReport';

/** The PMS that the demo syncs with Zendesk. */
export interface DemoPms {
  /** Address of the PMS contract, for people and checker: the system itself or a translating server. */
  url: string;
  token: string;
  /** A line for the user of the demo. */
  about: string;
  /** The service's settings for this PMS. */
  settings: NodeJS.ProcessEnv;
  /** The user whose calls are the sync's. */
  syncUser: string;
  keeps: PmsKeeps;
  /** The limits of this PMS, for the user of the demo. */
  lacks: readonly string[];
  /** Whether it sends webhooks. */
  hasWebhooks: boolean;
  /** Whether an edit of a note causes an event. If not, the reconcile finds it. */
  reportsNoteEdits: boolean;
  /** Absent if the PMS can be filled by its API only. */
  load?(dir: string): ReturnType<typeof loadPmsData>;
  close(): Promise<void>;
}

export const PMS_NAMES = ['sandbox', 'redmine'] as const;
export type PmsName = (typeof PMS_NAMES)[number];

export const REDMINE_KEEPS: PmsKeeps = {
  without: [
    'shared tickets',
    'shared comments',
    'group',
    'channel',
    'requester name',
    'opened',
    'author',
    'time',
  ],
  empty: { priority: 'medium', type: 'question' },
  dueDays: true,
};

const ROOT = path.resolve(__dirname, '../../..');

export async function startPms(name: PmsName, say: (line: string) => void): Promise<DemoPms> {
  return name === 'sandbox' ? sandbox() : redmine(say);
}

async function sandbox(): Promise<DemoPms> {
  const pms = await startPmsSandbox();
  return {
    url: pms.url,
    token: pms.token,
    about: `PMS ${pms.url}/api/v1`,
    settings: {
      PMS_BASE_URL: pms.url,
      PMS_TOKEN: pms.token,
      MAPPING_FILE: process.env['MAPPING_FILE'] ?? path.join(ROOT, 'mapping.yaml'),
    },
    syncUser: SYNC_PERSON.email,
    keeps: KEEPS_ALL,
    lacks: [],
    hasWebhooks: true,
    reportsNoteEdits: true,
    load: (dir) => loadPmsData(pms.store, dir),
    close: () => pms.close(),
  };
}

/** @throws NoRedmineError */
async function redmine(say: (line: string) => void): Promise<DemoPms> {
  const system = await startRedmine(say);
  const proxy = await startProxy(system.url);
  const contract = await startContract(system, () => proxy.calls());
  return {
    url: contract.url,
    token: contract.token,
    about: `Redmine ${system.version} ${system.url}`,
    settings: {
      PMS_BASE_URL: proxy.url,
      PMS_TOKEN: system.apiKey,
      PMS_PROFILE: 'redmine',
      MAPPING_FILE: path.join(ROOT, 'profiles/redmine.mapping.yaml'),
    },
    syncUser: SYNC_USER,
    keeps: REDMINE_KEEPS,
    lacks: [
      'no webhooks: changes are found by polling, deletions and edits of notes by the reconcile',
      'an issue always has a priority and a tracker: without them in Zendesk, Normal and Support',
      'a due date has no time of day',
      'the sync’s user writes the notes; the author in Zendesk is named below each note',
      'no field for group, channel, shared tickets and shared comments',
      'files of comments stay in Zendesk, because Redmine shows them publicly even on private notes',
    ],
    hasWebhooks: false,
    reportsNoteEdits: false,
    async close() {
      await contract.close();
      await proxy.close();
      await system.stop();
    },
  };
}
