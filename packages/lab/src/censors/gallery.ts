// All models by their names.
import type { Censor } from "./censor.ts";
import { firstPacketCensor } from "./first-packet.ts";
import { fullCksumCensor, fullFirstCensor, fullLastCensor } from "./full.ts";
import { inorderCensor } from "./inorder.ts";
import { packetCensor } from "./packet.ts";
import { strictCensor } from "./strict.ts";
import type { StrictOptions } from "./strict.ts";

const GALLERY = {
  packet: packetCensor,
  "first-packet": firstPacketCensor,
  inorder: inorderCensor,
  "full-first": fullFirstCensor,
  "full-cksum": fullCksumCensor,
  "full-last": fullLastCensor,
  strict: strictCensor,
} satisfies Record<string, (options: StrictOptions) => Censor>;

export type CensorName = keyof typeof GALLERY;

/** From the simplest model to the one that nothing passes. */
export const CENSOR_NAMES: readonly CensorName[] = [
  "packet",
  "first-packet",
  "inorder",
  "full-first",
  "full-cksum",
  "full-last",
  "strict",
];

export function isCensorName(name: string): name is CensorName {
  return Object.hasOwn(GALLERY, name);
}

/** A new model with an empty memory. `hopsToServer` matters to strict alone. */
export function makeCensor(name: CensorName, options: StrictOptions): Censor {
  return GALLERY[name](options);
}
