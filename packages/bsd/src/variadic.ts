// `ioctl` and `fcntl` are variadic. Apple's arm64 convention puts every variadic argument on the stack, in slots of
// eight octets, where other systems use the registers as for any argument; bun:ffi cannot declare a function variadic.
//
//   registers x0–x7:  fixed arguments, then zeros until all eight are taken      stack:  the argument
//
// So the declaration for that machine has eight arguments before the one that counts. All of them are eight octets
// wide, because the packing of smaller ones on the stack is not the same everywhere.
import { DeviceError } from "@bunnel/device";
import { library, pointer } from "@bunnel/ffi";
import type { Convention } from "./system.ts";

export interface VariadicCalls {
  readonly convention: Convention;
  /** With the address of the argument; -1 and errno. */
  ioctl(fd: number, request: number, address: number): number;
  /** With a number as the argument; -1 and errno. */
  fcntl(fd: number, command: number, value: number): number;
}

/** What a probe needs besides. */
export interface ProbeCalls {
  pipe(): readonly [number, number] | undefined;
  close(fd: number): void;
}

/** sys/fcntl.h */
const F_GETFL = 3;
const F_SETFL = 4;

/**
 * The first convention by which a flag of a descriptor can be set and cleared. A single one is taken as it is.
 * @throws DeviceError E_DEVICE_SYSTEM when none works
 */
export function chooseVariadic(
  conventions: readonly Convention[],
  libraries: readonly string[],
  nonBlock: number,
  calls: ProbeCalls,
): VariadicCalls {
  const [only, ...others] = conventions;
  if (only !== undefined && others.length === 0) return variadicCalls(only, libraries);
  for (const convention of conventions) {
    const candidate = callsIfThere(convention, libraries);
    if (candidate && works(candidate, nonBlock, calls)) return candidate;
  }
  const expected = `expected one of ${conventions.join(", ")} to work`;
  throw new DeviceError("E_DEVICE_SYSTEM", `calling fcntl: ${expected}, found none`);
}

function callsIfThere(convention: Convention, libraries: readonly string[]): VariadicCalls | undefined {
  try {
    return variadicCalls(convention, libraries);
  } catch {
    return undefined;
  }
}

/** A wrong convention passes whatever lies on the stack, which a flag of a fresh pipe bears. */
function works(candidate: VariadicCalls, nonBlock: number, calls: ProbeCalls): boolean {
  const pipe = calls.pipe();
  if (!pipe) return false;
  const [fd] = pipe;
  const takes = (flags: number) =>
    candidate.fcntl(fd, F_SETFL, flags) === 0 && (candidate.fcntl(fd, F_GETFL, 0) & nonBlock) === flags;
  const isRight = takes(nonBlock) && takes(0);
  for (const end of pipe) calls.close(end);
  return isRight;
}

/** The two calls by one convention. @throws Error when the library does not have them */
export function variadicCalls(convention: Convention, libraries: readonly string[]): VariadicCalls {
  if (convention === "padded") return paddedCalls(libraries);
  return convention === "stubs" ? stubCalls(libraries) : plainCalls(libraries);
}

function plainCalls(libraries: readonly string[]): VariadicCalls {
  const { ioctl, fcntl } = library(libraries, {
    ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
  })();
  return {
    convention: "plain",
    ioctl: (fd, request, address) => ioctl(fd, request, pointer(address)),
    fcntl: (fd, command, value) => fcntl(fd, command, value),
  };
}

function paddedCalls(libraries: readonly string[]): VariadicCalls {
  const { ioctl, fcntl } = library(libraries, {
    ioctl: { args: ["i32", "u64", "u64", "u64", "u64", "u64", "u64", "u64", "ptr"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "u64", "u64", "u64", "u64", "u64", "u64", "i64"], returns: "i32" },
  })();
  return {
    convention: "padded",
    ioctl: (fd, request, address) => ioctl(fd, request, 0, 0, 0, 0, 0, 0, pointer(address)),
    fcntl: (fd, command, value) => fcntl(fd, command, 0, 0, 0, 0, 0, 0, value),
  };
}

/** bsd/sys libsyscall: `__ioctl(int, unsigned long, void *)`, `__fcntl(int, int, void *)`. */
function stubCalls(libraries: readonly string[]): VariadicCalls {
  const { __ioctl, __fcntl } = library(libraries, {
    __ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
    __fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
  })();
  return {
    convention: "stubs",
    ioctl: (fd, request, address) => __ioctl(fd, request, pointer(address)),
    fcntl: (fd, command, value) => __fcntl(fd, command, value),
  };
}
