// Hypothesis 2 of Geneva's lab (Bock and others, CCS 2019; censors/censor2.py of its sources, seen 2020-2023):
// as hypothesis 1, but beside the path: five resets to the client.
import { PLAIN_AXES, SCAPY_WINDOW } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_2: Model = {
  name: "geneva-2",
  says: "The box follows numbers from the SYN, reads single packets, and resets the client five times.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "next" },
    creation: { opens: "syn", syn: "reopens" },
    parser: { kind: "octets" },
    position: "on-path",
    reaction: {
      keeps: "nothing",
      sends: [{ kind: "reset", to: "client", times: 5, ack: false, at: "start", window: SCAPY_WINDOW }],
    },
  },
};
