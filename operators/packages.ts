import { EdgeFlowError } from 'edgeflow';

/**
 * Loads a package that only some operators need, when the first of them is subscribed.
 *
 * @param name - as npm knows it.
 * @param usedBy - the operator, for the message.
 * @param load - `() => import('…')`, so that its type is that of the package.
 * @throws EdgeFlowError `DEPENDENCY_MISSING` when it is not installed or cannot be loaded.
 */
export async function loadPackage<T>(name: string, usedBy: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new EdgeFlowError(
      'DEPENDENCY_MISSING',
      `${usedBy} needs the package '${name}', which could not be loaded; run: npm install ${name}`,
      {
        cause,
      },
    );
  }
}
