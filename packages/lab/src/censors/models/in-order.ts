// C3: reassembly without a queue, as light inspection libraries do it (nDPI 4.2 spends 32 packets on a flow). It loses
// early segments for good and uses later ones from the octet on that it waits for.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

/** Packets with data that the box spends on one flow. */
export const IN_ORDER_PACKETS_MAX = 32;

export const IN_ORDER: Model = {
  name: "inorder",
  says: "The box reads only in order: it loses early segments, ignores repeats, and gives up after 32 packets.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "in-order", packetsMax: IN_ORDER_PACKETS_MAX },
  },
};
