/** Whether the user has given V8 a flag of some kind: who does so knows what it shall do. */
export function hasOwnFlag(kind: RegExp): boolean {
  return kind.test([...process.execArgv, process.env.NODE_OPTIONS].join(' '));
}
