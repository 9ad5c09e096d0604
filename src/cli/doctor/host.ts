import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { defaultDirectory, leastForVideo } from '../../brokers/embedded/directory.js';
import { size } from '../../system/quantities.js';
import { bad, ok, warn } from './finding.js';
import type { Finding } from './finding.js';

const leastNode = [20, 19] as const;
/** A bell for each topic and process, and room for others. */
const leastWatches = 8_192;
const leastInstances = 128;
/** Before this version was made: a device that starts without a clock says 1970, or the day of its image. */
const earliest = Date.UTC(2025, 0, 1);

/** Node, memory, shared memory, file watches and the clock. */
export function checkHost(): Finding[] {
  return [node(), cores(), memory(), sharedMemory(), ...watches(), clock()];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
  const found = `${process.version}, ${process.platform} ${process.arch}`;
  return fits ? ok('Node', found) : bad('Node', found, `install Node ${leastNode.join('.')} or newer`);
}

function cores(): Finding {
  const count = availableParallelism();
  const found = `${count} processor core${count === 1 ? '' : 's'}`;
  return count > 1
    ? ok('processor', found)
    : warn('processor', found, "a model and a camera share it: use isolation 'thread' or 'inline', and a small model");
}

function memory(): Finding {
  const found = `${size(freemem())} of ${size(totalmem())} free`;
  return freemem() > 256 * 1024 * 1024
    ? ok('memory', found)
    : warn('memory', found, "each node takes 60 MB and more: use isolation 'thread' or 'inline'");
}

function sharedMemory(): Finding {
  const name = 'embedded store';
  const folder = '/dev/shm';
  if (!existsSync(folder))
    return warn(name, `no ${folder}; stores lie at ${defaultDirectory('NAME', 'process')}`, 'works from there, by the speed of that disk');
  const { blocks, bavail, bsize } = statfsSync(folder);
  const found = `${folder} has ${size(bavail * bsize)} of ${size(blocks * bsize)} free`;
  if (blocks * bsize < leastForVideo)
    return warn(
      name,
      found,
      `frames go through ${defaultDirectory('NAME', 'process')} instead: give the container more, such as --shm-size=1g`,
    );
  return bavail * bsize < leastForVideo
    ? warn(name, found, '`edgeflow topics` shows what is stored; old stores there may be deleted')
    : ok(name, found);
}

function watches(): Finding[] {
  return (
    [
      ['max_user_watches', leastWatches],
      ['max_user_instances', leastInstances],
    ] as const
  ).flatMap(([setting, least]) => {
    const path = `/proc/sys/fs/inotify/${setting}`;
    if (!existsSync(path)) return [];
    const value = Number(readFileSync(path, 'utf8'));
    const name = `inotify ${setting}`;
    return value >= least
      ? ok(name, String(value))
      : warn(name, String(value), `consumers wake later without: sysctl fs.inotify.${setting}=${least}`);
  });
}

function clock(): Finding {
  const now = Date.now();
  const found = new Date(now).toISOString();
  if (now < earliest)
    return bad('clock', found, 'set the clock: ages of frames and names of files come from it (systemd-timesyncd, chrony or a clock chip)');
  const synchronised = existsSync('/run/systemd/timesync/synchronized') || existsSync('/run/chrony/chronyd.pid');
  return synchronised
    ? ok('clock', `${found}, synchronised`)
    : warn('clock', `${found}, no time service seen`, 'several devices need one clock for joinByTime: install systemd-timesyncd or chrony');
}
