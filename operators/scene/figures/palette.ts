import type { Colour } from '../canvas.js';
import type { Random } from '../random.js';

const skins = [
  [244, 208, 177],
  [226, 178, 138],
  [190, 133, 94],
  [141, 92, 62],
  [92, 58, 40],
] as const;
const hairs = [
  [28, 22, 20],
  [62, 40, 26],
  [110, 72, 38],
  [188, 148, 82],
  [150, 146, 142],
  [120, 48, 24],
] as const;
const furs = [
  [92, 58, 32],
  [40, 34, 32],
  [178, 128, 72],
  [214, 192, 156],
  [126, 122, 118],
  [150, 84, 40],
] as const;

export const skin = (random: Random): Colour => random.pick(skins);
export const hair = (random: Random): Colour => random.pick(hairs);
export const fur = (random: Random): Colour => random.pick(furs);

/** A colour for cloth or paint: any hue, from grey to saturated, from dark to light. */
export function paint(random: Random): Colour {
  const hue = random.between(0, 6);
  const saturation = random.chance(0.3) ? random.between(0, 0.12) : random.between(0.35, 0.9);
  const value = random.between(40, 240);
  const channel = (shift: number): number => {
    const position = (hue + shift) % 6;
    const ramp = Math.max(0, Math.min(1, Math.abs(position - 3) - 1));
    return value * (1 - saturation * (1 - ramp));
  };
  return [channel(0), channel(4), channel(2)];
}
