// Which drivers are proven how, and by which test files. A driver's suites lie in its package; the end of a test file's
// name tells the level that its tests prove.

/** How far a test goes, nearest to the system last. */
export const LEVELS = ["golden", "fake kernel", "calling convention", "wine", "real"] as const;
export type ProofLevel = (typeof LEVELS)[number];

/** Ends of test files' names, and what tests in such files prove. */
export const LEVEL_OF_FILE: Readonly<Record<string, ProofLevel>> = {
  "golden.test.ts": "golden",
  "kernel.test.ts": "fake kernel",
  "convention.test.ts": "calling convention",
  "wine.test.ts": "wine",
};

export const LEVEL_MEANINGS: Readonly<Record<ProofLevel, string>> = {
  golden: "every constant, size, offset and encoded request equals a table computed from the system's own headers.",
  "fake kernel":
    "the driver runs, unchanged, against a C library with that system's calls, numbers, structs and refusals, backed " +
    "by interfaces of Linux: addresses are looked at with iproute2, pings and TCP of both families go through.",
  "calling convention": "code compiled for the processor is called by the real Bun for it, under qemu-user.",
  wine: "the real Bun for Windows runs the driver's own tests under wine.",
  real: "the driver's tests on the system itself.",
};

/** One row of the table. */
export interface PlatformEntry {
  readonly platform: string;
  /** Processors that Bun has a build for; empty: Bun does not exist there. */
  readonly bun: readonly string[];
  /** Tests count whose name holds this; left out: all. */
  readonly testsNamed?: string;
  /** Why there is no such level. */
  readonly without: Readonly<Partial<Record<ProofLevel, string>>>;
}

/** One driver's suites. Its fragment is `proof.json` in the package. */
export interface ProofEntry {
  readonly package: string;
  readonly platforms: readonly PlatformEntry[];
  /** What stays unproven, one sentence each. */
  readonly open: readonly string[];
}

/** The rows "real" of .github/workflows/platforms.yml that have not run. */
export const NEVER_EXECUTED = "never executed";
const ONE_CONVENTION = "variadic arguments travel as any others";

export const PROOFS: readonly ProofEntry[] = [
  {
    package: "tun-darwin",
    platforms: [{ platform: "macOS", bun: ["arm64", "x64"], without: { wine: "–", real: NEVER_EXECUTED } }],
    open: [
      "macOS: the dynamic linker's cache, entitlements, real utun and feth, poll(2) on /dev/bpf, and whether the " +
        "resolver takes up name servers.",
      "iOS: Bun does not exist there; the framing of its descriptors is that of macOS.",
    ],
  },
  {
    package: "tun-bsd",
    platforms: [
      {
        platform: "FreeBSD",
        bun: ["x64", "arm64"],
        testsNamed: "freebsd",
        without: { "calling convention": ONE_CONVENTION, wine: "–", real: NEVER_EXECUTED },
      },
      ...(["OpenBSD", "NetBSD", "DragonFly"] as const).map((platform) => ({
        platform,
        bun: [],
        testsNamed: platform.toLowerCase(),
        without: { "calling convention": ONE_CONVENTION, wine: "–", real: "no Bun" },
      })),
    ],
    open: [
      "FreeBSD: devfs cloning, real tun and tap, `bun:ffi` in Bun for FreeBSD.",
      "OpenBSD, NetBSD, DragonFly: everything at run time; their tables come from golang.org/x/sys and headers, not " +
        "from a compiler.",
    ],
  },
];
