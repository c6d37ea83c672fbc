// Control groups, version 2: where they are mounted, and the numbers by which the kernel knows them (cgroups(7)).
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DeviceError } from "@bunnel/device";

/** A control group that is there. */
export interface Cgroup {
  readonly id: bigint;
  /** How deep it lies below the root. */
  readonly level: number;
}

/**
 * Where control groups of version 2 are mounted.
 * @throws DeviceError E_UNSUPPORTED where they are not
 */
export function cgroupRoot(mounts: string = readFileSync("/proc/self/mounts", "utf8")): string {
  for (const line of mounts.split("\n")) {
    const [, place, kind] = line.split(" ");
    // proc(5): a space is written in octal.
    if (kind === "cgroup2" && place !== undefined) return place.replaceAll("\\040", " ");
  }
  throw new DeviceError("E_UNSUPPORTED", "control groups: expected a mount of version 2 (cgroup2), found none");
}

/** Those of these paths that exist now. */
export function findCgroups(paths: readonly string[]): Cgroup[] {
  if (paths.length === 0) return [];
  const root = cgroupRoot();
  return paths.flatMap((path) => {
    const found = statSync(join(root, path), { bigint: true, throwIfNoEntry: false });
    return found === undefined ? [] : [{ id: found.ino, level: path.split("/").length }];
  });
}
