import { hostname, networkInterfaces } from 'node:os';

/**
 * Where a server can be found that listens on an address: `0.0.0.0` and `::` are all addresses of this host, and none that
 * a browser opens. IPv6 addresses are in brackets.
 */
export function openableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') {
    const outward = Object.values(networkInterfaces())
      .flat()
      .find((each) => each && !each.internal && each.family === 'IPv4');
    return outward?.address ?? hostname();
  }
  return host.includes(':') ? `[${host}]` : host;
}
