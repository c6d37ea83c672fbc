// Taking away what may be gone already.
import { DeviceError } from "@bunnel/device";

// asm-generic/errno-base.h: what removing answers when the rule, the route, the table or the device is gone
const ENOENT = 2;
const ESRCH = 3;
const ENODEV = 19;

/** Runs `remove`, and is content where there is nothing to remove. True: there was. */
export function ifThere(remove: () => void): boolean {
  try {
    remove();
    return true;
  } catch (error) {
    if (error instanceof DeviceError && [ENOENT, ESRCH, ENODEV].includes(error.errno)) return false;
    throw error;
  }
}
