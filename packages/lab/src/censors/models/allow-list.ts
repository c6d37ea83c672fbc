// A box that knows what is good, not what is bad: names that nobody allowed are blocked, and so is what begins like no
// protocol that it knows.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const ALLOW_LIST: Model = {
  name: "allow-list",
  says: "The box lets through listed good names alone, and nothing that looks unknown.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "full", keep: "first", verdict: "first-message" },
    policy: { kind: "allow-list" },
  },
};
