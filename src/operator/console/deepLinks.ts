import { parseRef, type CanonicalKey } from '../../sync/canonicalKey';
import type { RefKey } from '../../sync/record';
import { eventsIn } from '../temporalLists';

/**
 * Addresses of a pair, a Schedule or a record in other web interfaces; null if not known. They come from the
 * configuration.
 */
export interface DeepLinks {
  workflow(key: CanonicalKey): string | null;
  schedule(id: string): string | null;
  /** The list of workflows, without those that only look for changes. */
  events(): string | null;
  record(ref: RefKey): string | null;
}

export interface Places {
  /** The address of the Temporal Web UI. */
  temporalUiUrl: string | null;
  temporalNamespace: string;
  /** The prefix of workflow ids of pairs. */
  pairPrefix: string;
  /** The address of the account: `https://acme.zendesk.com` */
  zendeskUrl: string | null;
  /** `https://pms.acme.example/{kind}s/{id}` */
  pmsRecordUrl: string | null;
}

/** Pages of the agent interface. A comment has no page of its own. */
const ZENDESK_PAGES: Record<string, string> = { ticket: 'tickets', organization: 'organizations' };

export function deepLinks({
  temporalUiUrl,
  temporalNamespace,
  pairPrefix,
  zendeskUrl,
  pmsRecordUrl,
}: Places): DeepLinks {
  const temporal = (part: string, id: string) =>
    temporalUiUrl &&
    `${withoutSlash(temporalUiUrl)}/namespaces/${encodeURIComponent(temporalNamespace)}/${part}/${encodeURIComponent(id)}`;
  return {
    workflow: (key) => temporal('workflows', `${pairPrefix}${key}`),
    schedule: (id) => temporal('schedules', id),
    events: () => temporalUiUrl && eventsIn(temporalUiUrl, temporalNamespace),
    record(ref) {
      const { side, kind, id } = parseRef(ref);
      const safeId = encodeURIComponent(id);
      if (side === 'pms')
        return (
          pmsRecordUrl?.replaceAll('{kind}', encodeURIComponent(kind)).replaceAll('{id}', safeId) ?? null
        );
      const page = ZENDESK_PAGES[kind];
      return zendeskUrl !== null && page !== undefined
        ? `${withoutSlash(zendeskUrl)}/agent/${page}/${safeId}`
        : null;
    },
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
