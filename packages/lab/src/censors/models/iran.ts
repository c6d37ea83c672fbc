// C11: the box of Iran (Geneva's authors, FOCI 2020): on ports 53, 80 and 443 one of the first two data packets must
// look like a known protocol, and names are looked for in the first ten packets, as far as the first record goes. What
// the client sends is dropped for a minute.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const IRAN: Model = {
  name: "iran",
  says: "The box wants a known protocol on 53, 80 and 443, and reads one record from the first ten packets.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "full", keep: "first", verdict: "first-message", packetsMax: 10 },
    reaction: { keeps: "outbound", sends: [] },
    residual: { scope: "three-tuple", ms: 60_000 },
    policy: { kind: "protocols", ports: [53, 80, 443], packets: 2, ms: 60_000 },
  },
};
