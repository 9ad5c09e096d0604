/** Numbers for people. */
export const count = (value: number): string => value.toLocaleString('en');

export function rate(value: number): string {
  return value === 0 ? '0/s' : value < 10 ? `${value.toFixed(1)}/s` : `${Math.round(value)}/s`;
}

export function milliseconds(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value < 10) return `${value.toFixed(1)} ms`;
  return value < 10_000 ? `${Math.round(value)} ms` : `${Math.round(value / 1_000)} s`;
}

export function bytes(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value < 1024) return `${value} B`;
  const units = ['KiB', 'MiB', 'GiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${units[power - 1] ?? ''}`;
}

export const percent = (share: number | undefined): string => (share === undefined ? '–' : `${Math.round(share * 100)} %`);

export const clock = (time: number): string => new Date(time).toLocaleTimeString('en-GB');
