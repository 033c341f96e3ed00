/** Words of a path as the APIs spell them; whatever looks otherwise is an id or a name. */
const WORD = /^(?:v\d+|[a-z][a-z_]*)$/;

/** `/api/v2/tickets/123/comments` → `/api/v2/tickets/{id}/comments`: few enough to label metrics and spans with. */
export function routeOf(path: string): string {
  return path
    .split('/')
    .map((segment) => (segment === '' || WORD.test(segment) ? segment : '{id}'))
    .join('/');
}
