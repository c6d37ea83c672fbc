// Hypothesis 4 of Geneva's lab (Bock and others, CCS 2019; censors/censor4.py of its sources, seen 2020-2023):
// as hypothesis 1, but a bare ACK moves the place as well.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_4: Model = {
  name: "geneva-4",
  says: "The box takes its place from every SYN and bare ACK, reads single packets, and drops a caught client.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "next" },
    creation: { opens: "syn", syn: "reopens", ack: "moves" },
    parser: { kind: "octets" },
    reaction: { keeps: "outbound", sends: [] },
    residual: { scope: "client", ms: Infinity },
  },
};
