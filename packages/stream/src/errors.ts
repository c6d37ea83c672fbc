// What can go wrong with a relay as a whole. What goes wrong with one flow is counted, not thrown.
import { errnoName } from "@bunnel/ffi";

/** The stable codes of this package's errors. */
export type StreamErrorCode =
  /** This system has no sockets that the relay can work with. */
  | "E_STREAM_UNSUPPORTED"
  /** An option that cannot be. */
  | "E_STREAM_OPTION"
  /** The address could not be listened on. */
  | "E_STREAM_LISTEN"
  /** The system refused a descriptor or a socket option. */
  | "E_STREAM_SYSTEM";

/** Something that keeps a relay from working. */
export class StreamError extends Error {
  override readonly name = "StreamError";

  constructor(
    readonly code: StreamErrorCode,
    message: string,
    readonly errno?: number,
    options?: ErrorOptions,
  ) {
    super(errno === undefined ? message : `${message}: ${errnoName(errno)}`, options);
  }
}
