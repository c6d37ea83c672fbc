// The catalogue of strategies by name, as data. `own` has those without fakes: all but "default" and "none" bear names
// that users of turkeydpi know; there most of them left the host name whole, here each cuts inside it. `zapret` has
// strategies of zapret and of the collections that are made for it, `others` those of the other programs, as far as
// packets can carry them; decoys bear names that the boxes let through: that is what they are for.
import others from "./others.json" with { type: "json" };
import own from "./own.json" with { type: "json" };
import type { NamedStrategy } from "./strategy-entry.ts";
import zapret from "./zapret.json" with { type: "json" };

export const OWN: readonly NamedStrategy[] = own;
export const ZAPRET: readonly NamedStrategy[] = zapret;
export const OTHERS: readonly NamedStrategy[] = others;
