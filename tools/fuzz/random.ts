// Choices from a seeded source.
import { SeededRandom } from "@bunnel/lab";

export class Chance {
  readonly #random: SeededRandom;
  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** A whole number from 0 up to `count` (not included); 0 when there is nothing to choose from. */
  below(count: number): number {
    const next = this.#random.next();
    return count > 0 ? next % count : 0;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** @throws RangeError when the list is empty */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("choice: expected a list with items, found an empty one");
    return item;
  }
}
