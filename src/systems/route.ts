/** Matches the fixed words of a path; other parts are ids or names. */
const WORD = /^(?:v\d+|[a-z][a-z_]*)$/;

/** An address without the slashes at its end. */
export function withoutSlashes(address: string): string {
  let end = address.length;
  while (address[end - 1] === '/') end -= 1;
  return address.slice(0, end);
}

/** `/api/v2/tickets/123/comments` → `/api/v2/tickets/{id}/comments`: few enough to label metrics and spans with. */
export function routeOf(path: string): string {
  return path
    .split('/')
    .map((segment) => (segment === '' || WORD.test(segment) ? segment : '{id}'))
    .join('/');
}
