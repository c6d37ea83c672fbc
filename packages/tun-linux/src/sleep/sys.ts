// Signals to one thread of this process: signal.h, bits/types/struct_sigaction.h, asm-generic/unistd.h.
import { read } from "bun:ffi";
import { addressOf, library, libcNames, pointer } from "@bunnel/ffi";

const { paths } = libcNames("linux");

const libc = library(paths, {
  sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  abs: { args: ["i32"], returns: "i32" },
});

/** syscall(2) with the arguments of gettid(2), which takes none, and tgkill(2). Old C libraries have neither. */
const calling = library(paths, {
  syscall: { args: ["i32", "i32", "i32", "i32"], returns: "i32" },
});

const SYS_GETTID = process.arch === "arm64" ? 178 : 186;
const SYS_TGKILL = process.arch === "arm64" ? 131 : 234;

/** The number of the calling thread. */
export function threadId(): number {
  return calling().syscall(SYS_GETTID, 0, 0, 0);
}

/** A signal to one thread of this process. Nothing happens where it has ended. */
export function signalThread(thread: number, signal: number): void {
  calling().syscall(SYS_TGKILL, process.pid, thread, signal);
}

/** Real-time signals that are tried. Debuggers like the last, C libraries keep the first for themselves. */
const SIGNAL_LAST = 62;
const SIGNAL_FIRST = 40;
const SIG_DFL = 0;
/** handler u64 | mask 128 | flags i32 | restorer u64; of the kernel's sixteen octets of mask we set none. */
const SIGACTION_BYTES = 152;

/**
 * A signal that does nothing but end a system call, for the whole process: no SA_RESTART, and a handler that returns
 * at once. 0: each that was tried has another use already. Asked again, it answers the same.
 */
export function claimSignal(): number {
  const handler = harmlessHandler();
  for (let signal = SIGNAL_LAST; handler !== SIG_DFL && signal >= SIGNAL_FIRST; signal--) {
    const found = handlerOf(signal);
    if (found === handler || (found === SIG_DFL && handle(signal, handler))) return signal;
  }
  return 0;
}

/**
 * abs(3) takes the number of a signal, touches nothing and comes back: a handler that needs no compiler, and no
 * JavaScript, which must not run in the middle of anything. 0 where its address is not told.
 */
function harmlessHandler(): number {
  const { ptr: address } = libc().abs as unknown as { readonly ptr?: unknown };
  return typeof address === "number" ? address : SIG_DFL;
}

/** SIG_DFL, SIG_IGN or an address; -1: there is no such signal. */
function handlerOf(signal: number): number {
  const found = new Uint8Array(SIGACTION_BYTES);
  const at = addressOf(found);
  if (libc().sigaction(signal, pointer(SIG_DFL), pointer(at)) !== 0) return -1;
  // By its address: the compiler does not know that the call has written it.
  const handler = read.ptr(pointer(at), 0);
  return found.length === SIGACTION_BYTES ? handler : -1;
}

function handle(signal: number, handler: number): boolean {
  const action = new BigUint64Array(SIGACTION_BYTES / 8);
  action[0] = BigInt(handler);
  return libc().sigaction(signal, pointer(addressOf(action)), pointer(SIG_DFL)) === 0 && action.length > 0;
}
