// C9: the national box for QUIC names (gfw-report, USENIX Security 2025): the first datagram of a flow, version 1, one
// whole Initial with one CRYPTO frame, and only where the client's port is the greater one. The datagram itself passes;
// for three minutes those that follow to the same address and port do not.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const GFW_QUIC: Model = {
  name: "gfw-quic",
  says: "The box opens the first datagram of a flow, and keeps what follows it from the server for three minutes.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "none" },
    parser: { kind: "messages", tlsRecords: 0, http: "no" },
    udp: { kind: "quic", fromGreaterPort: true, flowMs: 60_000, residualMs: 180_000 },
  },
};
