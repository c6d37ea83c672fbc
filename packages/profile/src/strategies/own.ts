// Strategies without fakes. All but "default" and "none" bear names that users of turkeydpi know; there most of them
// left the host name whole, here each cuts inside it.
import type { NamedStrategy } from "./strategy-entry.ts";

const TURKEYDPI = "turkeydpi 0.2, its preset of this name, the cuts moved into the name";

export const OWN: readonly NamedStrategy[] = [
  {
    name: "default",
    version: 1,
    about: "two cuts, last piece first; no fakes",
    source: "bunnel",
    strategy: "tls: split(1, midsld) disorder  http: split(method+2, midsld) disorder",
  },
  {
    name: "turk-telekom",
    version: 1,
    about: "cuts behind two octets and in the name, in order",
    source: TURKEYDPI,
    strategy: "tls: split(2, host+2, midsld)  http: split(host+2)",
  },
  {
    name: "vodafone",
    version: 1,
    about: "cuts behind three octets and in the name, in order",
    source: TURKEYDPI,
    strategy: "tls: split(3, host+3, midsld)  http: split(host+3)",
  },
  {
    name: "superonline",
    version: 1,
    about: "cuts behind the first octet and in the name, in order",
    source: TURKEYDPI,
    strategy: "tls: split(1, host+1, midsld)  http: split(host+1)",
  },
  {
    name: "aggressive",
    version: 1,
    about: "many small pieces around and in the name, last piece first",
    source: TURKEYDPI,
    strategy:
      "tls: split(1, 3, sniext, host+1, host+3, midsld, endsld, endhost) disorder  " +
      "http: split(method+1, host, host+1, host+3, midsld, endsld, endhost) disorder",
  },
  { name: "none", version: 1, about: "leaves messages alone", source: "bunnel", strategy: "pass" },
];
