// Hypothesis 1 of Geneva's lab (Bock and others, CCS 2019; censors/censor1.py of its sources, seen 2020-2023):
// a packet that starts at the next number is searched for the word; the client that is caught is cut off for good.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_1: Model = {
  name: "geneva-1",
  says: "The box follows numbers from the SYN, reads single packets, and drops everything of a caught client.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "next" },
    creation: { opens: "syn", syn: "reopens" },
    parser: { kind: "octets" },
    reaction: { keeps: "outbound", sends: [] },
    residual: { scope: "client", ms: Infinity },
  },
};
