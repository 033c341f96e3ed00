import { AlreadyExists, NeedsHuman, RetryLater, publicMessage } from '../../src/systems/errors';
import { routeOf } from '../../src/systems/route';

describe('what may be said outside the link store', () => {
  test.each<[string, unknown, string]>([
    [
      'the other system’s words are not',
      new NeedsHuman('refused', 'PMS PATCH /x: answered 422: "Xylograph" is too long', 'title'),
      'refused (title)',
    ],
    ['nor without a field', new NeedsHuman('refused', 'Zendesk: "Xylograph"'), 'refused'],
    [
      'nor those on a taken value',
      new AlreadyExists('Name: Xylograph is taken', 'name'),
      'a record with this name exists',
    ],
    ['our own words are', new NeedsHuman('unauthorized', 'check PMS_TOKEN'), 'check PMS_TOKEN'],
    [
      'and a call that failed',
      new RetryLater('PMS GET /x: ECONNRESET', { unknownOutcome: false }),
      'PMS GET /x: ECONNRESET',
    ],
  ])('%s', (_, error, expected) => expect(publicMessage(error)).toBe(expected));

  test.each([
    ['/api/v2/tickets/123/comments/456/make_private', '/api/v2/tickets/{id}/comments/{id}/make_private'],
    ['/api/v2/incremental/tickets/cursor', '/api/v2/incremental/tickets/cursor'],
    ['/api/v1/projects/P-1001/archive', '/api/v1/projects/{id}/archive'],
    ['/api/v1/notes/01J9ZQ', '/api/v1/notes/{id}'],
    ['/attachments/token/AbC/name.png', '/attachments/token/{id}/{id}'],
  ])('%s → %s', (path, route) => expect(routeOf(path)).toBe(route));
});
