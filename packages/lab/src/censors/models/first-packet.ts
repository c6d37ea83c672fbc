// C2: a parser that is shown the first data packet of a flow and no other. Sequence number, checksum and hop limit do
// not matter to it.
import { PLAIN_AXES, RESET_BOTH } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const FIRST_PACKET: Model = {
  name: "first-packet",
  says: "The box decides on the first packet with data and never looks at a later one of the flow.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "first-data" },
    reaction: { keeps: "both", sends: RESET_BOTH },
  },
};
