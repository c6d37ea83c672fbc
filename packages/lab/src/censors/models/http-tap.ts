// C13: a tap beside the path that looks for `Host: name` as browsers spell it in the first packet of a flow, sends the
// client elsewhere (IPv4 identification 15 or less) and resets the server.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const HTTP_TAP: Model = {
  name: "http-tap",
  says: "The box reads Host in the first data packet as browsers spell it, redirects the client and resets the server.",
  axes: {
    ...PLAIN_AXES,
    position: "on-path",
    state: { kind: "first-data" },
    parser: { kind: "messages", tlsRecords: 0, http: "as-sent" },
    reaction: {
      keeps: "nothing",
      sends: [
        { kind: "page", id: 15 },
        { kind: "reset", to: "server", times: 1, ack: false, at: "end" },
      ],
    },
  },
};
