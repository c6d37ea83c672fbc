// ioctl request codes as sys/ioccom.h makes them, on macOS and every BSD:
//
//   | direction 3 bits | octets of the argument 13 | group letter 8 | number 8 |

const VOID = 0x2000_0000;
const OUT = 0x4000_0000;
const IN = 0x8000_0000;
const ARGUMENT_BYTES_MAX = 0x1fff;

/** Without an argument. */
export function io(group: string, number: number): number {
  return code(VOID, group, number, 0);
}

/** The system writes the argument. */
export function ior(group: string, number: number, bytes: number): number {
  return code(OUT, group, number, bytes);
}

/** The system reads the argument. */
export function iow(group: string, number: number, bytes: number): number {
  return code(IN, group, number, bytes);
}

/** The system reads the argument and writes it. */
export function iowr(group: string, number: number, bytes: number): number {
  return code(IN + OUT, group, number, bytes);
}

function code(direction: number, group: string, number: number, bytes: number): number {
  if (bytes > ARGUMENT_BYTES_MAX) {
    throw new RangeError(`request argument: expected at most ${ARGUMENT_BYTES_MAX} octets, found ${bytes}`);
  }
  return direction + bytes * 0x1_0000 + group.charCodeAt(0) * 0x100 + number;
}
