// Hypothesis 8b of Geneva's lab (Bock and others, CCS 2019; censors/censor8b.py of its sources, seen 2020-2023):
// many connections, single packets at the next number, a reset there ends the watch; both hosts stay caught.
import { PLAIN_AXES, SCAPY_WINDOW } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_8B: Model = {
  name: "geneva-8b",
  says: "The box follows numbers from the SYN until a reset with the next number, and resets both sides five times.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "next" },
    creation: { opens: "syn", syn: "reopens", end: { flags: ["R", "RA"], must: "place", does: "forgets" } },
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
