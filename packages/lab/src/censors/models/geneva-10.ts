// Hypothesis 10 of Geneva's lab (Bock and others, CCS 2019; censors/censor10.py of its sources, seen 2020-2023):
// as hypothesis 9 for many connections, with checksums; the packet that tells the place anew is not read.
import { PLAIN_AXES, SCAPY_WINDOW } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_10: Model = {
  name: "geneva-10",
  says: "The box ignores wrong checksums, skips one packet after a reset, and resets both sides five times.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "next" },
    creation: { opens: "syn", syn: "reopens", end: { flags: ["R", "F"], must: "place", does: "skips" } },
    validation: ["checksum"],
    parser: { kind: "octets" },
    position: "on-path",
    reaction: {
      keeps: "nothing",
      sends: [
        { kind: "reset", to: "client", times: 5, ack: false, at: "start", window: SCAPY_WINDOW },
        { kind: "reset", to: "server", times: 5, ack: false, at: "start", window: SCAPY_WINDOW },
      ],
    },
    residual: { scope: "hosts", ms: Infinity },
  },
};
