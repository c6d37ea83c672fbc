// The end of the end: a thread that hangs would keep the process, which has put everything back, from going.

/** More than everything takes that is still to be done. */
const PATIENCE_MS = 5_000;

/** From now on the process has so much time left. Where it ends by itself before, this changes nothing. */
export function endSoon(patienceMs: number = PATIENCE_MS): void {
  // A thread that hangs in a system call ends by no other signal.
  setTimeout(() => process.kill(process.pid, "SIGKILL"), patienceMs).unref();
}
