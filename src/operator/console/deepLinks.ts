import { parseRef, type CanonicalKey } from '../../sync/canonicalKey';
import type { RefKey } from '../../sync/record';
import { eventsIn } from '../temporalLists';

/** Where a pair, a Schedule or a record is shown elsewhere; null where that is not known. Addresses are from the configuration. */
export interface DeepLinks {
  workflow(key: CanonicalKey): string | null;
  schedule(id: string): string | null;
  /** The list of workflows, without those that only look for changes. */
  events(): string | null;
  record(ref: RefKey): string | null;
}

export interface Places {
  /** Of the Temporal Web UI. */
  temporalUiUrl: string | null;
  temporalNamespace: string;
  /** Before a pair's key, in its workflow id. */
  pairPrefix: string;
  /** Of the account: `https://acme.zendesk.com` */
  zendeskUrl: string | null;
  /** `https://pms.acme.example/{kind}s/{id}` */
  pmsRecordUrl: string | null;
}

/** Pages of the agents' interface. A comment has none of its own. */
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
