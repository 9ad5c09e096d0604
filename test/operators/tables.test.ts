import { appendFileSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryBroker, QoS, fromBroker, toBroker, topic } from 'edgeflow';
import { toCsv, toParquet, toSqlite } from 'edgeflow/operators';
import type { FieldValue, ParquetRef, Row, ToCsvOptions, ToParquetOptions, ToSqliteOptions } from 'edgeflow/operators';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import Database from 'libsql';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { rowsOf, writeWithKills } from './sinkKills.js';
import { sink, warningsOf } from './sinkSupport.js';
import { smallDisk, temporaryFolder, until } from './systemSupport.js';

describe('toSqlite', () => {
  test('inserts a row for each value and passes it on', async () => {
    const file = join(temporaryFolder(), 'deep/er/log.db');
    const bytes = new Uint8Array([1, 2, 3]);
    const values: Row[] = [
      { n: 1, text: "it's; DROP TABLE seen", yes: true, when: new Date(0), bytes, big: 2n ** 40n, none: null },
      { n: 2.5, text: '', yes: false },
    ];
    expect(await lastValueFrom(from(values).pipe(toSqlite({ file, table: 'seen', row: (row) => row }), toArray()))).toEqual(values);
    expect(rowsOf(file, 'seen')).toEqual([
      expect.objectContaining({ n: 1, text: "it's; DROP TABLE seen", yes: 1, when: '1970-01-01T00:00:00.000Z', big: 2 ** 40, none: null }),
      expect.objectContaining({ n: 2.5, text: '', yes: 0, when: null }),
    ]);
    const db = new Database(file);
    expect(db.pragma('journal_mode')).toMatchObject([{ journal_mode: 'wal' }]);
    db.close();
  });

  test('a message that comes again has its rows once, also through a broker', async () => {
    const file = join(temporaryFolder(), 'log.db');
    const broker = new MemoryBroker();
    const numbers = topic<number>('numbers');
    await broker.declare({ topic: 'numbers', groups: ['default'] });
    const { send } = sink(toSqlite<number>({ file, table: 'seen', row: (n) => [{ n }, { n: n * 10 }] }));
    expect(await Promise.all([send(1, 'a'), send(2, 'b'), send(1, 'a'), send(2, 'b')])).toEqual([{}, {}, {}, {}]);
    expect(rowsOf(file, 'seen').map(({ n }) => n)).toEqual([1, 10, 2, 20]);
    const end = new AbortController();
    const done = lastValueFrom(
      fromBroker(numbers, QoS.DURABLE, { broker, stop: end.signal }).pipe(
        toSqlite({ file, table: 'others', row: (n) => ({ n }) }),
        toArray(),
      ),
    );
    await lastValueFrom(from(Array.from({ length: 50 }, (_, n) => n)).pipe(toBroker(numbers, { broker })));
    await until('the rows', () => rowsOf(file, "sqlite_master WHERE name = 'others'").length > 0 && rowsOf(file, 'others').length === 50);
    end.abort();
    expect(await done).toHaveLength(50);
    expect(rowsOf(file, 'others').every(({ message_id: id }) => typeof id === 'string')).toBe(true);
    await broker.close();
  });

  test('exactly one row for each message, whatever is killed', async () => {
    const file = join(temporaryFolder(), 'log.db');
    await writeWithKills('sqlite', file, 1);
  });

  test('a row that does not fit fails its own message', async () => {
    const file = join(temporaryFolder(), 'log.db');
    const { send } = sink(toSqlite<Row>({ file, table: 'seen', columns: { n: 'INTEGER' }, row: (row) => row }));
    const [good, unknown, wrong, alsoGood] = await Promise.all(
      [{ n: 1 }, { m: 1 }, { n: {} as FieldValue }, { n: 3 }].map((row) => send(row)),
    );
    expect([good, alsoGood]).toEqual([{}, {}]);
    expect(unknown?.failed?.error).toMatchObject({ code: 'ROW_INVALID', message: expect.stringContaining("no column 'm'") as string });
    expect(wrong?.failed?.error).toMatchObject({ code: 'ROW_INVALID' });
    expect(rowsOf(file, 'seen').map(({ n }) => n)).toEqual([1, 3]);
  });

  test('a locked database is waited for, and said once', async () => {
    const file = join(temporaryFolder(), 'log.db');
    const warnings = warningsOf('toSqlite');
    const { send } = sink(toSqlite<number>({ file, table: 'seen', row: (n) => ({ n }) }));
    await send(1);
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    const waiting = send(2);
    await until('the warning', () => warnings.length === 1);
    const impatient = sink(toSqlite<number>({ file, table: 'seen', row: (n) => ({ n }), patienceMs: 0 }));
    expect((await impatient.send(1)).failed?.error).toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('patienceMs (0): another program has locked') as string,
    });
    other.exec('COMMIT');
    expect(await waiting).toEqual({});
    other.close();
    await until('that it is back', () => warnings.length === 3);
    expect(warnings[0]).toMatch(/^toSqlite: \S+log\.db is down: another program has locked the database/);
    expect(warnings[2]).toMatch(/is back after \d+ s$/);
    writeFileSync(join(file, '../text.db'), 'not a database, but long enough to be looked at as one '.repeat(20));
    const text = sink(toSqlite<number>({ file: join(file, '../text.db'), table: 'seen', row: (n) => ({ n }) }));
    expect((await text.send(1)).failed?.error).toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('not a database') as string,
    });
  });

  test('a full disk is waited for', async ({ skip }) => {
    const disk = smallDisk('1m');
    if (disk === undefined) return skip('mounting is not permitted');
    const warnings = warningsOf('toSqlite');
    const { send, unsubscribe } = sink(toSqlite<string>({ file: join(disk, 'log.db'), table: 'seen', row: (text) => ({ text }) }));
    await send('first');
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(800_000));
    const waiting = send('x'.repeat(300_000));
    await until('the warning', () => warnings.length > 0);
    expect(warnings[0]).toMatch(/the disk is full|not full\?/);
    rmSync(join(disk, 'ballast'));
    expect(await waiting).toEqual({});
    unsubscribe();
    expect(rowsOf(join(disk, 'log.db'), 'seen')).toHaveLength(2);
  });

  test.each([
    { file: '' },
    { table: 'a; DROP TABLE b' },
    { table: '1st' },
    { columns: {} },
    { columns: { 'a b': 'TEXT' } },
    { columns: { message_id: 'TEXT' } },
    { columns: { a: 'VARCHAR' } },
    { concurrency: 0 },
    { patienceMs: -1 },
    { row: undefined },
  ])('options %o', (options) => {
    const whole = { file: 'x', table: 't', row: () => ({}), ...options } as ToSqliteOptions<unknown>;
    expect(() => toSqlite(whole)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});

describe('toCsv', () => {
  test('appends rows, with one header for all runs', async () => {
    const file = join(temporaryFolder(), 'deep/er/seen.csv');
    const row = (n: number): Row => ({ n, text: `a "quoted", ${n}`, when: new Date(0) });
    for (const values of [[1, -2], [3]]) await lastValueFrom(from(values).pipe(toCsv({ file, row })));
    expect(readFileSync(file, 'utf8')).toBe(
      'message_id,n,text,when\n' + [1, -2, 3].map((n) => `,${n},"a ""quoted"", ${n}",1970-01-01T00:00:00.000Z\n`).join(''),
    );
  });

  test('text that a spreadsheet would run is quoted, unless told otherwise', async () => {
    const folder = temporaryFolder();
    const texts = ['=1+1', '+49', '-x', '@a', '\tb', 'fine'];
    for (const escapeFormulas of [true, false])
      await lastValueFrom(
        from(texts).pipe(toCsv({ file: join(folder, String(escapeFormulas)), row: (text) => ({ text }), escapeFormulas })),
      );
    expect(readFileSync(join(folder, 'true'), 'utf8')).toBe("message_id,text\n,'=1+1\n,'+49\n,'-x\n,'@a\n,'\tb\n,fine\n");
    expect(readFileSync(join(folder, 'false'), 'utf8')).toBe('message_id,text\n,=1+1\n,+49\n,-x\n,@a\n,\tb\n,fine\n');
  });

  test('follows a file that another program renamed', async () => {
    const file = join(temporaryFolder(), 'seen.csv');
    const { send } = sink(toCsv<number>({ file, row: (n) => ({ n }) }));
    await send(1);
    renameSync(file, `${file}.old`);
    expect(await send(2)).toEqual({});
    expect([`${file}.old`, file].map((path) => readFileSync(path, 'utf8').replaceAll(/[0-9a-f]{32}/g, 'id'))).toEqual([
      'message_id,n\nid,1\n',
      'message_id,n\nid,2\n',
    ]);
  });

  test.each(['deadbeefdeadbeefdeadbeefdeadbeef.0,7,whole\n', 'deadbeef,8,"torn\nin a quote', 'dead'])(
    'a torn end is cut off: %j',
    async (tail) => {
      const file = join(temporaryFolder(), 'seen.csv');
      await lastValueFrom(from([1]).pipe(toCsv({ file, row: (n) => ({ n, text: 'a\nb' }) })));
      appendFileSync(file, tail);
      await lastValueFrom(from([2]).pipe(toCsv({ file, row: (n) => ({ n, text: 'c' }) })));
      expect(readFileSync(file, 'utf8')).toBe('message_id,n,text\n,1,"a\nb"\n,2,c\n');
    },
  );

  test('a full disk is waited for; other columns fail', async ({ skip }) => {
    const disk = smallDisk('1m');
    if (disk === undefined) return skip('mounting is not permitted');
    const file = join(disk, 'seen.csv');
    const warnings = warningsOf('toCsv');
    const { send, unsubscribe } = sink(toCsv<Row>({ file, row: (row) => row }));
    await send({ text: 'first' });
    expect((await send({ other: 1 })).failed?.error).toMatchObject({ code: 'ROW_INVALID' });
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(700_000));
    const waiting = send({ text: 'x'.repeat(400_000) });
    await until('the warning', () => warnings.length > 0);
    expect(warnings[0]).toContain('the disk is full');
    rmSync(join(disk, 'ballast'));
    expect(await waiting).toEqual({});
    unsubscribe();
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(4);
    const other = sink(toCsv<Row>({ file, columns: ['a'], row: (row) => row }));
    expect((await other.send({ a: 1 })).failed?.error).toMatchObject({ code: 'ROW_INVALID' });
  });

  test.each([{ file: '' }, { columns: [] }, { columns: ['a,b'] }, { delimiter: ', ' }, { delimiter: '"' }, { concurrency: 0 }])(
    'options %o',
    (options) => {
      const whole = { file: 'x', row: () => ({}), ...options } as ToCsvOptions<unknown>;
      expect(() => toCsv(whole)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    },
  );
});

describe('toParquet', () => {
  const columns = { n: 'DOUBLE', big: 'INT64', text: 'STRING', yes: 'BOOLEAN', when: 'TIMESTAMP', bytes: 'BYTE_ARRAY' } as const;
  const row = (n: number): Row => ({ n, big: BigInt(n), text: `t${n}`, yes: n > 1, when: new Date(n), bytes: new Uint8Array([n]) });
  const read = async (directory: string, { path }: ParquetRef): Promise<Record<string, unknown>[]> =>
    parquetReadObjects({ file: await asyncBufferFromFile(join(directory, path)), utf8: false });

  test('whole files, read back; deliveries settle when theirs is in its place', async () => {
    const directory = temporaryFolder();
    const { send, out, complete } = sink(toParquet<number>({ directory, columns, row, valuesPerFile: 3, everyMs: 60_000 }));
    const settled = [1, 2, 3, 4].map((n) => send(n, `m${n}`));
    expect(await Promise.all(settled.slice(0, 3))).toEqual([{}, {}, {}]);
    expect(out).toHaveLength(1);
    await complete();
    expect(await settled[3]).toEqual({});
    const [first, second] = out;
    if (!first || !second) throw new Error('there are no two files');
    expect(first).toMatchObject({ rows: 3, path: expect.stringMatching(/^\d{4}-\d\d-\d\d\/\d{15}-[0-9a-f]{20}\.parquet$/) as string });
    const rows = await read(directory, first);
    expect(rows.map(({ message_id: id, bytes, ...rest }) => ({ id: typeof id, bytes: [...(bytes as Uint8Array)], ...rest }))).toEqual(
      [1, 2, 3].map((n) => ({ id: 'string', bytes: [n], n, big: BigInt(n), text: `t${n}`, yes: n > 1, when: new Date(n) })),
    );
    expect(await read(directory, second)).toHaveLength(1);
    expect(readdirSync(join(directory, '.tmp'))).toEqual([]);
  });

  test('a row of another type fails its own message, and a list gives several rows', async () => {
    const directory = temporaryFolder();
    const rowOf = (n: number): Row | Row[] => (n === 0 ? { n: 'zero' } : n === 1 ? { m: 1 } : [{ n }, { n, text: null }]);
    const { send, out, complete } = sink(toParquet<number>({ directory, columns: { n: 'DOUBLE', text: 'STRING' }, row: rowOf }));
    const settled = [0, 1, 2].map((n) => send(n));
    expect((await settled[0])?.failed?.error).toMatchObject({ code: 'ROW_INVALID', message: 'toParquet: n is string; expected DOUBLE' });
    expect((await settled[1])?.failed?.error).toMatchObject({ code: 'ROW_INVALID' });
    await complete();
    expect(await settled[2]).toEqual({});
    expect(out).toMatchObject([{ rows: 2 }]);
  });

  test('a full disk is waited for, and leaves nothing torn', async ({ skip }) => {
    const directory = smallDisk('1m');
    if (directory === undefined) return skip('mounting is not permitted');
    const warnings = warningsOf('toParquet');
    const { send, out } = sink(
      toParquet<string>({ directory, columns: { bytes: 'BYTE_ARRAY' }, row: () => ({ bytes: noise }), valuesPerFile: 1 }),
    );
    const noise = crypto.getRandomValues(new Uint8Array(60_000));
    writeFileSync(join(directory, 'ballast'), Buffer.alloc(1_000_000));
    const waiting = send('x');
    await until('the warning', () => warnings.length > 0);
    expect(existsSync(join(directory, '.tmp')) ? readdirSync(join(directory, '.tmp')) : []).toEqual([]);
    rmSync(join(directory, 'ballast'));
    expect(await waiting).toEqual({});
    expect(out).toHaveLength(1);
  });

  test.each([{ directory: '' }, { columns: {} }, { columns: { a: 'VARCHAR' } }, { valuesPerFile: 0 }, { everyMs: 0 }])(
    'options %o',
    (options) => {
      const whole = { directory: 'x', columns: { a: 'STRING' }, row: () => ({}), ...options } as ToParquetOptions<unknown>;
      expect(() => toParquet(whole)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    },
  );
});
