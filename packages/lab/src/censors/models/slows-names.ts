// What was done to Twitter in Russia in 2021 (Xue and others, IMC 2021): connections whose hello has a listed name are
// held to about 130 kbit/s, by dropping what goes beyond.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const SLOWS_NAMES: Model = {
  name: "slows-names",
  says: "The box drops what the server sends beyond 130 kbit/s on connections with listed names.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "full", keep: "first", verdict: "first-message" },
    reaction: {
      keeps: "nothing",
      sends: [],
      answer: { kind: "slows", bytesPerSecond: 16_250, bucketBytes: 6000 },
    },
  },
};
