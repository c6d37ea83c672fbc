// A SYN that was held is counted anew when it is known what became of it.
import { Counter, Reason } from "@bunnel/abi/src/index";
import { laneIndex, recount } from "../mem/lane";
import { Translation } from "./entry";

/** The host did not answer in time. False: another lane has counted the SYN, and must take it out itself. */
export function recountAwaited(entry: Translation): bool {
  if (<i32>entry.lane != laneIndex) return false;
  recount(Counter.Reasons + Reason.HoldAwaited, Counter.Reasons + Reason.DropRefused);
  return true;
}
