// The executables of a release: one file for each system that Bun has a build for.

/** How an executable is started on the machine that makes the release. */
export type Start = "here" | "qemu" | "wine" | "not here";

export interface Target {
  /** As Bun calls it. */
  readonly target: Bun.Build.CompileTarget;
  /** The file's name in a release. */
  readonly file: string;
  readonly start: Start;
}

/** FreeBSD is a target of the bundler that its types do not name yet. */
const FREEBSD = ["bun-freebsd-x64", "bun-freebsd-arm64"] as unknown as readonly Bun.Build.CompileTarget[];

/** In the order in which they are made and listed. */
export const TARGETS: readonly Target[] = [
  { target: "bun-linux-x64", file: "bunnel-linux-x64", start: "here" },
  { target: "bun-linux-x64-baseline", file: "bunnel-linux-x64-baseline", start: "here" },
  { target: "bun-linux-x64-musl", file: "bunnel-linux-x64-musl", start: "not here" },
  { target: "bun-linux-arm64", file: "bunnel-linux-arm64", start: "qemu" },
  { target: "bun-linux-arm64-musl", file: "bunnel-linux-arm64-musl", start: "not here" },
  { target: "bun-darwin-x64", file: "bunnel-macos-x64", start: "not here" },
  { target: "bun-darwin-arm64", file: "bunnel-macos-arm64", start: "not here" },
  { target: "bun-windows-x64", file: "bunnel-windows-x64.exe", start: "wine" },
  { target: "bun-windows-arm64", file: "bunnel-windows-arm64.exe", start: "not here" },
  ...FREEBSD.map((target) => ({ target, file: target.replace("bun-", "bunnel-"), start: "not here" as const })),
];
