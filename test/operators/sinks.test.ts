import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { fromBroker, MemoryBroker, QoS, toBroker, topic } from 'edgeflow';
import { loadS3, notify, storeS3, toHomeAssistant, toMqtt, toWebhook } from 'edgeflow/operators';
import type {
  Alert,
  BlobRef,
  Frame,
  MqttConnectionOptions,
  MqttTlsOptions,
  NotifyOptions,
  StoreS3Options,
  ToHomeAssistantOptions,
  ToMqttOptions,
  ToWebhookOptions,
} from 'edgeflow/operators';
import { runMarbles } from 'edgeflow/testing';
import { from, lastValueFrom, map, of, toArray } from 'rxjs';
import S3rver from 's3rver';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Mosquitto } from './mosquitto.js';
import { sink, warningsOf } from './sinkSupport.js';
import { freePort, lacks, setEnv, temporaryFolder, until } from './systemSupport.js';
import { throughBroker } from './throughBroker.js';

interface Posted {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A web hook that answers as it is told. */
async function hook(
  answer: (response: ServerResponse, count: number) => void,
  port = 0,
): Promise<{ url: string; posted: Posted[]; server: Server }> {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (more: string) => (body += more));
    request.on('end', () => {
      posted.push({ headers: request.headers, body });
      answer(response, posted.length);
    });
  }).listen(port, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path?token=hidden`, posted, server };
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(code, headers).end('text that nobody reads');
  };

describe('toWebhook', () => {
  test('signs as Standard Webhooks says, with the same id for the same message', async () => {
    const { url, posted } = await hook(status(204));
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const { send, out } = sink(toWebhook<object>({ url, secret, headers: { authorization: 'Bearer x' } }));
    const value = { n: 1, data: new Uint8Array(9) };
    expect([await send(value, 'a'), await send({ n: 2 }, 'b'), await send(value, 'a')]).toEqual([{}, {}, {}]);
    expect(out).toEqual([value, { n: 2 }, value]);
    const ids = posted.map(({ headers }) => headers['webhook-id']);
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(ids[2]).toBe(ids[0]);
    expect(ids[1]).not.toBe(ids[0]);
    for (const { headers, body } of posted) {
      const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature, 'idempotency-key': key } = headers;
      expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(60);
      expect(signature).toBe(
        `v1,${createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
          .update(`${String(id)}.${String(time)}.${body}`)
          .digest('base64')}`,
      );
      expect(key).toBe(id);
      expect(headers).toMatchObject({ authorization: 'Bearer x', 'content-type': 'application/json' });
    }
    expect(posted.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { n: 1, data: { bytes: 9 } },
      { n: 2 },
      { n: 1, data: { bytes: 9 } },
    ]);
  });

  test('waits while the hook is busy or away, and says so once', async () => {
    const warnings = warningsOf('toWebhook');
    const { url, posted } = await hook((response, count) =>
      status(count < 3 ? 503 : 200, count === 2 ? { 'retry-after': '0' } : {})(response),
    );
    const busy = sink(toWebhook<number>({ url }));
    expect(await busy.send(1)).toEqual({});
    expect(posted).toHaveLength(3);
    const port = await freePort();
    const away = sink(toWebhook<number>({ url: `http://127.0.0.1:${port}/x` }));
    const waiting = away.send(2);
    await until('the warning', () => warnings.length === 3);
    await hook(status(200), port);
    expect(await waiting).toEqual({});
    await until('that it is back', () => warnings.length === 4);
    expect(warnings).toEqual([
      expect.stringMatching(/^toWebhook: http:\/\/127\.0\.0\.1:\d+ is down: it answered 503; what is delivered waits$/),
      expect.stringMatching(/^toWebhook: http:\/\/127\.0\.0\.1:\d+ is back after \d+ s$/),
      expect.stringContaining('is down: ECONNREFUSED'),
      expect.stringContaining('is back after'),
    ]);
  });

  test.skipIf(lacks('openssl'))('waits for a hook whose certificate nobody vouches for, and says how it is trusted', async () => {
    const folder = temporaryFolder();
    const file = (name: string): string => join(folder, name);
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-days', '2'];
    execFileSync('openssl', [...request, '-keyout', file('key.pem'), '-out', file('cert.pem')], { stdio: 'ignore' });
    const server = createSecureServer({ key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')) }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { send } = sink(toWebhook<number>({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/x`, patienceMs: 1 }));
    expect((await send(1)).failed?.error).toMatchObject({
      code: 'SINK_UNREACHABLE',
      message: expect.stringMatching(/certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\); .*NODE_EXTRA_CA_CERTS/) as string,
    });
  });

  test.each([
    [400, 1, 'the hook does not take this message'],
    [401, 1, 'look at the secret'],
    [404, 1, 'no such hook'],
    [302, 1, 'redirects are not followed'],
    [500, 2, 'the hook failed on this message'],
  ])('an answer of %i fails the delivery after %i requests, and shows no secret', async (code, requests, why) => {
    const { url, posted } = await hook(status(code, { location: 'http://127.0.0.1:1/elsewhere' }));
    const { send } = sink(toWebhook<number>({ url, retries: 1, secret: 'very secret' }));
    const error = (await send(1)).failed?.error as Error;
    expect(error).toMatchObject({ code: 'SINK_REFUSED', message: expect.stringContaining(why) as string });
    expect(`${error.message}${error.stack ?? ''}`).not.toMatch(/secret-path|hidden|very secret/);
    expect(posted).toHaveLength(requests);
  });

  test('a hook that does not answer in time is down; patience ends', async () => {
    const { url } = await hook(() => undefined);
    const { send } = sink(toWebhook<number>({ url, timeoutMs: 30, patienceMs: 100 }));
    expect((await send(1)).failed?.error).toMatchObject({
      code: 'SINK_UNREACHABLE',
      message: expect.stringContaining('no answer in time') as string,
    });
  });

  test('a request that cannot be made fails the delivery, with why', async () => {
    // One of the ports that no browser asks, nor fetch.
    const { send } = sink(toWebhook<number>({ url: 'http://127.0.0.1:1/secret-path' }));
    expect((await send(1)).failed?.error).toMatchObject({
      code: 'SINK_REFUSED',
      message: 'toWebhook: http://127.0.0.1:1 could not be asked: bad port',
    });
  });

  test.each([
    { url: 'ftp://x' },
    { url: 'https://x', headers: { 'bad header': 'x' } },
    { url: 'https://x', headers: { authorization: 'Bearer\nx' } },
    { url: 'x' },
    { url: 'https://user:pass@host/' },
    { url: 'https://x', secret: '' },
    { url: 'https://x', timeoutMs: 0 },
    { url: 'https://x', retries: -1 },
    { url: 'https://x', patienceMs: -1 },
    { url: 'https://x', concurrency: 0 },
  ])('options %o', (options) => {
    expect(() => toWebhook(options as ToWebhookOptions<unknown>)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});

const noMosquitto = !existsSync('/usr/sbin/mosquitto');
if (noMosquitto) console.warn('skipped: there is no /usr/sbin/mosquitto');

describe.skipIf(noMosquitto)('toMqtt', () => {
  test('publishes each value, and says whether it is there', async () => {
    const server = await Mosquitto.start();
    const seen = await server.watch('#');
    const { send, out, complete, unsubscribe } = sink(
      toMqtt<number>({
        url: server.url,
        topic: (n) => `room/${n}`,
        payload: (n) => new Uint8Array([65 + n]),
        retain: true,
        availabilityTopic: 'there',
      }),
    );
    expect(await Promise.all([send(0, 'a'), send(1, 'b'), send(0, 'a')])).toEqual([{}, {}, {}]);
    expect(out).toEqual([0, 1, 0]);
    await complete();
    await until('the farewell', () => seen.some(({ text }) => text === 'offline'));
    unsubscribe();
    expect(seen.map(({ topic: name, text }) => `${name} ${text}`)).toEqual([
      'there online',
      'room/0 A',
      'room/1 B',
      'room/0 A',
      'there offline',
    ]);
    expect(seen[1]?.id).toMatch(/^[0-9a-f]{32}$/);
    expect(seen[3]?.id).toBe(seen[1]?.id);
    expect((await server.watch('room/#')).length).toBeLessThanOrEqual(2);
  });

  test('DURABLE waits while the broker is down and loses nothing; REALTIME skips', async () => {
    const server = await Mosquitto.start();
    const warnings = warningsOf('toMqtt');
    const broker = new MemoryBroker();
    const numbers = topic<number>('numbers');
    const options = { url: server.url, reconnectMs: 50 };
    const end = new AbortController();
    const seen = await server.watch('#');
    const settled: number[] = [];
    const both = [
      fromBroker(numbers, QoS.DURABLE, { broker, group: 'all', stop: end.signal }).pipe(toMqtt({ ...options, topic: 'all' })),
      fromBroker(numbers, QoS.REALTIME, { broker, group: 'newest', stop: end.signal }).pipe(toMqtt({ ...options, topic: 'newest' })),
    ].map((stream, place) =>
      lastValueFrom(
        stream.pipe(
          map((n) => (place === 0 ? settled.push(n) : n)),
          toArray(),
        ),
      ),
    );
    const publish = (numbersOf: number[]): Promise<number> => lastValueFrom(from(numbersOf).pipe(toBroker(numbers, { broker })));
    const of20 = (first: number): number[] => Array.from({ length: 20 }, (_, place) => first + place);
    const on = (name: string): number[] => seen.filter(({ topic: each }) => each === name).map(({ text }) => Number(text));
    await publish(of20(0));
    await until('the first twenty', () => on('all').length === 20 && on('newest').includes(19));
    await server.stop();
    await until('the warnings', () => warnings.filter((said) => said.includes('is down')).length === 2);
    await publish(of20(20));
    await publish(of20(40));
    expect(settled).toHaveLength(20);
    await server.start();
    await until('all of them', () => new Set(on('all')).size === 60 && on('newest').includes(59));
    expect([...new Set(on('all'))]).toEqual([...of20(0), ...of20(20), ...of20(40)]);
    expect(on('newest').filter((n) => n >= 20).length).toBeLessThan(10);
    expect(warnings.filter((said) => said.includes('is back'))).toHaveLength(2);
    end.abort();
    await Promise.all(both);
    await broker.close();
  });

  test('a refused login ends the stream, and nothing shows the password', async () => {
    const login = { username: 'door', password: 'pa55word' };
    const server = await Mosquitto.start({ login });
    const warnings = warningsOf('toMqtt');
    const good = sink(toMqtt<number>({ url: server.url, topic: 'x', ...login }));
    expect(await good.send(1)).toEqual({});
    const bad = sink(toMqtt<number>({ url: server.url.replace('//', '//door:hidden1@'), topic: 'x' }));
    void bad.send(1);
    await until('the error', () => bad.errors.length === 1);
    const [error] = bad.errors as Error[];
    expect(error).toMatchObject({
      code: 'SINK_REFUSED',
      message: expect.stringMatching(/refused the connection: .*[Nn]ot authorized/) as string,
    });
    expect(`${String(error?.stack)} ${warnings.join()}`).not.toMatch(/pa55word|hidden1/);
  });

  test.skipIf(lacks('openssl'))('over TLS: by its own authority, and by nobody else’s; nothing shows password or key', async () => {
    const login = { username: 'door', password: 'pa55word' };
    const server = await Mosquitto.start({ login, tls: { askClients: true } });
    const { certificates: known } = server;
    if (!known) throw new Error('there are no certificates');
    const seen = await server.watch('#', login);
    const warnings = warningsOf('toMqtt');
    const connect = (tls: MqttTlsOptions, changes: Partial<MqttConnectionOptions> = {}) =>
      sink(toMqtt<number>({ url: server.url, topic: 'x', ...login, tls, ...changes }));
    expect(await connect(known).send(1)).toEqual({});
    await until('the message', () => seen.length === 1);

    const refusals = [
      { tls: { ...known, ca: undefined }, reason: /certificate of the broker is not trusted \(\w+\); .*tls\.ca/ },
      {
        tls: { ...known, servername: 'elsewhere.example' },
        reason: /is for another name \(ERR_TLS_CERT_ALTNAME_INVALID\); .*tls\.servername/,
      },
      { tls: { ca: known.ca }, reason: /does not take this client's certificate \(\w+CERTIFICATE_REQUIRED\); .*tls\.cert and tls\.key/ },
      { tls: known, password: 'hidden1', reason: /[Nn]ot authorized/ },
    ];
    const errors: unknown[] = [];
    for (const { tls, reason, ...changes } of refusals) {
      const refused = connect(tls, changes);
      void refused.send(2);
      await until('the error', () => refused.errors.length === 1);
      expect(refused.errors[0]).toMatchObject({ code: 'SINK_REFUSED', message: expect.stringMatching(reason) as string });
      errors.push(refused.errors[0]);
    }
    // A broker of TLS that is spoken to without, and one that does not speak it.
    const plain = connect({}, { url: server.url.replace('mqtts:', 'mqtt:'), patienceMs: 300 });
    expect((await plain.send(3)).failed?.error).toMatchObject({ code: 'SINK_UNREACHABLE' });
    const other = await Mosquitto.start();
    const secure = connect(known, { url: other.url.replace('mqtt:', 'mqtts:'), patienceMs: 300 });
    expect((await secure.send(3)).failed?.error).toMatchObject({ code: 'SINK_UNREACHABLE' });
    expect(warnings.slice(-2)).toEqual([expect.stringContaining('is down: ECONNRESET'), expect.stringContaining('is down: ECONNRESET')]);
    expect(seen).toHaveLength(1);
    expect(`${inspect(errors, { depth: 9 })} ${warnings.join()}`).not.toMatch(/pa55word|hidden1|PRIVATE/);
  });

  test('patience ends; a topic that is none fails its message', async () => {
    const port = await freePort();
    const { send, out } = sink(toMqtt<string>({ url: `mqtt://127.0.0.1:${port}`, topic: (name) => name, patienceMs: 50 }));
    expect((await send('a/#')).failed?.error).toMatchObject({ code: 'VALUE_INVALID' });
    expect((await send('a')).failed?.error).toMatchObject({ code: 'SINK_UNREACHABLE' });
    expect(out).toEqual([]);
  });

  test.each([
    { url: 'http://x' },
    { topic: '' },
    { topic: 'a/+' },
    { qos: 3 },
    { protocolVersion: 3 },
    { availabilityTopic: '#' },
    { reconnectMs: 0 },
    { concurrency: 0 },
    { patienceMs: NaN },
  ])('options %o', (options) => {
    const whole = { url: 'mqtt://x', topic: 'x', ...options } as ToMqttOptions<unknown>;
    expect(() => toMqtt(whole)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});

describe.skipIf(noMosquitto)('toHomeAssistant', () => {
  interface Seen {
    readonly count: number;
    readonly picture?: Uint8Array;
  }
  const options = (url: string): ToHomeAssistantOptions<Seen> => ({
    url,
    device: { id: 'door', name: 'Door camera', model: 'IPC-1' },
    entities: {
      person: { component: 'binary_sensor', name: 'Person', deviceClass: 'occupancy', state: ({ count }) => count > 0 },
      persons: {
        component: 'sensor',
        name: 'Persons',
        unit: 'persons',
        stateClass: 'measurement',
        icon: 'mdi:walk',
        state: ({ count }) => count,
      },
      picture: { component: 'image', name: 'Picture', state: ({ picture }) => picture },
    },
  });

  test('publishes retained discovery messages with the documented fields, states, and whether it is there', async () => {
    const server = await Mosquitto.start();
    const live = await server.watch('#');
    const { send, complete, unsubscribe } = sink(toHomeAssistant(options(server.url)));
    expect(await send({ count: 2, picture: new TextEncoder().encode('jpeg') })).toEqual({});
    expect(await send({ count: 0 })).toEqual({});
    const later = await server.watch('#');
    await until('all that is retained', () => later.length === 7);
    expect(later.every(({ retained }) => retained)).toBe(true);
    const text = Object.fromEntries(later.map((each) => [each.topic, each.text]));
    const shared = {
      availability_topic: 'edgeflow/door/availability',
      payload_available: 'online',
      payload_not_available: 'offline',
      device: { identifiers: ['door'], name: 'Door camera', model: 'IPC-1' },
      origin: { name: 'EdgeFlow' },
    };
    const config = (path: string): unknown => JSON.parse(text[`homeassistant/${path}/config`] ?? '{}');
    expect(config('binary_sensor/door_person')).toEqual({
      ...shared,
      ...{ name: 'Person', unique_id: 'door_person', state_topic: 'edgeflow/door/person', device_class: 'occupancy' },
      ...{ payload_on: 'ON', payload_off: 'OFF' },
    });
    expect(config('sensor/door_persons')).toEqual({
      ...shared,
      ...{ name: 'Persons', unique_id: 'door_persons', state_topic: 'edgeflow/door/persons', icon: 'mdi:walk' },
      ...{ unit_of_measurement: 'persons', state_class: 'measurement' },
    });
    expect(config('image/door_picture')).toEqual({
      ...shared,
      ...{ name: 'Picture', unique_id: 'door_picture', image_topic: 'edgeflow/door/picture', content_type: 'image/jpeg' },
    });
    expect(text).toMatchObject({ 'edgeflow/door/person': 'OFF', 'edgeflow/door/persons': '0', 'edgeflow/door/picture': 'jpeg' });
    expect(text['edgeflow/door/availability']).toBe('online');
    expect(live.filter(({ topic: name }) => name === 'edgeflow/door/person').map(({ text: state }) => state)).toEqual(['ON', 'OFF']);
    expect((await send({ count: NaN })).failed?.error).toMatchObject({
      code: 'VALUE_INVALID',
      message: expect.stringContaining('persons') as string,
    });
    await complete();
    await until('the farewell', () => live.some(({ text: state }) => state === 'offline'));
    unsubscribe();
  });

  test('waits while the broker is down, and is there again when it is back', async () => {
    const server = await Mosquitto.start();
    const seen = await server.watch('edgeflow/#');
    const warnings = warningsOf('toHomeAssistant');
    const { send, errors } = sink(toHomeAssistant({ ...options(server.url), reconnectMs: 50 }));
    expect(await send({ count: 1 })).toEqual({});
    await server.stop();
    await until('the warning', () => warnings.length === 1);
    const waiting = send({ count: 3 });
    await server.start();
    expect(await waiting).toEqual({});
    await until('its state', () => seen.some(({ topic: name, text }) => name === 'edgeflow/door/persons' && text === '3'));
    const availability = (): string[] => seen.flatMap(({ topic: name, text }) => (name === 'edgeflow/door/availability' ? [text] : []));
    await until('that it is there again', () => availability().at(-1) === 'online');
    expect(errors).toEqual([]);
  });

  test.each([
    { device: { id: 'a b', name: 'x' } },
    { entities: {} },
    { entities: { 'a/b': { component: 'sensor', name: 'x', state: () => 1 } } },
    { entities: { a: { component: 'switch', name: 'x', state: () => 1 } } },
    { discoveryPrefix: '#' },
  ])('options %o', (changes) => {
    const whole = { ...options('mqtt://x'), ...changes } as ToHomeAssistantOptions<Seen>;
    expect(() => toHomeAssistant(whole)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});

describe('notify', () => {
  const pass = map((alert: Alert) => alert);

  test('no more than one in a while, for each key', () =>
    runMarbles(({ cold, expectObservable }) => {
      const alerts = cold('abAc---a-|').pipe(
        notify<string>({ title: 'T', message: (name) => name, throttleMs: 5, key: (name) => name.toLowerCase(), via: pass }),
        map((alert) => alert as Alert),
        map(({ message, keptBack }) => `${message}${keptBack}`),
      );
      expectObservable(alerts).toBe('ab-c---d-|', { a: 'a0', b: 'b0', c: 'c0', d: 'a1' });
    }));

  test('an alert that failed is not kept back when its message comes again', async () => {
    const { url, posted } = await hook((response, count) => status(count === 1 ? 400 : 200)(response));
    const { send } = sink(notify<number>({ title: 'Door', message: 'somebody', via: toWebhook({ url }) }));
    expect((await send(1, 'a')).failed?.error).toMatchObject({ code: 'SINK_REFUSED' });
    expect([await send(2, 'b'), await send(1, 'a')]).toEqual([{}, {}]);
    expect(posted.map(({ body }) => (JSON.parse(body) as Alert).keptBack)).toEqual([0, 0]);
    expect(posted).toHaveLength(2);
  });

  test('runs a program without a shell', async () => {
    const file = join(temporaryFolder(), 'alerts');
    const script = join(temporaryFolder(), 'write.sh');
    writeFileSync(script, 'printf "%s|" "$@" >> "$0.out"; exit $(test "$2" = fail && echo 3 || echo 0)\n');
    const { send } = sink(notify<string>({ title: '--help', message: (text) => text, throttleMs: 0, via: ['sh', script] }));
    expect(await send('$(touch /tmp/x); `id`')).toEqual({});
    expect((await send('fail')).failed?.error).toMatchObject({
      code: 'SINK_REFUSED',
      message: 'notify: sh did not take the alert: it ended with 3',
    });
    expect(readFileSync(`${script}.out`, 'utf8')).toBe('\u2010-help|$(touch /tmp/x); `id`|\u2010-help|fail|');
    expect(existsSync(file)).toBe(false);
  });

  test.each([{ throttleMs: -1 }, { via: [] }, { via: [''] }])('options %o', (options) => {
    const whole = { title: '', message: '', via: pass, ...options } as unknown as NotifyOptions<unknown>;
    expect(() => notify(whole)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});

describe('storeS3 and loadS3', () => {
  beforeEach(() => {
    setEnv('AWS_ACCESS_KEY_ID', 'S3RVER');
    setEnv('AWS_SECRET_ACCESS_KEY', 'S3RVER');
  });

  async function server(directory: string, port: number): Promise<S3rver> {
    const made = new S3rver({ port, address: '127.0.0.1', silent: true, directory, configureBuckets: [{ name: 'archive', configs: [] }] });
    await made.run();
    return made;
  }

  const frame = (index: number, bytes = 300): Frame => ({
    data: new Uint8Array(bytes).fill(index),
    ...{ width: bytes / 3, height: 1, format: 'rgb24', time: Date.UTC(2026, 10, 23, 12) + index, index, source: 'test' },
  });

  test('stores, replaces its own, and reads back', async () => {
    const port = await freePort();
    const running = await server(temporaryFolder(), port);
    onTestFinished(() => running.close());
    const bucket = { bucket: 'archive', prefix: 'door', endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1' };
    const { send, out } = sink(storeS3({ ...bucket, format: 'raw' }));
    expect(await Promise.all([send(frame(1), 'a'), send(frame(2), 'b')])).toEqual([{}, {}]);
    expect(await send(frame(1), 'a')).toEqual({});
    expect(out.map(({ path }) => path)).toEqual([out[0]?.path, out[1]?.path, out[0]?.path]);
    expect(out[0]?.path).toMatch(/^2026-11-23\/12-00\/001795435200001-0000000001-[0-9a-f]{20}\.rgb24$/);
    const loaded = await lastValueFrom(from(out).pipe(loadS3(bucket), toArray()));
    expect(loaded.map((each) => ({ ...each, data: new Uint8Array(each.data) }))).toEqual([frame(1), frame(2), frame(1)]);

    const [ref] = out as [BlobRef];
    const load = (changed: BlobRef): Promise<Frame> => lastValueFrom(of(changed).pipe(loadS3(bucket)));
    await expect(load({ ...ref, path: ref.path.replace('001-', '009-') })).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    await expect(load({ ...ref, path: '../x' })).rejects.toMatchObject({ code: 'BLOB_INVALID' });
    await expect(load({ ...ref, sha256: '0' })).rejects.toMatchObject({ code: 'BLOB_INVALID' });
    const read = await throughBroker([ref, { ...ref, sha256: '0' }, ref], loadS3(bucket));
    expect(read.results).toHaveLength(2);
    expect(read.failures).toEqual([expect.stringContaining('BLOB_INVALID')]);
    const cut = sink(storeS3({ ...bucket, format: 'raw' }));
    expect((await cut.send({ ...frame(1), data: new Uint8Array(3) })).failed?.error).toMatchObject({ code: 'FRAME_INVALID' });
    const none = sink(storeS3({ ...bucket, bucket: 'none', format: 'raw' }));
    expect((await none.send(frame(1))).failed?.error).toMatchObject({
      code: 'SINK_REFUSED',
      message: expect.stringContaining('NoSuchBucket') as string,
    });
    const jpeg = sink(storeS3(bucket));
    expect(await jpeg.send(frame(3))).toEqual({});
    expect(jpeg.out).toMatchObject([{ format: 'jpeg' }]);
  });

  test('an outage is waited for', async () => {
    const port = await freePort();
    const directory = temporaryFolder();
    const warnings = warningsOf('storeS3');
    const bucket = { bucket: 'archive', endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', format: 'raw' } as const;
    const impatient = sink(storeS3({ ...bucket, patienceMs: 0 }));
    expect((await impatient.send(frame(1))).failed?.error).toMatchObject({ code: 'SINK_UNREACHABLE' });
    const { send, out } = sink(storeS3(bucket));
    const waiting = send(frame(1));
    await until('the warnings', () => warnings.length === 2);
    const running = await server(directory, port);
    onTestFinished(() => running.close());
    expect(await waiting).toEqual({});
    expect(out).toHaveLength(1);
    await until('that it is back', () => warnings.length === 3);
    expect(warnings[1]).toBe('storeS3: the bucket archive is down: ECONNREFUSED; what is delivered waits');
  });

  test.each([
    { bucket: 'A' },
    { endpoint: 'x' },
    { endpoint: 'http://a:b@c' },
    { prefix: '/x' },
    { format: 'png' },
    { quality: 0 },
    { concurrency: 0 },
  ])('options %o', (options) => {
    const whole = { bucket: 'archive', ...options } as StoreS3Options;
    expect(() => storeS3(whole)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});
