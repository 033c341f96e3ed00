/** Filters Temporal's list of workflows, so that it reads as a log of what the sync did. */

/** Workflows that run all the time, and would hide the others in the list. */
const LOOKING_FOR_CHANGES = ['pollChanges', 'readHints', 'linkHygiene'];

/** A list filter for pairs, and for workflows that people started. https://docs.temporal.io/list-filter */
export const WITHOUT_POLLS = LOOKING_FOR_CHANGES.map((type) => `WorkflowType != '${type}'`).join(' AND ');

/** The list's address in the Web UI, which can keep it as a saved view. https://github.com/temporalio/ui/pull/2931 */
export function eventsIn(webUi: string, namespace: string): string {
  const list = `${webUi.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return `${list}?query=${encodeURIComponent(WITHOUT_POLLS)}`;
}
