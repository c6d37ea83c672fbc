// What a key does: what is seen without it, and with it.

/** Two things that were observed, and what was expected of each. */
export interface Effect {
  readonly without: unknown;
  readonly with: unknown;
}

/** An effect by the key that has it. */
export type Effects = Readonly<Record<string, () => Effect | Promise<Effect>>>;
