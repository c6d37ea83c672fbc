// C14: a tap that puts the stream together and resets the server at the end of the packet in which it saw the name
// become whole. Where that packet is not the last of the message, the number is one that the server does not take. (A
// reset to the client would always have the right number: a client's packets all acknowledge the same. It is left out.)
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const RST_TAP: Model = {
  name: "rst-tap",
  says: "The box reassembles beside the path and resets the server at the end of the packet that it saw last.",
  axes: {
    ...PLAIN_AXES,
    position: "on-path",
    state: { kind: "full", keep: "first", verdict: "first-message" },
    parser: { kind: "messages", tlsRecords: 2, http: "any-case" },
    reaction: { keeps: "nothing", sends: [{ kind: "reset", to: "server", times: 1, ack: false, at: "end" }] },
  },
};
