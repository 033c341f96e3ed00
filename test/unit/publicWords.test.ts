import { AlreadyExists, NeedsHuman, RetryLater, publicMessage } from '../../src/systems/errors';
import { routeOf } from '../../src/systems/route';

describe('messages outside the link store', () => {
  test.each<[string, unknown, string]>([
    [
      'the other system’s message is left out',
      new NeedsHuman('refused', 'PMS PATCH /x: answered 422: "Xylograph" is too long', 'title'),
      'refused (title)',
    ],
    ['it is left out without a field, too', new NeedsHuman('refused', 'Zendesk: "Xylograph"'), 'refused'],
    [
      'the message about a taken value is left out',
      new AlreadyExists('Name: Xylograph is taken', 'name'),
      'a record with this name exists',
    ],
    ['our own message is kept', new NeedsHuman('unauthorized', 'check PMS_TOKEN'), 'check PMS_TOKEN'],
    [
      'a failed call is kept',
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
