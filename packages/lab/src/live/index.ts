export {
  ALLOWED_NAME,
  BLOCKED_NAME,
  CLIENT_ADDRESS,
  type Family,
  SERVER_ADDRESSES_MAX,
  serverAddress,
} from "./address-plan.ts";
export { browserCommand, type BrowserOrder, findBrowser } from "./browser.ts";
export { contentBlocks, contentDigest } from "./body.ts";
export type { ClientCalls, Scheme } from "./client-child.ts";
export { type Certificate, makeCertificate } from "./certificate.ts";
export { LabError, type LabErrorCode } from "./errors.ts";
export { type HopLimits } from "./hop-limits.ts";
export { LabHost, type PipedProcess, type RunOptions, type RunResult, type SpawnOptions } from "./host.ts";
export { findLevel, type LevelFinding, USER_NAMESPACE_COMMAND } from "./level.ts";
export { LiveLab, type LiveLabOptions } from "./live-lab.ts";
export type { Outcome, WebOutcome } from "./outcome.ts";
export { DNS_PORT, ECHO_PORT, HTTP_PORT, HTTPS_PORT } from "./ports.ts";
export { type ChildRole, runChild } from "./run-child.ts";
export type { DigestAnswer, WhoAnswer } from "./server-child.ts";
export { Service, type ServiceOrder, type ServiceReport } from "./service.ts";
export type { WatchCounts } from "./watch.ts";
export type { FetchOrder } from "./web-client.ts";
