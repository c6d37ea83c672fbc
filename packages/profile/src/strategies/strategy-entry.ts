// What stands in the catalogue of strategies by name.

/** A strategy by name: data in the notation, so that it changes without the program. */
export interface NamedStrategy {
  readonly name: string;
  /** Grows with every change of the strategy under this name. */
  readonly version: number;
  /** One line for people: what it does, and for what. */
  readonly about: string;
  /** Where it comes from. */
  readonly source: string;
  /** In canonical notation. */
  readonly strategy: string;
  /** What its source has besides and this does not: packets cannot carry it, or the notation has no word for it. */
  readonly leftOut?: string;
}
