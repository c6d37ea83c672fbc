// Where the C library of a system lies, and how its errno is found.

interface LibcNames {
  readonly paths: readonly string[];
  /** The function that returns the address of the calling thread's errno. */
  readonly errnoLocation: "__errno_location" | "__error" | "__errno";
}

const NAMES: Readonly<Partial<Record<NodeJS.Platform, LibcNames>>> = {
  linux: {
    paths: ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libc.so"],
    errnoLocation: "__errno_location",
  },
  android: { paths: ["libc.so"], errnoLocation: "__errno" },
  darwin: { paths: ["/usr/lib/libSystem.B.dylib"], errnoLocation: "__error" },
  freebsd: { paths: ["libc.so.7"], errnoLocation: "__error" },
};

/**
 * The names under which the C library of a platform is looked for, best first.
 * @throws Error for a platform that has no C library in this table
 */
export function libcNames(platform: NodeJS.Platform = process.platform): LibcNames {
  const names = NAMES[platform];
  if (!names) throw new Error(`C library of ${platform}: not known, expected one of ${Object.keys(NAMES).join(", ")}`);
  return names;
}
