// What program and service say to each other: JSON, one value a line, each with the version of this protocol.
//
//   request       {"version":1,"id":7,"command":"flows","arguments":{"limit":100}}
//   answer        {"version":1,"id":7,"ok":true,"result":…}   or   {"version":1,"id":7,"ok":false,"code":…,"error":…}
//   notification  {"version":1,"event":"stats","data":…}      to clients that asked for it with "watch"
import * as v from "valibot";

export const CONTROL_VERSION = 1;
/** Longest request in UTF-16 units; what is longer ends the connection. */
export const REQUEST_MAX = 1024 * 1024;
/** Clients at a time; one more is told so and sent away. */
export const CLIENTS_MAX = 16;
/** Requests of one client: so many at once, and so many a second after that. */
export const REQUESTS_BURST = 200;
export const REQUESTS_A_SECOND = 100;
/** A client that says nothing for so long, and watches nothing, is sent away. */
export const IDLE_MS = 30_000;
/** How long a client waits for an answer. */
export const ANSWER_MS = 10_000;
/** What a client that does not read may let pile up before it is sent away. */
export const UNREAD_MAX_BYTES = 4 * 1024 * 1024;

/** What happens to a service, told to those who watch. */
export const EVENTS = ["state", "stats", "reload", "error", "messages", "packets"] as const;
export type ControlEvent = (typeof EVENTS)[number];
/** What a client hears that names no events: not the copies of packets, which cost the service something. */
export const PLAIN_EVENTS: readonly ControlEvent[] = ["state", "stats", "reload", "error"];

export type ControlErrorCode =
  /** A line that is no request of this version. */
  | "E_REQUEST"
  /** A command that does not exist. */
  | "E_COMMAND"
  /** Arguments that the command does not take. */
  | "E_ARGUMENTS"
  /** Too many requests in a short time, or too many clients. */
  | "E_BUSY"
  /** The command was understood and could not be carried out. */
  | "E_FAILED"
  /** A service may answer there, and this user may not ask it. Said by the program, not by the service. */
  | "E_DENIED";

/** Why a request was refused; both sides throw it. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  constructor(
    readonly code: ControlErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const id = v.optional(v.pipe(v.number(), v.integer()));

export const requestSchema = v.strictObject({
  version: v.literal(CONTROL_VERSION),
  id,
  command: v.pipe(v.string(), v.maxLength(40)),
  arguments: v.optional(v.record(v.string(), v.unknown()), {}),
});
export type ControlRequest = v.InferOutput<typeof requestSchema>;

const answerSchema = v.variant("ok", [
  v.object({ version: v.number(), id, ok: v.literal(true), result: v.unknown() }),
  v.object({ version: v.number(), id, ok: v.literal(false), code: v.string(), error: v.string() }),
]);
const notificationSchema = v.object({ version: v.number(), event: v.picklist(EVENTS), data: v.unknown() });
/** What a client reads. */
export const saidSchema = v.union([answerSchema, notificationSchema]);
export type ControlSaid = v.InferOutput<typeof saidSchema>;

/** One value as a line. */
export function lineOf(value: object): string {
  return `${JSON.stringify({ version: CONTROL_VERSION, ...value })}\n`;
}
