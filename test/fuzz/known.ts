// Cases that still break the engine, and how. Whoever mends one takes its line out; the case stays and is replayed.
export const KNOWN: ReadonlyMap<string, string> = new Map([
  // A TCP header that is cut short and a virtio header that calls it a super-packet: octets behind the packet are read.
  // It traps because the packet lies at the very end of the memory, where no slot lies.
  [
    "poll-61458b3512c7.txt",
    "RuntimeError: Out of bounds memory access (evaluating 'lane.poll(from, placed.length, nowMs)')",
  ],
]);
