// C4: reassembly with a queue that believes whatever comes first. Octets outside of the stream's start are of no use to
// it, so a decoy with a number far from the window does not help; two TLS records are read as one.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const FULL_FIRST: Model = {
  name: "full-first",
  says: "The box reassembles the whole stream, the first copy of an octet wins, and it validates nothing.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "full", keep: "first", verdict: "every-change" },
    parser: { kind: "messages", tlsRecords: 2, http: "any-case" },
  },
};
