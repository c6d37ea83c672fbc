// What a route tells the transport protocols. Source: linux/rtnetlink.h RTAX_*.
import { parseAttributes, type NetlinkMessage } from "../netlink/index.ts";
import { checkNumber, U32_MAX } from "./check.ts";
import { textOf, u32Of, type Attributes } from "./octets.ts";

const RTAX_LOCK = 1;
const RTAX_FEATURES = 12;
const RTAX_QUICKACK = 15;
const RTAX_CC_ALGO = 16;
const RTAX_FEATURE_ECN = 1;

/** What is left out, the system decides. */
export interface RouteMetrics {
  readonly mtuBytes?: number;
  /** The MTU stays as it is, whatever routers report on the way. */
  readonly mtuLocked?: boolean;
  /** The largest TCP segment that is asked for, without headers. */
  readonly advertisedMssBytes?: number;
  readonly hopLimit?: number;
  /** Upper limit of the TCP window. */
  readonly windowBytes?: number;
  /** First congestion window and first advertised window, in segments. */
  readonly initialCongestionWindow?: number;
  readonly initialReceiveWindow?: number;
  /** Lower limit of the TCP retransmission time. */
  readonly rtoMinMs?: number;
  readonly quickAck?: boolean;
  readonly ecn?: boolean;
  /** Name of the congestion control: "cubic", "bbr". */
  readonly congestionControl?: string;
}

type NumberMetric = {
  [K in keyof RouteMetrics]-?: number extends RouteMetrics[K] ? K : never;
}[keyof RouteMetrics];

const NUMBERS: readonly (readonly [metric: NumberMetric, type: number])[] = [
  ["mtuBytes", 2],
  ["windowBytes", 3],
  ["advertisedMssBytes", 8],
  ["hopLimit", 10],
  ["initialCongestionWindow", 11],
  ["rtoMinMs", 13],
  ["initialReceiveWindow", 14],
];
const LOCK_MTU = 1 << 2;

/** @throws DeviceError E_DEVICE_OPTION for numbers that cannot be */
export function fillMetrics(message: NetlinkMessage, metrics: RouteMetrics): void {
  for (const [metric, type] of NUMBERS) {
    const value = metrics[metric];
    if (value !== undefined) message.u32(type, checkNumber(metric, value, U32_MAX));
  }
  if (metrics.mtuLocked) message.u32(RTAX_LOCK, LOCK_MTU);
  if (metrics.quickAck !== undefined) message.u32(RTAX_QUICKACK, metrics.quickAck ? 1 : 0);
  if (metrics.ecn) message.u32(RTAX_FEATURES, RTAX_FEATURE_ECN);
  if (metrics.congestionControl !== undefined) message.string(RTAX_CC_ALGO, metrics.congestionControl);
}

/** Undefined when there is nothing to tell. */
export function parseMetrics(octets: Uint8Array | undefined): RouteMetrics | undefined {
  if (!octets) return undefined;
  const attributes: Attributes = parseAttributes(octets);
  const metrics: { -readonly [K in keyof RouteMetrics]: RouteMetrics[K] } = {};
  for (const [metric, type] of NUMBERS) {
    const value = u32Of(attributes, type);
    // 0 is how a lookup tells that nothing was set.
    if (value !== undefined && value !== 0) metrics[metric] = value;
  }
  if ((u32Of(attributes, RTAX_LOCK) ?? 0) & LOCK_MTU) metrics.mtuLocked = true;
  const quickAck = u32Of(attributes, RTAX_QUICKACK);
  if (quickAck !== undefined) metrics.quickAck = quickAck !== 0;
  if ((u32Of(attributes, RTAX_FEATURES) ?? 0) & RTAX_FEATURE_ECN) metrics.ecn = true;
  const congestionControl = textOf(attributes, RTAX_CC_ALGO);
  if (congestionControl !== undefined) metrics.congestionControl = congestionControl;
  return Object.keys(metrics).length === 0 ? undefined : metrics;
}
