export {
  TUN_DEFAULTS,
  type Backend,
  type BackendConfig,
  type BackendHandle,
  type BackendStats,
  type LiveSettings,
  type Pipeline,
  type PumpChoice,
  type TunSettings,
} from "./backend.ts";
export { CaptureFeed } from "./capture/feed.ts";
export { CAPTURE_RING_BYTES, CaptureKind, CaptureLevel, CaptureRing, type CaptureRecord } from "./capture/ring.ts";
export type { QueryFigures } from "./dns/query-answers.ts";
export type { AnswerDns, DnsQuestion, DnsServer, TakenQuery } from "./dns/taken-query.ts";
export { QueryOutlet } from "./dns/query-outlet.ts";
export { needsAnswers } from "./dns/needs-answers.ts";
export { BackendError, type BackendErrorCode } from "./errors.ts";
export { FlowKey, parseFlowKey, type FlowProtocol } from "./flow-key.ts";
export { startInlineLane } from "./inline-lane.ts";
export { INBOUND_LANE, InboundLane } from "./inbound-lane.ts";
export { LaneLoop, type LaneExtras } from "./lane-loop.ts";
export { serveLane, startLaneWorker, type LaneDevice, type LaneOpeners } from "./lane-worker.ts";
export { needsDistance } from "./needs-distance.ts";
export type { InboundParts, LaneParts, LaneReady, LaneThread, TunPlatform, Uplinks } from "./platform.ts";
export type { CarriedPackets } from "./stream/carried-outlet.ts";
export type {
  CarriedFigures,
  CarrierContext,
  DatagramCarrying,
  OpenCarrier,
  PreparedConnection,
  Reached,
  StreamCarrier,
} from "./stream/carrier.ts";
export type { TellWanted } from "./stream/lane-side.ts";
export { TunBackend } from "./tun-backend.ts";
