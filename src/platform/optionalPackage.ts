/** A package is needed that an installation of the service may leave out. The message names the cure. */
export class MissingPackage extends Error {
  override readonly name = 'MissingPackage';
}

/**
 * Loads a package that is an optional peer of ours, so that a production image need not carry it.
 * @param packages what `npm install` has to be given to have it
 * @throws MissingPackage where it is not installed
 */
export async function optionalPackage<T>(packages: readonly string[], load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const missing = packages.find((name) => message.startsWith(`Cannot find module '${name}'`));
    if (missing === undefined) throw error;
    throw new MissingPackage(
      `the package ${missing} is not installed; "npm install ${packages.join(' ')}" adds it`,
    );
  }
}
