let typescript: Promise<void> | undefined;

/** Lets this process import TypeScript, where Node does not by itself. */
function enableTypeScript(): Promise<void> {
  typescript ??= (async () => {
    if ((process.features as { typescript?: unknown }).typescript) return;
    const { register } = await import('tsx/esm/api');
    register();
  })();
  return typescript;
}

/** Imports a module by its URL: JavaScript or TypeScript. */
export async function loadModule(url: string): Promise<Record<string, unknown>> {
  if (/\.[cm]?tsx?$/.test(new URL(url).pathname)) await enableTypeScript();
  return (await import(url)) as Record<string, unknown>;
}
