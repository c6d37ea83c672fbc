export { TAP_INTERFACES_MAX } from "./inbound-filter.ts";
export { openInboundTap, openQuicTap, openTransferredTap } from "./inbound-tap.ts";
export type { InboundTapOptions, QuicTap } from "./inbound-tap.ts";
export type { QuicWanted } from "./quic-filter.ts";
