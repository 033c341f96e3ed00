/** Temporal's list of workflows as a log of what the sync did. */

/** They look for changes all the time, and would hide everything else. */
const LOOKING_FOR_CHANGES = ['pollChanges', 'readHints', 'linkHygiene'];

/** A list filter: pairs, and what people started. https://docs.temporal.io/list-filter */
export const WITHOUT_POLLS = LOOKING_FOR_CHANGES.map((type) => `WorkflowType != '${type}'`).join(' AND ');

/** Its address in the Web UI, which can keep it as a saved view. https://github.com/temporalio/ui/pull/2931 */
export function eventsIn(webUi: string, namespace: string): string {
  const list = `${webUi.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return `${list}?query=${encodeURIComponent(WITHOUT_POLLS)}`;
}
