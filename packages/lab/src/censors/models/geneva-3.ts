// Hypothesis 3 of Geneva's lab (Bock and others, CCS 2019; censors/censor3.py of its sources, seen 2020-2023):
// as hypothesis 2, with five resets to each side.
import { PLAIN_AXES, SCAPY_WINDOW } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_3: Model = {
  name: "geneva-3",
  says: "The box follows numbers from the SYN, reads single packets, and resets both sides five times.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "next" },
    creation: { opens: "syn", syn: "reopens" },
    parser: { kind: "octets" },
    position: "on-path",
    reaction: {
      keeps: "nothing",
      sends: [
        { kind: "reset", to: "client", times: 5, ack: false, at: "start", window: SCAPY_WINDOW },
        { kind: "reset", to: "server", times: 5, ack: false, at: "start", window: SCAPY_WINDOW },
      ],
    },
  },
};
