export type { DnsBackend, DnsOptions } from "./dns-options.ts";
export { recoverDns, setLinkDns, type LinkDnsHold } from "./link-dns.ts";
export type { LinkDns } from "./settings.ts";
