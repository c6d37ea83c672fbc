// The executables of a release: one file for each system that Bun has a build for.
import type { Header } from "./headers.ts";

/** How an executable is started on the machine that makes the release. */
export type Start = "here" | "qemu" | "wine" | "musl" | "musl and qemu" | "not here";

export interface Target {
  /** As Bun calls it. */
  readonly target: Bun.Build.CompileTarget;
  /** The file's name in a release. */
  readonly file: string;
  readonly start: Start;
  /** What the file's first octets must say. */
  readonly system: Header["system"];
  readonly processor: "x64" | "arm64";
}

const PROCESSORS = ["x64", "arm64"] as const;

/** In the order in which they are made and listed. */
export const TARGETS: readonly Target[] = [
  { ...linux("linux", "x64"), target: "bun-linux-x64", file: "bunnel-linux-x64", start: "here" },
  { ...linux("linux", "x64"), target: "bun-linux-x64-baseline", file: "bunnel-linux-x64-baseline", start: "here" },
  { ...linux("linux-musl", "x64"), target: "bun-linux-x64-musl", file: "bunnel-linux-x64-musl", start: "musl" },
  { ...linux("linux", "arm64"), target: "bun-linux-arm64", file: "bunnel-linux-arm64", start: "qemu" },
  {
    ...linux("linux-musl", "arm64"),
    ...{ target: "bun-linux-arm64-musl", file: "bunnel-linux-arm64-musl", start: "musl and qemu" },
  },
  ...PROCESSORS.map((processor): Target => ({
    ...{ target: `bun-darwin-${processor}`, file: `bunnel-macos-${processor}`, start: "not here" },
    ...{ system: "macos", processor },
  })),
  ...PROCESSORS.map((processor): Target => ({
    ...{ target: `bun-windows-${processor}`, file: `bunnel-windows-${processor}.exe` },
    ...{ start: processor === "x64" ? "wine" : "not here", system: "windows", processor },
  })),
  ...PROCESSORS.map((processor): Target => ({
    // FreeBSD is a target of the bundler that its types do not name yet.
    target: `bun-freebsd-${processor}` as unknown as Bun.Build.CompileTarget,
    ...{ file: `bunnel-freebsd-${processor}`, start: "not here", system: "freebsd", processor },
  })),
];

function linux(system: "linux" | "linux-musl", processor: Target["processor"]): Pick<Target, "system" | "processor"> {
  return { system, processor };
}
