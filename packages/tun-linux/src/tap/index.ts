export { TAP_INTERFACES_MAX } from "./inbound-filter.ts";
export { openInboundTap, openTransferredTap, type InboundTapOptions } from "./inbound-tap.ts";
