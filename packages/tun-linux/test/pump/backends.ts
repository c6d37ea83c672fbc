// The back ends that this machine must offer, by other witnesses than the pump.
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import type { PumpBackend } from "../../src/pump/index.ts";

const DISABLED = "/proc/sys/kernel/io_uring_disabled";

/** Linux 6.6 or later, not switched off, and no sandbox around us. */
function hasUring(): boolean {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  const isNew = major > 6 || (major === 6 && minor >= 6);
  const isOn = !existsSync(DISABLED) || readFileSync(DISABLED, "utf8").trim() === "0";
  const isFree = /^Seccomp:\s*0$/mu.test(readFileSync("/proc/self/status", "utf8"));
  return isNew && isOn && isFree;
}

export const BACKENDS: readonly PumpBackend[] = hasUring() ? ["plain", "uring"] : ["plain"];
