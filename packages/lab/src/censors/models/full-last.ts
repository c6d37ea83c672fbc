// C5 in its one reading: the stream is read again whenever octets were overwritten, so that a decoy before the real
// octets does not help. See full-valid for the other.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const FULL_LAST: Model = {
  name: "full-last",
  says: "The box reassembles the whole stream, the last copy of an octet wins, and wrong checksums are ignored.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "full", keep: "last", verdict: "every-change" },
    validation: ["checksum"],
  },
};
