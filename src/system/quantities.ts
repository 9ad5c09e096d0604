const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes for people. */
export function size(bytes: number): string {
  const unit = units.findIndex((_, power) => bytes < 1024 ** (power + 1) || power === units.length - 1);
  const value = bytes / 1024 ** unit;
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ''}`;
}

/** A rate for people. */
export function perSecond(rate: number): string {
  return Number.isFinite(rate) ? `${rate < 10 ? Number(rate.toFixed(1)) : Math.round(rate)}/s` : 'any number';
}
