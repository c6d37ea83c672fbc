// C5: what the server would discard for its checksum, time stamp, acknowledgement or place is discarded; hop limits
// and options are not looked at. The verdict falls on the first whole message, so that a decoy before the real octets
// counts although the last copy wins; full-last fixes the other choice.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const FULL_VALID: Model = {
  name: "full-valid",
  says: "The box reassembles, the last copy wins, and it discards what fails checksum, window, ACK or time stamp.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "full", keep: "last", verdict: "first-message" },
    validation: ["checksum", "window", "ack", "timestamps"],
  },
};
