import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { onTestFinished } from 'vitest';
import { freePort, temporaryFolder, until } from './systemSupport.js';

const run = promisify(execFile);

/** What a subscriber saw, in order. */
export interface Seen {
  readonly topic: string;
  readonly text: string;
  readonly retained: boolean;
  readonly id: unknown;
}

/** Who is let in, and how. */
export interface MosquittoOptions {
  /** Lets nobody else in. */
  readonly login?: { readonly username: string; readonly password: string };
  /** Speaks TLS with a certificate for `localhost`, and asks clients for one of the same authority where it is told to. */
  readonly tls?: { readonly askClients?: boolean };
}

/** A mosquitto of a test's own, that can be stopped and started again. */
export class Mosquitto {
  readonly url: string;
  /** Of the authority, of a client that it vouches for, and the client's key. */
  readonly certificates: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly #port: number;
  readonly #config: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, config: string, certificates: Mosquitto['certificates']) {
    this.url = certificates ? `mqtts://localhost:${port}` : `mqtt://127.0.0.1:${port}`;
    this.certificates = certificates;
    this.#port = port;
    this.#config = config;
  }

  static async start({ login, tls }: MosquittoOptions = {}): Promise<Mosquitto> {
    const folder = temporaryFolder();
    const port = await freePort();
    const lines = [
      `listener ${port} 127.0.0.1`,
      `allow_anonymous ${login === undefined}`,
      'persistence true',
      `persistence_location ${folder}/`,
    ];
    if (login) {
      const passwords = join(folder, 'passwords');
      await run('mosquitto_passwd', ['-b', '-c', passwords, login.username, login.password]);
      lines.push(`password_file ${passwords}`);
    }
    if (tls) {
      await makeCertificates(folder);
      lines.push(`cafile ${folder}/ca.crt`, `certfile ${folder}/server.crt`, `keyfile ${folder}/server.key`);
      lines.push(`require_certificate ${tls.askClients === true}`);
    }
    // Run by root, mosquitto becomes a user of its own, who has to read and write here.
    chmodSync(folder, 0o777);
    const config = join(folder, 'mosquitto.conf');
    writeFileSync(config, [...lines, 'user root', ''].join('\n'));
    const server = new Mosquitto(port, config, tls && certificatesIn(folder));
    await server.start();
    onTestFinished(() => server.stop());
    return server;
  }

  async start(): Promise<void> {
    this.#child = spawn('/usr/sbin/mosquitto', ['-c', this.#config], { stdio: 'ignore' });
    await until('mosquitto', () => this.#answers());
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  /** Subscribes from now on, also to what comes while this subscriber is cut off, until the test has finished. */
  async watch(topic: string, login: { readonly username?: string; readonly password?: string } = {}): Promise<Seen[]> {
    const seen: Seen[] = [];
    const client = await mqtt.connectAsync(this.url, {
      ...{ protocolVersion: 5, reconnectPeriod: 50, clean: false, clientId: `watch-${randomUUID()}` },
      properties: { sessionExpiryInterval: 600 },
      ...login,
      ...this.certificates,
    });
    onTestFinished(() => client.endAsync(true));
    client.on('message', (name, payload, { retain, properties }) => {
      seen.push({ topic: name, text: payload.toString(), retained: retain, id: properties?.userProperties?.['message-id'] });
    });
    await client.subscribeAsync(topic, { qos: 2 });
    return seen;
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = createConnection(this.#port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  }
}

/** An authority of the test's own, and what it vouches for: a server at `localhost`, and a client. */
async function makeCertificates(folder: string): Promise<void> {
  const inFolder = (...args: string[]): Promise<unknown> => run('openssl', args, { cwd: folder });
  const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await inFolder('req', '-x509', ...ecKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=authority', '-days', '2');
  for (const name of ['server', 'client']) {
    const alternative = name === 'server' ? ['-addext', 'subjectAltName=DNS:localhost'] : [];
    await inFolder('req', ...ecKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`, ...alternative);
    const signed = ['-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy'];
    await inFolder('x509', '-req', ...signed, '-out', `${name}.crt`);
  }
}

function certificatesIn(folder: string): Mosquitto['certificates'] {
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  return { ca: read('ca.crt'), cert: read('client.crt'), key: read('client.key') };
}
