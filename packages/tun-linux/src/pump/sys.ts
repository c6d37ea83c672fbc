// The system calls of the pump. Only 32-bit and address arguments: those take the fast way through FFI.
import { errno, library, libcNames, pointer } from "@bunnel/ffi";

export { errno };

const { paths } = libcNames("linux");

const libc = library(paths, {
  read: { args: ["i32", "ptr", "i32"], returns: "i32" },
  write: { args: ["i32", "ptr", "i32"], returns: "i32" },
  writev: { args: ["i32", "ptr", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

/**
 * syscall(2) with the arguments of io_uring_enter(2). The sixth argument, a size that belongs to the fifth, may hold
 * anything as long as the fifth is null.
 */
const entering = library(paths, {
  syscall: { args: ["i32", "i32", "i32", "i32", "i32", "ptr"], returns: "i32" },
});

/** syscall(2) with the arguments of io_uring_setup(2). */
const setting = library(paths, {
  syscall: { args: ["i32", "i32", "ptr"], returns: "i32" },
});

export interface PumpCalls {
  read(fd: number, at: number, bytes: number): number;
  write(fd: number, at: number, bytes: number): number;
  writev(fd: number, iovecs: number, count: number): number;
}

/**
 * The same calls by syscall(2). Those of the C library are points at which a thread can be cancelled, and in a process
 * of several threads each says so before and behind: two hundredths of what a small packet costs.
 */
const direct = library(paths, {
  syscall: { args: ["i32", "i32", "ptr", "i32"], returns: "i32" },
});

/** asm/unistd_64.h of x86-64, asm-generic/unistd.h: each machine has its own. */
export const NUMBERS: Readonly<Record<string, Readonly<Record<keyof PumpCalls, number>>>> = {
  x64: { read: 0, write: 1, writev: 20 },
  arm64: { read: 63, write: 64, writev: 66 },
};

/** @param arch whose system calls; of one that has no numbers here, the C library's own */
export function pumpCalls(arch: string = process.arch): PumpCalls {
  const numbers = NUMBERS[arch];
  if (numbers === undefined) return libc() as unknown as PumpCalls;
  const call = direct().syscall as unknown as (number: number, fd: number, at: number, count: number) => number;
  return {
    read: (fd, at, bytes) => call(numbers.read, fd, at, bytes),
    write: (fd, at, bytes) => call(numbers.write, fd, at, bytes),
    writev: (fd, iovecs, count) => call(numbers.writev, fd, iovecs, count),
  };
}

export function closeFd(fd: number): void {
  libc().close(fd);
}

// asm-generic/unistd.h; the same on every machine that Bun runs on.
const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;

/** A descriptor of new rings, or -1 and errno. `params`: address of a struct io_uring_params. */
export function setUpRings(entries: number, params: number): number {
  return setting().syscall(SYS_IO_URING_SETUP, entries, pointer(params));
}

/** Submits and waits: entries submitted, or -1 and errno. */
export type Enter = (ring: number, submit: number, minComplete: number, flags: number) => number;

export function enterCall(): Enter {
  const call = entering().syscall as unknown as (...numbers: (number | null)[]) => number;
  return (ring, submit, minComplete, flags) => call(SYS_IO_URING_ENTER, ring, submit, minComplete, flags, null);
}
