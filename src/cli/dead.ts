import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Broker, DeadLetter } from '../brokers/broker.js';
import { decodeValue } from '../codec.js';
import { EdgeFlowError, describeError } from '../errors.js';
import { columns } from './columns.js';
import { addStoreOptions, withBroker } from './storeOption.js';
import type { StoreFlags } from './storeOption.js';

/** Letters that are read at once: their payloads may be large. */
const page = 32;
const longestError = 80;

/** Which letters a command is about. */
interface ChoiceFlags extends StoreFlags {
  readonly all?: boolean;
  readonly group?: string;
}

function parseNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected the number of a dead letter.');
}

const parseNumbers = (text: string, before: readonly number[] = []): number[] => [...before, parseNumber(text)];

/** Dead letters of a topic, a few at a time. */
async function* readLetters(broker: Broker, topic: string): AsyncGenerator<DeadLetter> {
  for (let after = 0; ;) {
    const letters = await broker.deadLetters(topic, { after, limit: page });
    yield* letters;
    const last = letters.at(-1);
    if (!last) return;
    after = last.letter;
  }
}

async function letterOf(broker: Broker, topic: string, number: number): Promise<DeadLetter | undefined> {
  const [letter] = await broker.deadLetters(topic, { after: number - 1, limit: 1 });
  return letter?.letter === number ? letter : undefined;
}

/** What is told of a letter without its value. */
function summary(topic: string, { letter, id, group, seq, error, stack, attempts, firstTime, deadTime, meta, payload }: DeadLetter) {
  const [first, last] = [firstTime, deadTime].map((time) => new Date(time).toISOString());
  return { topic, letter, id, group, seq, error, stack, attempts, first, last, bytes: meta.length + payload.length };
}

async function list(topic: string | undefined, flags: StoreFlags): Promise<void> {
  await withBroker(flags, async (broker) => {
    const topics =
      topic === undefined ? (await broker.stats()).filter(({ deadLetters }) => deadLetters > 0).map((stats) => stats.topic) : [topic];
    const rows = [];
    for (const name of topics.sort()) for await (const letter of readLetters(broker, name)) rows.push(summary(name, letter));
    if (flags.json) console.log(JSON.stringify(rows, undefined, 2));
    else if (rows.length === 0) console.log('no dead letters');
    else {
      const cells = rows.map((row) => {
        const [line = ''] = row.error.split('\n', 1);
        const error = line.length > longestError ? `${line.slice(0, longestError - 1)}…` : line;
        return [
          row.topic,
          String(row.letter),
          row.group,
          String(row.seq),
          String(row.attempts),
          row.first ?? '',
          row.last ?? '',
          String(row.bytes),
          error,
        ];
      });
      const header = ['TOPIC', 'LETTER', 'GROUP', 'SEQ', 'TRIED', 'FIRST', 'LAST', 'BYTES', 'ERROR'];
      console.log(columns([header, ...cells], new Set(['TOPIC', 'GROUP', 'FIRST', 'LAST', 'ERROR'])).join('\n'));
    }
  });
}

async function show(topic: string, number: number, { output, ...flags }: StoreFlags & { readonly output?: string }): Promise<void> {
  await withBroker(flags, async (broker) => {
    const letter = await letterOf(broker, topic, number);
    if (!letter) throw noLetter(topic, number);
    if (output !== undefined) writeFileSync(output, letter.payload);
    const told = { ...summary(topic, letter), payloadBytes: letter.payload.length, time: new Date(letter.time).toISOString() };
    if (flags.json) console.log(JSON.stringify({ ...told, value: valueOf(letter) }, undefined, 2));
    else {
      const { stack, ...rest } = told;
      for (const [name, value] of Object.entries(rest)) console.log(`${name.padEnd(12)} ${String(value)}`);
      if (stack !== undefined) console.log(`\n${stack}`);
      console.log(`\nvalue        ${inspect(valueOf(letter), { depth: 6, maxArrayLength: 50, maxStringLength: 2_000 })}`);
    }
  });
}

/** The value without its payload, which may be megabytes. */
function valueOf({ meta }: DeadLetter): unknown {
  try {
    return decodeValue({ meta, payload: new Uint8Array(0) });
  } catch (error) {
    return describeError(error);
  }
}

/** Gives letters back to their groups, or deletes them. */
async function act(kind: 'redrive' | 'drop', topic: string, numbers: readonly number[], flags: ChoiceFlags): Promise<void> {
  const { all = false, group } = flags;
  if (all === numbers.length > 0)
    throw new EdgeFlowError('OPTIONS_INVALID', `edgeflow dead ${kind}: name the numbers of letters, or --all, and not both`);
  await withBroker(flags, async (broker) => {
    const chosen = all ? [] : [...numbers];
    if (all)
      for await (const letter of readLetters(broker, topic)) if (group === undefined || letter.group === group) chosen.push(letter.letter);
    if (group !== undefined) for (const number of numbers) checkGroup(topic, await letterOf(broker, topic, number), group);
    const count = kind === 'redrive' ? await broker.redrive(topic, chosen) : await broker.dropDeadLetters(topic, chosen);
    const [first] = numbers;
    if (first !== undefined && numbers.length === 1 && count === 0) throw noLetter(topic, first);
    if (flags.json) console.log(JSON.stringify({ topic, [kind === 'redrive' ? 'redriven' : 'dropped']: count }));
    else console.log(kind === 'redrive' ? `${count} given back to be delivered again` : `${count} dropped`);
    if (!all && count < numbers.length)
      throw new EdgeFlowError('OPTIONS_INVALID', `${numbers.length - count} of the ${numbers.length} letters are not there`);
  });
}

/** A number that was mistyped may be another group's. */
function checkGroup(topic: string, letter: DeadLetter | undefined, group: string): void {
  if (letter && letter.group !== group)
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `dead letter ${letter.letter} of topic '${topic}' is of group '${letter.group}', and not of '${group}'; nothing was done`,
    );
}

function noLetter(topic: string, number: number): EdgeFlowError {
  return new EdgeFlowError(
    'OPTIONS_INVALID',
    `topic '${topic}' has no dead letter ${number}; edgeflow dead list ${topic} shows those that it has`,
  );
}

/** Adds `edgeflow dead list|show|redrive|drop`. */
export function addDeadCommand(program: Command): void {
  const dead = program.command('dead').description('messages that were given up: list, inspect, deliver again, delete');
  addStoreOptions(dead.command('list').description('list dead letters').argument('[topic]', 'all topics where it is left out')).action(
    list,
  );
  addStoreOptions(
    dead
      .command('show')
      .description('show one dead letter: its error, stack and value')
      .argument('<topic>')
      .argument('<letter>', 'its number', parseNumber)
      .option('--output <file>', 'write its payload to this file'),
  ).action(show);
  for (const [kind, description] of [
    ['redrive', 'give dead letters back to their group, to be delivered again'],
    ['drop', 'delete dead letters for good'],
  ] as const)
    addStoreOptions(
      dead
        .command(kind)
        .description(description)
        .argument('<topic>')
        .argument('[letters...]', 'their numbers', parseNumbers)
        .option('--all', 'all of the topic')
        .option('--group <group>', 'those of this group alone'),
    ).action((topic: string, numbers: number[], flags: ChoiceFlags) => act(kind, topic, numbers, flags));
}
