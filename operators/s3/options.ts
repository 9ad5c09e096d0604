import { EdgeFlowError } from 'edgeflow';
import { checkNeeded } from '../checks.js';

/** A bucket of an S3 or a server that speaks its language. Credentials are found by the AWS client's own chain. */
export interface BucketOptions {
  readonly bucket: string;
  /** Put before every key, with a `/` between. @defaultValue '' */
  readonly prefix?: string;
  /** Address of a server of one's own, such as `http://10.0.0.2:9000`. @defaultValue AWS */
  readonly endpoint?: string;
  /** @defaultValue that of the environment or of `~/.aws/config` */
  readonly region?: string;
  /** Whether the bucket's name is in the path instead of the host. @defaultValue true with an `endpoint` */
  readonly forcePathStyle?: boolean;
}

/** @throws EdgeFlowError `OPTIONS_INVALID` */
export function checkBucket(operator: string, { bucket, endpoint, prefix = '' }: BucketOptions): void {
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: ${what}`);
  };
  const fine = typeof bucket === 'string' && /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket);
  checkNeeded(operator, 'bucket', bucket, fine, '3 to 63 small letters, digits, dots and dashes');
  if (prefix.startsWith('/') || prefix.length > 512) fail(`prefix is '${prefix}'; expected at most 512 characters, not a / first`);
  if (endpoint === undefined) return;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) fail('endpoint is not a url that begins with https:// or http://');
  if (url?.username || url?.password) fail(`there are credentials in the endpoint ${url.host}; give them to the AWS client's chain`);
}
