/** An optional package is needed and not installed. The message names the fix. */
export class MissingPackage extends Error {
  override readonly name = 'MissingPackage';
}

/**
 * Loads an optional peer dependency, which a production image need not contain.
 * @param packages the arguments for `npm install` that add it
 * @throws MissingPackage if it is not installed
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
