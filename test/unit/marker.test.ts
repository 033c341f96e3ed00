import { textOf } from '../../src/sync/values';
import { Marker, markerNames } from '../../src/systems/profile/marker';

const marker = new Marker('body', '— {authorName} <!-- {backRef} -->');
const REF = 'zendesk:comment:12-345';

test('a marker appended to a text is removed from it again', () => {
  const comment = { body: 'First line\n— not a name', authorName: 'Maya\nLindqvist', visibility: 'public' };
  const written = marker.added(comment, REF);
  expect(written['body']).toBe(`First line\n— not a name\n\n— Maya Lindqvist <!-- ${REF} -->`);
  expect(marker.taken(textOf(written['body'] ?? ''))).toEqual({
    backRef: REF,
    values: { body: 'First line\n— not a name', authorName: 'Maya Lindqvist' },
  });
});

test('line ends, spaces and an empty name do not matter; an empty text is only the marker', () => {
  const { body } = marker.added({ body: null }, REF);
  expect(body).toBe(`—  <!-- ${REF} -->`);
  expect(marker.taken(`Text\r\n\r\n${textOf(body ?? '')}\r\n`)).toEqual({
    backRef: REF,
    values: { body: 'Text', authorName: '' },
  });
});

test('a malformed back-reference, or one that is not at the end, is text', () => {
  expect(marker.taken('— Maya <!-- TODO -->')).toBeNull();
  expect(marker.taken(`— Maya <!-- ${REF} -->\nand more`)).toBeNull();
  expect(marker.taken('')).toBeNull();
});

test('values without a text are unchanged', () => {
  expect(marker.added({ visibility: 'internal' }, REF)).toEqual({ visibility: 'internal' });
});

test('markerNames returns the names in a marker', () => {
  expect(markerNames('<!-- {backRef} by {authorName} -->')).toEqual(['backRef', 'authorName']);
});
