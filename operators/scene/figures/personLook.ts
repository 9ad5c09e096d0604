import type { Colour } from '../canvas.js';
import type { Random } from '../random.js';
import { hair, paint, skin } from './palette.js';
import { tone } from './pen.js';

/** What one person looks like; lengths in metres. */
export interface PersonLook {
  readonly height: number;
  readonly build: number;
  readonly skin: Colour;
  readonly hair: Colour;
  readonly shirt: Colour;
  readonly trousers: Colour;
  readonly shoes: Colour;
  readonly longHair: boolean;
  readonly bareArms: boolean;
  readonly skirt: boolean;
  readonly hat: Colour | undefined;
  readonly bag: Colour | undefined;
}

export function personLook(random: Random): PersonLook {
  return {
    height: random.chance(0.12) ? random.between(1.15, 1.45) : random.between(1.55, 1.92),
    build: random.between(0.85, 1.25),
    skin: skin(random),
    hair: hair(random),
    shirt: paint(random),
    trousers: tone(paint(random), 0.75),
    shoes: tone(paint(random), 0.5),
    longHair: random.chance(0.4),
    bareArms: random.chance(0.4),
    skirt: random.chance(0.2),
    hat: random.chance(0.2) ? paint(random) : undefined,
    bag: random.chance(0.3) ? paint(random) : undefined,
  };
}
