// Hypothesis 5 of Geneva's lab (Bock and others, CCS 2019; censors/censor5.py of its sources, seen 2020-2023):
// as hypothesis 2, with the resets to the server.
import { PLAIN_AXES, SCAPY_WINDOW } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_5: Model = {
  name: "geneva-5",
  says: "The box follows numbers from the SYN, reads single packets, and resets the server five times.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "next" },
    creation: { opens: "syn", syn: "reopens" },
    parser: { kind: "octets" },
    position: "on-path",
    reaction: {
      keeps: "nothing",
      sends: [{ kind: "reset", to: "server", times: 5, ack: false, at: "start", window: SCAPY_WINDOW }],
    },
  },
};
