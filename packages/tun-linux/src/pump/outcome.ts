// What a failed system call means for the packets behind it.
import { DeviceError } from "@bunnel/device";
import { systemError } from "../errors.ts";
import * as sys from "../sys.ts";
import { hasInterface } from "../tun-requests.ts";
import type { PumpPort } from "./pump.ts";

export enum Outcome {
  /** A signal came: the same call again. */
  Again,
  /** Nothing waits, or the queue is full. */
  Stop,
  /** This packet is not taken; the next one may be. */
  Refused,
}

/** @throws DeviceError for an errno that says that the port has gone or cannot be read */
export function outcomeOfRead(port: PumpPort, errno: number): Outcome {
  if (errno === sys.EINTR) return Outcome.Again;
  if (errno === sys.EAGAIN) return Outcome.Stop;
  throw failure("reading from", port, errno);
}

/** @throws DeviceError for an errno that says that the port has gone or cannot be written */
export function outcomeOfWrite(port: PumpPort, errno: number): Outcome {
  switch (errno) {
    case sys.EINTR:
      return Outcome.Again;
    case sys.EAGAIN:
    case sys.ENOBUFS:
    case sys.ENOMEM:
      return Outcome.Stop;
    case sys.EIO:
      // An interface that is down takes nothing, as one without a cable; it has not gone.
      if (hasInterface(port.fd)) return Outcome.Refused;
      throw failure("writing to", port, errno);
    case sys.EBADF:
    case sys.EBADFD:
    case sys.ENODEV:
    case sys.ENXIO:
    case sys.EFAULT:
      throw failure("writing to", port, errno);
    default:
      return Outcome.Refused;
  }
}

function failure(doing: string, { name, fd }: PumpPort, errno: number): DeviceError {
  if (errno === sys.EFAULT || (errno !== sys.EBADF && hasInterface(fd))) return systemError(`${doing} ${name}`, errno);
  return new DeviceError("E_DEVICE_GONE", `${doing} ${name}: expected an interface, found it deleted`, errno);
}
