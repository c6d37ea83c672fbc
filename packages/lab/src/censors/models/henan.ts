// C7: the box of one Chinese province (gfw-report, 2024-10): no memory of connections, any port, and only packets whose
// TCP header has no options. It tells the client alone, with ten octets behind the reset.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const HENAN: Model = {
  name: "henan",
  says: "The box reads single packets without TCP options, and resets the client with ten octets of payload.",
  axes: {
    ...PLAIN_AXES,
    position: "on-path",
    state: { kind: "none" },
    parser: { kind: "messages", tlsRecords: 1, http: "no", plainHeaders: true },
    reaction: {
      keeps: "nothing",
      sends: [{ kind: "reset", to: "client", times: 1, ack: true, at: "end", payload: [1, 2, 3, 4, 5, 6, 7, 8, 9, 0] }],
    },
  },
};
