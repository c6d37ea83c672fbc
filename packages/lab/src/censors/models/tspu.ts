// C10: the box in the path of Russian providers. It believes the first hello that it can read, and answers by silence;
// a connection that begins with something that it does not know stands still after 16 KiB of the server (all networks
// are listed ones here), and a hello outside of the window ends the connection at once (reported since 2025-12).
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const TSPU: Model = {
  name: "tspu",
  says: "The box believes the first hello, drops listed names, and freezes what it does not know after 16 KiB.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "full", keep: "first", verdict: "first-message" },
    parser: { kind: "messages", tlsRecords: 2, http: "any-case" },
    validation: ["fragments"],
    policy: { kind: "freeze", afterBytes: 16_384 },
    bansStrayHellos: true,
  },
};
