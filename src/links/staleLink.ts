/** Another process has saved the link since it was read. */
export class StaleLink extends Error {
  override readonly name = 'StaleLink';
}
