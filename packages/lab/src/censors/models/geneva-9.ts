// Hypothesis 9 of Geneva's lab (Bock and others, CCS 2019; censors/censor9.py of its sources, seen 2020-2023):
// single packets at the next number; a reset or FIN there does not end the watch, the next packet tells the place.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_9: Model = {
  name: "geneva-9",
  says: "The box takes its place anew from the packet after a reset or FIN, and drops everything of a caught client.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "next" },
    creation: { opens: "syn", syn: "nothing", end: { flags: ["R", "F"], must: "place", does: "moves" } },
    parser: { kind: "octets" },
    reaction: { keeps: "outbound", sends: [] },
    residual: { scope: "client", ms: Infinity },
  },
};
