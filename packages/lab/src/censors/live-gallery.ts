// Boxes for a live lab: the gallery, and those that show themselves only in long answers of real servers.
import { makeBox, type Model } from "./axis-censor.ts";
import type { Censor, CensorOptions } from "./censor.ts";
import { type CensorName, galleryEntry, isCensorName } from "./gallery.ts";
import { FREEZES_NAMES } from "./models/freezes-names.ts";
import { SLOWS_NAMES } from "./models/slows-names.ts";

const LONG = { "freezes-names": FREEZES_NAMES, "slows-names": SLOWS_NAMES } as const satisfies Record<string, Model>;

/** A model of the gallery, or one of those that hold back answers. */
export type LiveCensorName = CensorName | keyof typeof LONG;

/** Those that hold back answers. */
export const LONG_ANSWER_NAMES = Object.keys(LONG) as readonly (keyof typeof LONG)[];

/** What it is. */
export function liveModel(name: LiveCensorName): Model {
  return isCensorName(name) ? galleryEntry(name).model : LONG[name];
}

/** A new one with an empty memory. */
export function makeLiveCensor(name: LiveCensorName, options: CensorOptions): Censor {
  return makeBox(liveModel(name), options);
}
