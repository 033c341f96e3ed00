import { ENTITY_TYPES } from '../../../sync/record';
import { Starts, type FailedStart } from '../../../links/failedStarts';
import type { ConsoleContext } from '../consoleContext';
import { html } from '../html';
import { mark, table, time, type Page } from '../layout';

/** The state of each connection, in one line. */

export interface ConnectionLine {
  connection: string;
  root: string;
  pairs: Record<'linked' | 'pending' | 'conflict' | 'quarantined', number>;
  waitingRecords: number;
  failedStarts: FailedStart[];
}

/** Reads MongoDB only. */
export async function loadConnections(contexts: readonly ConsoleContext[]): Promise<ConnectionLine[]> {
  return Promise.all(
    contexts.map(async ({ connection, root, database, now }) => {
      const { db, store } = await database();
      const counts = await store.countByStatus();
      const count = (status: keyof ConnectionLine['pairs']) =>
        ENTITY_TYPES.reduce((sum, type) => sum + counts[type][status], 0);
      return {
        connection: connection ?? '',
        root,
        pairs: {
          linked: count('linked'),
          pending: count('pending'),
          conflict: count('conflict'),
          quarantined: count('quarantined'),
        },
        waitingRecords: await store.observations.count(),
        failedStarts: await new Starts(db).all(new Date(now())),
      };
    }),
  );
}

export function connectionsPage(lines: readonly ConnectionLine[]): Page {
  const body = table(
    lines.length === 1 ? '1 connection' : `${lines.length} connections`,
    ['Connection', 'Linked', 'Pending', 'Conflicts', 'Quarantine', 'Records waiting', 'State'],
    lines.map(
      ({ connection, root, pairs, waitingRecords, failedStarts: [failed] }) =>
        html`<tr>
          <th scope="row"><a href="${root}">${connection}</a></th>
          <td>${pairs.linked}</td>
          <td>${pairs.pending}</td>
          <td>${pairs.conflict}</td>
          <td>${pairs.quarantined}</td>
          <td>${waitingRecords}</td>
          <td class="state">
            ${failed ? html`${mark('failing')} since ${time(failed.since)}: ${failed.why}` : mark('served')}
          </td>
        </tr>`,
    ),
    'numbers worded',
  );
  return { title: 'Connections', body };
}
