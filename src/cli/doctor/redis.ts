import type { Redis } from 'ioredis';
import { connectionOptions, describeEndpoint, parseEndpoint } from '../../brokers/redis/endpoint.js';
import { withoutArguments } from '../../brokers/redis/withoutArguments.js';
import { errorMessage } from '../../errors.js';
import { bad, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

/** Streams with the commands that the scripts use. */
const leastVersion = [6, 2] as const;

/** The servers of the environment, where there are any: version, and each setting that costs messages. */
export async function checkRedis(): Promise<Finding[]> {
  const { EDGEFLOW_CONTROL_URL: control, EDGEFLOW_DATA_URL: data } = process.env;
  if (!control) return [];
  const found = [await checkServer('control', control)];
  if (data && data !== control) found.push(await checkServer('data', data));
  return found.flat();
}

async function checkServer(role: string, url: string): Promise<Finding[]> {
  const name = `${role} Redis`;
  const address = parseEndpoint(url);
  const { Redis: Client } = await import('ioredis');
  let client: Redis | undefined;
  try {
    client = new Client({
      ...connectionOptions(address),
      lazyConnect: true,
      retryStrategy: () => null,
      connectTimeout: 3_000,
      maxRetriesPerRequest: 0,
    });
    client.on('error', () => undefined);
    await client.connect();
    return judge(name, await client.info());
  } catch (error) {
    return [
      bad(
        name,
        `${describeEndpoint(address)} does not answer: ${errorMessage(withoutArguments(error))}`,
        `start it, or correct EDGEFLOW_${role.toUpperCase()}_URL`,
      ),
    ];
  } finally {
    client?.disconnect();
  }
}

function judge(name: string, info: string): Finding[] {
  const read = (field: string): string => new RegExp(`^${field}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
  const version = read('redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fits = major > leastVersion[0] || (major === leastVersion[0] && minor >= leastVersion[1]);
  const policy = read('maxmemory_policy');
  const limited = Number(read('maxmemory')) > 0;
  return [
    fits ? ok(name, `version ${version}`) : bad(name, `version ${version}`, `use ${leastVersion.join('.')} or newer`),
    policy === '' || policy === 'noeviction' || !limited
      ? ok(`${name}: maxmemory-policy`, policy === '' ? 'not told' : policy)
      : bad(`${name}: maxmemory-policy`, `${policy}: messages are deleted when memory is full`, 'CONFIG SET maxmemory-policy noeviction'),
    read('aof_enabled') === '1'
      ? ok(`${name}: appendonly`, 'yes')
      : warn(`${name}: appendonly`, 'no: a restart of the server loses what it held', 'CONFIG SET appendonly yes'),
    read('aof_last_write_status') === 'err'
      ? bad(`${name}: append-only file`, 'the last write failed', 'free disk space on its host')
      : ok(`${name}: append-only file`, 'no failed write'),
  ];
}
