import type { Track } from '../tracks.js';
import type { ZoneEvent } from '../zones.js';

interface Settings {
  readonly dwellMs: number;
  readonly minFrames: number;
  readonly lostMs: number;
}

/** A stay in a zone. */
interface Stay {
  readonly since: number;
  told: boolean;
}

/** Frames in a row on the side of a zone where the object was not before. */
interface Change {
  readonly since: number;
  frames: number;
}

interface Visitor {
  readonly label: string;
  seen: number;
  readonly stays: Map<string, Stay>;
  readonly changes: Map<string, Change>;
}

const newcomer = (label: string): Visitor => ({ label, seen: -Infinity, stays: new Map(), changes: new Map() });

/** Who is in which zone of one source. */
export class ZoneStays {
  readonly #settings: Settings;
  readonly #visitors = new Map<number, Visitor>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The zones that an object is in. */
  zonesOf(id: number): string[] {
    return [...(this.#visitors.get(id)?.stays.keys() ?? [])];
  }

  /** Takes in where an object is. A frame that comes late changes nothing. */
  see({ id, label }: Pick<Track, 'id' | 'label'>, inside: readonly string[], time: number): ZoneEvent[] {
    const visitor: Visitor = this.#visitors.get(id) ?? newcomer(label);
    if (time <= visitor.seen) return [];
    this.#visitors.set(id, visitor);
    visitor.seen = time;
    const events: ZoneEvent[] = [];
    for (const zone of new Set([...inside, ...visitor.stays.keys(), ...visitor.changes.keys()])) {
      const stay = visitor.stays.get(zone);
      if (inside.includes(zone) === (stay !== undefined)) visitor.changes.delete(zone);
      else events.push(...this.#change(id, visitor, zone, time));
    }
    return [...events, ...this.#dwell(id, visitor, time)];
  }

  /** Objects that have not been seen for too long have left. */
  forget(time: number): ZoneEvent[] {
    const events: ZoneEvent[] = [];
    for (const [id, { seen, label, stays }] of this.#visitors) {
      if (time - seen <= this.#settings.lostMs) continue;
      this.#visitors.delete(id);
      for (const [zone, { since }] of stays) events.push({ type: 'leave', zone, id, label, time: seen, stayedMs: seen - since });
    }
    return events;
  }

  #change(id: number, { label, stays, changes }: Visitor, zone: string, time: number): ZoneEvent[] {
    const change = changes.get(zone) ?? { since: time, frames: 0 };
    changes.set(zone, change);
    if (++change.frames < this.#settings.minFrames) return [];
    changes.delete(zone);
    const stay = stays.get(zone);
    if (stay) {
      stays.delete(zone);
      return [{ type: 'leave', zone, id, label, time: change.since, stayedMs: change.since - stay.since }];
    }
    stays.set(zone, { since: change.since, told: false });
    return [{ type: 'enter', zone, id, label, time: change.since, stayedMs: 0 }];
  }

  #dwell(id: number, { label, stays }: Visitor, time: number): ZoneEvent[] {
    const events: ZoneEvent[] = [];
    for (const [zone, stay] of stays) {
      if (stay.told || time - stay.since < this.#settings.dwellMs) continue;
      stay.told = true;
      events.push({ type: 'dwell', zone, id, label, time, stayedMs: time - stay.since });
    }
    return events;
  }
}
