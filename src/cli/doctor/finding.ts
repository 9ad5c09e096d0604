/** What a check found. */
export interface Finding {
  /** What was looked at. */
  readonly name: string;
  /** `warn`: works, but not for everything; `error`: something that EdgeFlow needs will fail. */
  readonly state: 'ok' | 'warn' | 'error';
  readonly found: string;
  /** What to do about it. */
  readonly mend?: string;
}

export const ok = (name: string, found: string): Finding => ({ name, state: 'ok', found });
export const warn = (name: string, found: string, mend: string): Finding => ({ name, state: 'warn', found, mend });
export const bad = (name: string, found: string, mend: string): Finding => ({ name, state: 'error', found, mend });
