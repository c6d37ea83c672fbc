// C4 with one validation: what the server would discard for its checksum is discarded here too.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const FULL_CKSUM: Model = {
  name: "full-cksum",
  says: "The box reassembles the whole stream, the first copy of an octet wins, and wrong checksums are ignored.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "full", keep: "first", verdict: "every-change" },
    validation: ["checksum"],
    parser: { kind: "messages", tlsRecords: 2, http: "any-case" },
  },
};
