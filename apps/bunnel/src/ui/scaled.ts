// A figure and the letter behind it, for pages and terminals alike.
const UNITS = ["", "K", "M", "G", "T"] as const;

export interface Scaled {
  /** Below 1000, as far as there are units. */
  readonly amount: number;
  readonly unit: (typeof UNITS)[number];
}

/** In the unit in which it has at most three digits before the point. */
export function scaled(value: number): Scaled {
  let amount = value;
  let unit = 0;
  while (amount >= 999.5 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit++;
  }
  return { amount, unit: UNITS[unit] ?? "" };
}
