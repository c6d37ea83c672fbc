// C3 as nDPI 4.2 was seen to be: a packet counts only when it begins at the very octet that is expected, so that one
// with octets before the window is lost as well. inorder fixes the other choice.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";
import { IN_ORDER_PACKETS_MAX } from "./in-order.ts";

export const IN_ORDER_EXACT: Model = {
  name: "inorder-exact",
  says: "The box reads only packets that begin at the octet that it expects, and gives up after 32 of them.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "in-order", packetsMax: IN_ORDER_PACKETS_MAX, exact: true },
  },
};
