// What the run-time of a thread waits with: an epoll, and the eventfd in it by which other threads wake it. They were
// opened in the process' table before the thread takes one of its own, and when it ends it closes them in that one
// alone. So whoever started it closes them in the process' table, once the thread has ended.
//
// Nothing says whose an epoll is. So the run-time is given something to wait for, and the epoll that knows it is its.
import { closeFile, EEXIST, epollAdd, epollRemove, EPOLL_EVENT_BYTES } from "../sys.ts";
import { descriptorsOfRunTime } from "./own-table.ts";
import { openPair } from "./sys.ts";

/** The calling thread's, as the process knows them. Empty where that cannot be told; then they stay open. */
export async function descriptorsOfThread(): Promise<readonly number[]> {
  const ends = openPair();
  if (ends === undefined) return [];
  const [fd, other] = ends;
  // The run-time knows this word beside the two that its types have.
  const end = { fd };
  try {
    const socket = await Bun.connect({ unix: "", ...end, socket: { data() {} } });
    const all = descriptorsOfRunTime();
    // To others it means nothing, and changes nothing.
    const epoll = all.find((candidate) => epollRemove(candidate, fd) === 0);
    socket.terminate();
    if (epoll === undefined) return [];
    return [epoll, ...all.filter((candidate) => candidate !== epoll && isIn(epoll, candidate))];
  } catch {
    return [];
  } finally {
    closeFile(other);
  }
}

/** Whether this thread's epoll knows the descriptor. */
function isIn(epoll: number, fd: number): boolean {
  const error = epollAdd(epoll, fd, new Uint8Array(EPOLL_EVENT_BYTES));
  if (error === 0) epollRemove(epoll, fd);
  return error === EEXIST;
}
