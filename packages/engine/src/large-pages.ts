// On other run-times than Bun nobody can ask the system for pages of another size.

/** Says that these octets of the memory, from a page's start on, are read at random. It changes nothing but speed. */
export function wantLargePages(_memory: SharedArrayBuffer, _at: number, _bytes: number): void {}
