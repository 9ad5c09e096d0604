import type { Shown } from './shown.js';
import { showValue } from './values.js';
import type { RawPicture } from './values.js';
import type { LetterView } from './wire.js';

const page = 50;
const maxError = 2_000;

/** Dead letters of a topic behind a number, without their large bytes. */
export async function listLetters(running: Shown, topic: string, after: number): Promise<LetterView[]> {
  const letters = await running.deadLetters(topic, { after, limit: page });
  return letters.map((letter) => {
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
      text,
    };
  });
}

/** The picture that a dead letter holds. */
export async function pictureOfLetter(running: Shown, topic: string, number: number): Promise<RawPicture | undefined> {
  const [letter] = await running.deadLetters(topic, { after: Math.max(0, number - 1), limit: 1 });
  return letter?.letter === number ? showValue(letter).picture : undefined;
}
