import type { DeadLetter } from '../brokers/broker.js';
import type { Shown } from './shown.js';
import { showValue } from './values.js';
import type { RawPicture } from './values.js';
import type { LetterView } from './wire.js';

const page = 50;
const maxError = 2_000;
/** Letters that are read at once: each may hold a frame, and all of them pass through memory. */
const atOnce = 4;
/** No more letters are read for an answer once it has come to so many bytes. */
const manyBytes = 64 * 1024 * 1024;

/** Dead letters of a topic behind a number, without their large bytes. */
export async function listLetters(running: Shown, topic: string, after: number): Promise<LetterView[]> {
  const views: LetterView[] = [];
  let bytes = 0;
  while (views.length < page && bytes < manyBytes) {
    const limit = Math.min(atOnce, page - views.length);
    const letters = await running.deadLetters(topic, { after: views.at(-1)?.letter ?? after, limit });
    for (const view of letters.map((letter) => viewOf(topic, letter))) {
      views.push(view);
      bytes += view.bytes;
    }
    if (letters.length < limit) break;
  }
  return views;
}

function viewOf(topic: string, letter: DeadLetter): LetterView {
  const { picture, text } = showValue(letter);
  return {
    topic,
    letter: letter.letter,
    id: letter.id,
    seq: letter.seq,
    group: letter.group,
    error: letter.error.slice(0, maxError),
    stack: letter.stack?.slice(0, maxError),
    attempts: letter.attempts,
    firstTime: letter.firstTime,
    deadTime: letter.deadTime,
    bytes: letter.meta.length + letter.payload.length,
    picture: picture !== undefined,
    text: text(),
  };
}

/** The picture that a dead letter holds. */
export async function pictureOfLetter(running: Shown, topic: string, number: number): Promise<RawPicture | undefined> {
  const [letter] = await running.deadLetters(topic, { after: Math.max(0, number - 1), limit: 1 });
  return letter?.letter === number ? showValue(letter).picture : undefined;
}
