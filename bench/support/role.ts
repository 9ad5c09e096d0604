/** What a process of a pair is told, and what it answers. Plain data. */
export interface Protocol {
  readonly setup: unknown;
  readonly phase: unknown;
  readonly result: unknown;
}

/** What one process of a pair can do, after it has prepared itself. */
export interface Role<P extends Protocol> {
  run(phase: P['phase']): Promise<P['result']>;
  close(): Promise<void>;
}

/** What the bench tells a process of a pair. */
export type Order<Setup, Phase> = { readonly setup: Setup } | { readonly phase: Phase } | { readonly end: true };

/** What the process answers to each order. */
export type Answer<Result> = { readonly ready: true } | { readonly result: Result } | { readonly failed: string };

/** Makes this process one half of a pair: it prepares itself, runs phases as it is told, and ends. See `startPair`. */
export function playRole<P extends Protocol>(prepare: (setup: P['setup']) => Promise<Role<P>>): void {
  let role: Role<P> | undefined;
  const answer = (message: Answer<P['result']>): void => void process.send?.(message);
  const obey = async (order: Order<P['setup'], P['phase']>): Promise<void> => {
    if ('setup' in order) {
      role = await prepare(order.setup);
      answer({ ready: true });
    } else if ('phase' in order) {
      if (!role) throw new Error('told to run before it was set up');
      answer({ result: await role.run(order.phase) });
    } else {
      await role?.close();
      process.disconnect();
    }
  };
  process.on('message', (order: Order<P['setup'], P['phase']>) => {
    obey(order).catch((error: unknown) => {
      answer({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    });
  });
}
