// C6: a box that emulates the server. It is the honest negative control: nothing that leaves the endpoint with the real
// name may pass it, so a technique that does is broken, or the model is.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const STRICT: Model = {
  name: "strict",
  says: "The box knows how far the server is and reads exactly what the server will read.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "server" },
    creation: { opens: "any", syn: "reopens-when-answered" },
    validation: ["hops", "fragments", "checksum"],
    parser: { kind: "messages", tlsRecords: 16, http: "any-case" },
  },
};
