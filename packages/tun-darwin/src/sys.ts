// The calls that only macOS has, and not every macOS.
import { library, pointer } from "@bunnel/ffi";

/** `recvmsg_x(fd, struct msghdr_x *, count, flags)`: how many packets came, or -1 and errno. */
export type ReceiveMany = (fd: number, headers: number, count: number, flags: number) => number;

/** Undefined where the library does not have the call. */
export function receiveMany(libraries: readonly string[]): ReceiveMany | undefined {
  try {
    const { recvmsg_x } = library(libraries, {
      recvmsg_x: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
    })();
    return (fd, headers, count, flags) => recvmsg_x(fd, pointer(headers), count, flags);
  } catch {
    return undefined;
  }
}
