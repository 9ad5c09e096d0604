import { networkInterfaces } from 'node:os';

const everyInterface: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** What stands in a url for the address that a server listens on: one that a browser can open, of a host that listens on all of its own. */
export function hostInUrl(listensOn: string): string {
  const host = everyInterface.has(listensOn) ? ownAddress() : listensOn;
  return host.includes(':') ? `[${host}]` : host;
}

/** An address by which others reach this host; its own name for itself where it has no network. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((of) => of ?? []);
  const outward = addresses.filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0);
  return (outward.find(({ family }) => family === 'IPv4') ?? outward[0])?.address ?? 'localhost';
}
