// Hypothesis 11 of Geneva's lab (Bock and others, CCS 2019; censors/censor11.py of its sources, seen 2020-2023):
// as hypothesis 10, but a bare ACK elsewhere moves the place too, and resets and FINs may have the ACK flag.
import { PLAIN_AXES, SCAPY_WINDOW } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GENEVA_11: Model = {
  name: "geneva-11",
  says: "The box ignores wrong checksums, takes its place from SYN and bare ACK, and resets both sides five times.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "next" },
    creation: {
      opens: "syn",
      syn: "reopens",
      ack: "moves-when-elsewhere",
      end: { flags: ["R", "RA", "F", "FA"], must: "place", does: "skips" },
    },
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
