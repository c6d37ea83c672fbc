// The error number of the last system call of this thread, and its name.
import { read } from "bun:ffi";
import { library } from "./library.ts";
import { libcNames } from "./libc.ts";

/** Address of this thread's errno. A module lives in one thread, so the address is asked for once. */
let location = 0;

/**
 * The errno that the calling thread's last failed C call left. Trust it only directly behind that call, before any
 * `await` and before any other call through FFI.
 */
export function errno(): number {
  if (location === 0) location = errnoAddress();
  return read.i32(location, 0);
}

function errnoAddress(): number {
  const { paths, errnoLocation } = libcNames();
  const call = library(paths, { [errnoLocation]: { args: [], returns: "ptr" } })()[errnoLocation];
  const address: unknown = call?.();
  if (address === null || address === undefined) throw new Error(`${errnoLocation}: expected an address, found none`);
  return Number(address);
}

/** Name of a Linux error number: "EPERM". A number without a name here reads "errno 999". */
export function errnoName(number: number): string {
  return LINUX_NAMES[number] ?? `errno ${number}`;
}

// asm-generic/errno-base.h and asm-generic/errno.h
const LINUX_NAMES: Readonly<Record<number, string>> = {
  0: "success",
  1: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  7: "E2BIG",
  8: "ENOEXEC",
  9: "EBADF",
  10: "ECHILD",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  14: "EFAULT",
  16: "EBUSY",
  17: "EEXIST",
  18: "EXDEV",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  25: "ENOTTY",
  26: "ETXTBSY",
  27: "EFBIG",
  28: "ENOSPC",
  29: "ESPIPE",
  30: "EROFS",
  31: "EMLINK",
  32: "EPIPE",
  33: "EDOM",
  34: "ERANGE",
  35: "EDEADLK",
  36: "ENAMETOOLONG",
  37: "ENOLCK",
  38: "ENOSYS",
  39: "ENOTEMPTY",
  40: "ELOOP",
  61: "ENODATA",
  62: "ETIME",
  71: "EPROTO",
  74: "EBADMSG",
  75: "EOVERFLOW",
  77: "EBADFD",
  84: "EILSEQ",
  88: "ENOTSOCK",
  89: "EDESTADDRREQ",
  90: "EMSGSIZE",
  91: "EPROTOTYPE",
  92: "ENOPROTOOPT",
  93: "EPROTONOSUPPORT",
  94: "ESOCKTNOSUPPORT",
  95: "EOPNOTSUPP",
  96: "EPFNOSUPPORT",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  100: "ENETDOWN",
  101: "ENETUNREACH",
  102: "ENETRESET",
  103: "ECONNABORTED",
  104: "ECONNRESET",
  105: "ENOBUFS",
  106: "EISCONN",
  107: "ENOTCONN",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  112: "EHOSTDOWN",
  113: "EHOSTUNREACH",
  114: "EALREADY",
  115: "EINPROGRESS",
  125: "ECANCELED",
};
