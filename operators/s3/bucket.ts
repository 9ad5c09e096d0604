import { createHash } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-s3';
import { EdgeFlowError } from 'edgeflow';
import { blobPath } from '../blobs/blobRef.js';
import type { BlobRef } from '../blobs/blobRef.js';
import type { Frame } from '../frame.js';
import { loadPackage } from '../packages.js';
import { networkReason } from '../sinks/network.js';
import { Target } from '../sinks/target.js';
import type { Outage, PatienceOptions } from '../sinks/target.js';
import type { BucketOptions } from './options.js';

interface Loaded {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.S3Client;
}

const extensionTypes: Readonly<Record<string, string>> = { jpeg: 'image/jpeg' };

/** A bucket of pictures, with the keys that the files of a directory would have. */
export class Bucket {
  readonly #operator: string;
  readonly #options: BucketOptions;
  readonly #target: Target;
  #loaded: Promise<Loaded> | undefined;

  constructor(operator: string, options: BucketOptions & PatienceOptions) {
    this.#operator = operator;
    this.#options = options;
    const { patienceMs = Infinity } = options;
    this.#target = new Target({ operator, label: `the bucket ${options.bucket}`, patienceMs, code: 'SINK_UNREACHABLE' });
  }

  /** @param identity - the same text for the same message: a picture that comes again replaces itself. */
  async put(frame: Frame, identity: string | undefined, signal: AbortSignal): Promise<BlobRef> {
    const { data, time, width, height, format, source, index } = frame;
    const path = blobPath(frame, identity);
    const hash = createHash('sha256').update(data).digest();
    const { sdk, client } = await this.#load();
    const command = new sdk.PutObjectCommand({
      Bucket: this.#options.bucket,
      Key: this.#key(path),
      Body: data,
      ContentType: extensionTypes[format] ?? 'application/octet-stream',
      // Compared by the server with what arrived.
      ChecksumSHA256: hash.toString('base64'),
    });
    await this.#reach(() => client.send(command, { abortSignal: signal }), signal);
    return { path, bytes: data.length, time, width, height, format, source, index, sha256: hash.toString('hex') };
  }

  /** Bytes of a picture; undefined where there is none. */
  async get(ref: BlobRef, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { sdk, client } = await this.#load();
    const read = async (): Promise<Uint8Array | undefined> => {
      const command = new sdk.GetObjectCommand({ Bucket: this.#options.bucket, Key: this.#key(ref.path) });
      const { Body: body }: Sdk.GetObjectCommandOutput = await client.send(command, { abortSignal: signal });
      return body?.transformToByteArray();
    };
    try {
      return await this.#reach(read, signal);
    } catch (error) {
      if (error instanceof EdgeFlowError && error.cause instanceof Error && error.cause.name === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  close(): void {
    void this.#loaded?.then(
      ({ client }) => client.destroy(),
      () => undefined,
    );
  }

  #key(path: string): string {
    const { prefix = '' } = this.#options;
    return prefix === '' || prefix.endsWith('/') ? `${prefix}${path}` : `${prefix}/${path}`;
  }

  async #reach<R>(work: () => Promise<R>, signal: AbortSignal): Promise<R> {
    try {
      return await this.#target.reach(work, outageOfS3, signal);
    } catch (error) {
      if (error instanceof EdgeFlowError) throw error;
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      throw new EdgeFlowError(
        'SINK_REFUSED',
        `${this.#operator}: the bucket ${this.#options.bucket} refused: ${reason}; look at its name, the region and the rights of the credentials`,
        { cause: error },
      );
    }
  }

  async #load(): Promise<Loaded> {
    return (this.#loaded ??= this.#connect());
  }

  async #connect(): Promise<Loaded> {
    const { endpoint, region, forcePathStyle = endpoint !== undefined } = this.#options;
    const sdk = await loadPackage('@aws-sdk/client-s3', this.#operator, () => import('@aws-sdk/client-s3'));
    const client = new sdk.S3Client({
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
      forcePathStyle,
      // Attempts of its own would only hide an outage for a while.
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    return { sdk, client };
  }
}

/** Answers that say nothing about the picture. */
function outageOfS3(error: unknown): Outage | undefined {
  const reason = networkReason(error);
  if (reason !== undefined) return { reason };
  if (!(error instanceof Error)) return undefined;
  const { $metadata: answer } = error as { $metadata?: { httpStatusCode?: number } };
  const status = answer?.httpStatusCode;
  const throttled = ['SlowDown', 'Throttling', 'ThrottlingException', 'RequestTimeout', 'RequestTimeTooSkewed'].includes(error.name);
  if (throttled || status === 429 || (status !== undefined && status >= 500)) return { reason: `it answered ${error.name} (${status})` };
  // The client's own chain found none: on a device they often come with the network.
  return error.name === 'CredentialsProviderError' ? { reason: 'no credentials were found' } : undefined;
}
