// The one place of this package that calls C. Numbers cross this edge; errors are made above it.
import { read } from "bun:ffi";
import { DeviceError } from "@bunnel/device";
import { addressOf, cString, library, pointer, type Symbols } from "@bunnel/ffi";
import { EINTR, ENOMEM } from "./errors.ts";
import type { Convention, Environment } from "./system.ts";
import { chooseVariadic, type VariadicCalls } from "./variadic.ts";

const DECLARATIONS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  // Variadic, but the mode is read only when a file is made.
  open: { args: ["cstring", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "i32"], returns: "i32" },
  write: { args: ["i32", "ptr", "i32"], returns: "i32" },
  readv: { args: ["i32", "ptr", "i32"], returns: "i32" },
  writev: { args: ["i32", "ptr", "i32"], returns: "i32" },
  poll: { args: ["ptr", "u32", "i32"], returns: "i32" },
  pipe: { args: ["ptr"], returns: "i32" },
  if_nametoindex: { args: ["cstring"], returns: "u32" },
  sysctl: { args: ["ptr", "u32", "ptr", "ptr", "ptr", "u64"], returns: "i32" },
} as const;

type Libc = Symbols<typeof DECLARATIONS>;

/** sys/fcntl.h, the same on macOS and every BSD. */
const O_RDWR = 2;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;

/** An EINTR says only that a signal came; the call is made again this often before the caller hears of it. */
export const EINTR_RETRIES_MAX = 64;

/** sys/sysctl.h, sys/socket.h */
const CTL_NET = 4;
/** The list may grow between the two calls. */
const SYSCTL_TRIES_MAX = 8;
const SYSCTL_SPARE_BYTES = 4096;

/** The system's calls, with its library opened. Descriptors are -1 for a failure; other calls give 0 or the errno. */
export class Calls {
  readonly #libc: Libc;
  readonly #variadic: VariadicCalls;
  /** Where the calling thread's errno lies. */
  readonly #errnoAddress: number;

  /**
   * @throws DeviceError E_DEVICE_MISSING when the library, or a function in it, is not there, E_DEVICE_SYSTEM when its
   * variadic functions cannot be called
   */
  constructor(readonly environment: Environment) {
    const { system, libraries = system.libraries, arch = process.arch } = environment;
    const libc = openLibrary(system.platform, () => library(libraries, DECLARATIONS)());
    const { errnoLocation } = system;
    const errno = openLibrary(system.platform, () =>
      library(libraries, { [errnoLocation]: { args: [], returns: "ptr" } })(),
    );
    this.#libc = libc;
    this.#errnoAddress = Number(errno[errnoLocation]?.());
    const conventions = system.conventions[arch] ?? ["plain"];
    this.#variadic = chooseVariadic(conventions, libraries, system.O_NONBLOCK, {
      pipe: () => this.#pipeEnds(),
      close: (fd) => this.close(fd),
    });
  }

  /** How variadic functions are called here. */
  get convention(): Convention {
    return this.#variadic.convention;
  }

  /** The calling thread's errno; trust it only directly behind a failed call. */
  errno(): number {
    return read.i32(this.#errnoAddress, 0);
  }

  socket(family: number, type: number, protocol: number): number {
    const fd = this.#libc.socket(family, type, protocol);
    if (fd >= 0) this.closeOnExec(fd);
    return fd;
  }

  /** For reading and writing; non-blocking, or -1 and errno. */
  open(path: string): number {
    const { O_NONBLOCK, O_CLOEXEC } = this.environment.system;
    return this.again(() => this.#libc.open(cString(path), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }

  close(fd: number): void {
    this.#libc.close(fd);
  }

  closeOnExec(fd: number): number {
    return this.#variadic.fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? this.errno() : 0;
  }

  /** Whether calls on a descriptor come back at once; undefined: it is none. */
  isNonBlocking(fd: number): boolean | undefined {
    const flags = this.#variadic.fcntl(fd, F_GETFL, 0);
    return flags < 0 ? undefined : (flags & this.environment.system.O_NONBLOCK) !== 0;
  }

  setNonBlocking(fd: number, isOn: boolean): number {
    const { O_NONBLOCK } = this.environment.system;
    const flags = this.#variadic.fcntl(fd, F_GETFL, 0);
    if (flags < 0) return this.errno();
    return this.#variadic.fcntl(fd, F_SETFL, isOn ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0 ? this.errno() : 0;
  }

  /** An ioctl whose argument is memory; 0, or the errno. */
  ioctl(fd: number, request: number, memory: Uint8Array): number {
    return this.#variadic.ioctl(fd, request, addressOf(memory)) < 0 ? this.errno() : 0;
  }

  /** An ioctl with the address of an int; 0, or the errno. */
  ioctlInt(fd: number, request: number, value: number): number {
    return this.ioctl(fd, request, new Uint8Array(new Int32Array([value]).buffer));
  }

  connect(fd: number, address: Uint8Array): number {
    return this.#libc.connect(fd, address, address.length) < 0 ? this.errno() : 0;
  }

  bind(fd: number, address: Uint8Array): number {
    return this.#libc.bind(fd, address, address.length) < 0 ? this.errno() : 0;
  }

  /** The option's octets, or the errno. */
  getOption(fd: number, level: number, name: number, bytesMax: number): Uint8Array | number {
    const value = new Uint8Array(new ArrayBuffer(bytesMax));
    const bytes = new Uint32Array([bytesMax]);
    if (this.#libc.getsockopt(fd, level, name, value, bytes) < 0) return this.errno();
    return value.subarray(0, bytes[0]);
  }

  setOption(fd: number, level: number, name: number, value: number): number {
    return this.#libc.setsockopt(fd, level, name, new Uint32Array([value]), 4) < 0 ? this.errno() : 0;
  }

  /** Octets read, or -1 and errno. The calls of the packet path take addresses. */
  readAt(fd: number, address: number, bytes: number): number {
    return this.#libc.read(fd, pointer(address), bytes);
  }

  writeAt(fd: number, address: number, bytes: number): number {
    return this.#libc.write(fd, pointer(address), bytes);
  }

  readvAt(fd: number, address: number, count: number): number {
    return this.#libc.readv(fd, pointer(address), count);
  }

  writevAt(fd: number, address: number, count: number): number {
    return this.#libc.writev(fd, pointer(address), count);
  }

  write(fd: number, octets: Uint8Array): number {
    return this.again(() => this.#libc.write(fd, octets, octets.length));
  }

  read(fd: number, octets: Uint8Array): number {
    return this.again(() => this.#libc.read(fd, octets, octets.length));
  }

  poll(address: number, places: number, timeoutMs: number): number {
    return this.#libc.poll(pointer(address), places, timeoutMs);
  }

  /** Both ends of a pipe, reading first, non-blocking; undefined and errno when there is none to be had. */
  pipe(): readonly [number, number] | undefined {
    const ends = this.#pipeEnds();
    for (const fd of ends ?? []) {
      this.setNonBlocking(fd, true);
      this.closeOnExec(fd);
    }
    return ends;
  }

  /** 0 where there is no such interface. */
  indexOf(name: string): number {
    return this.#libc.if_nametoindex(cString(name));
  }

  /** A list of the routing tables (sysctl(3), net.route), or the errno. */
  routeList(what: number, argument: number): Uint8Array | number {
    const name = Int32Array.of(CTL_NET, this.environment.system.AF_ROUTE, 0, 0, what, argument);
    const bytes = new BigUint64Array(1);
    for (let i = 0; i < SYSCTL_TRIES_MAX; i++) {
      if (this.#libc.sysctl(name, name.length, null, bytes, null, 0) < 0) return this.errno();
      const list = new Uint8Array(new ArrayBuffer(Number(bytes[0]) + SYSCTL_SPARE_BYTES));
      bytes[0] = BigInt(list.length);
      if (this.#libc.sysctl(name, name.length, list, bytes, null, 0) === 0) return list.subarray(0, Number(bytes[0]));
      const errno = this.errno();
      if (errno !== ENOMEM) return errno;
    }
    return ENOMEM;
  }

  /** The result of a call, made again while a signal interrupts it. */
  again(call: () => number): number {
    let result = call();
    for (let i = 0; i < EINTR_RETRIES_MAX && result < 0 && this.errno() === EINTR; i++) result = call();
    return result;
  }

  #pipeEnds(): readonly [number, number] | undefined {
    const ends = new Int32Array(2);
    if (this.#libc.pipe(ends) < 0) return undefined;
    const [reading = -1, writing = -1] = ends;
    return [reading, writing];
  }
}

function openLibrary<T>(platform: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new DeviceError("E_DEVICE_MISSING", `C library of ${platform}: ${text}`, 0, { cause });
  }
}
