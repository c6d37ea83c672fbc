export * from "./constants.ts";
export { NetlinkError, failureOf, type NetlinkNames } from "./failure.ts";
export * from "./message.ts";
export * from "./socket.ts";
