// What users of content networks report from Russian providers since 2025-06 (net4people#490): the handshake is
// answered, and behind 16 to 20 KB of the server nothing comes any more. This one does it to listed names alone.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const FREEZES_NAMES: Model = {
  name: "freezes-names",
  says: "The box lets connections with listed names stand still after 16 KiB of the server.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "full", keep: "first", verdict: "first-message" },
    reaction: { keeps: "nothing", sends: [], answer: { kind: "freezes", afterBytes: 16_384 } },
  },
};
