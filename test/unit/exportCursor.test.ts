import { position } from '../../src/systems/zendesk/exportCursor';

const now = () => Math.floor(Date.now() / 1000);

describe('the position after a page of a time-based export', () => {
  test('is the last second of a full page, from which the next page is read', () => {
    const end = now() - 500;
    expect(position({ end_time: end, count: 1000 }, String(end - 60))).toEqual({
      cursor: String(end),
      more: true,
    });
  });

  test('is the next second after a full page of one second', () => {
    const end = now() - 500;
    expect(position({ end_time: end, count: 1000 }, String(end))).toEqual({
      cursor: String(end + 1),
      more: true,
    });
  });

  test('is not the end of the stream if the next page may be read only later', () => {
    const end = now() - 10;
    expect(position({ end_time: end, count: 1000 }, String(end - 500))).toMatchObject({
      more: false,
      moreLater: true,
    });
  });

  test('is the end of the stream after a page with room', () => {
    const end = now() - 10;
    const next = position({ end_time: end, count: 999 }, String(end - 500));
    expect(next.more).toBe(false);
    expect(next).not.toHaveProperty('moreLater');
  });
});
