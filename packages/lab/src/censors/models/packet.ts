// C1: a plain string match on single packets, as a firewall rule makes it (iptables' string match, xt_string). It reads
// any protocol, whole or in IP fragments; names that merely contain a listed one match too.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const PACKET: Model = {
  name: "packet",
  says: "The box has no memory: it looks for the name in each single packet.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "none" },
    parser: { kind: "octets" },
    reaction: { keeps: "both", sends: [] },
    udp: { kind: "octets" },
  },
};
