// C12: every question for a listed name that goes to port 53 is answered by the box with an address of its own and goes
// no further; fragments are put together first. No packet technique is of use: another port or DNS over HTTPS is.
import { PLAIN_AXES } from "../axes.ts";
import type { Model } from "../axis-censor.ts";

export const DNS_HIJACK: Model = {
  name: "dns-hijack",
  says: "The box answers questions for listed names on port 53 with an address of its own.",
  axes: {
    ...PLAIN_AXES,
    state: { kind: "none" },
    parser: { kind: "messages", tlsRecords: 0, http: "no" },
    udp: { kind: "dns", port: 53, address: "10.10.34.34" },
  },
};
