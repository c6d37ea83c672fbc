// C8: the national box for TLS names (gfw-report, 2024-10): it needs the client's SYN, puts TCP segments together but
// not TLS records, and lets go of a connection at a reset (Geneva's teardown strategies of 2019 lived on it). Three
// injectors answer, told apart by flags, IPv4 identification and DF; for three minutes everything between the two hosts
// and that port is answered so.
import { PLAIN_AXES } from "../axes.ts";
import type { Forgery } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

const INJECTORS: readonly Forgery[] = (["client", "server"] as const).flatMap((to): readonly Forgery[] => [
  { kind: "reset", to, times: 1, ack: false, at: "end", id: 0, dontFragment: false },
  { kind: "reset", to, times: 3, ack: true, at: "end", id: "random" },
  { kind: "reset", to, times: 1, ack: true, at: "end", dontFragment: false },
]);

export const GFW_TLS: Model = {
  name: "gfw-tls",
  says: "The box follows connections from the SYN, joins segments, not records, and resets for three minutes.",
  axes: {
    ...PLAIN_AXES,
    position: "on-path",
    state: { kind: "full", keep: "first", verdict: "first-message" },
    creation: { opens: "syn", syn: "reopens", end: { flags: ["R", "RA"], must: "tuple", does: "forgets" } },
    parser: { kind: "messages", tlsRecords: 1, http: "no" },
    reaction: { keeps: "nothing", sends: INJECTORS },
    residual: { scope: "three-tuple", ms: 180_000 },
  },
};
