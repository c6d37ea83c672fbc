// The host has answered for a SYN that was held: it goes to the listener, or the client is told.
import { Admission, Counter, Reason, TRANSLATIONS_MAX, TranslationState } from "@bunnel/abi/src/index";
import { txAlloc, txList, txPublish, txReset } from "../mem/arena";
import { laneIndex, laneFlags, recount } from "../mem/lane";
import { LaneFlag } from "@bunnel/abi/src/index";
import { Meta } from "../mem/meta";
import { parse } from "../wire/packet";
import { Vnet } from "../wire/vnet";
import { answerReset, answerUnreachable } from "./answer";
import { Ends } from "./ends";
import { Translation } from "./entry";
import { rewrite } from "./rewrite";
import { release } from "./table";

/** Answers are given one by one; what a call lists is sent before the next. 1: done, 0: nobody waits there. */
export function admit(index: u32, admission: i32, now: u32): i32 {
  txReset();
  const done = index < <u32>TRANSLATIONS_MAX && answer(index, admission, now);
  txPublish();
  return done ? 1 : 0;
}

function answer(index: u32, admission: i32, now: u32): bool {
  const entry = Translation.of(index);
  if (entry.state != TranslationState.Awaited || <i32>entry.lane != laneIndex) return false;
  const syn = Translation.synAt(index);
  const bytes: i32 = entry.synBytes;
  const m = Meta.spare;
  parse(syn, bytes, m);
  const held = Counter.Reasons + Reason.HoldAwaited;
  if (admission == Admission.Connected) {
    entry.state = <u8>TranslationState.Open;
    entry.lastSeen = now;
    listSyn(syn, bytes, m, entry, index);
    recount(held, Counter.Reasons + Reason.ReplaceTranslated);
    return true;
  }
  if (admission == Admission.Refused) answerReset(syn, m.family, m.l4Offset, m.seq);
  else if (admission == Admission.Unreachable) answerUnreachable(syn, bytes, m.family);
  recount(held, Counter.Reasons + Reason.DropRefused);
  // Without the lock it stays until it is swept; what it was held for is over all the same.
  if (!release(index)) entry.state = <u8>TranslationState.Reset;
  return true;
}

function listSyn(syn: usize, bytes: i32, m: Meta, entry: Translation, index: u32): void {
  const at = txAlloc(bytes);
  if (at == 0) return;
  memory.copy(at, syn, bytes);
  const ends = Ends.of(entry, index);
  const l4Bytes = bytes - <i32>m.l4Offset;
  rewrite(at, m.family, m.l4Offset, l4Bytes, ends.peerAt, ends.localAt, ends.ports, false);
  if ((laneFlags & LaneFlag.TxVnet) != 0) Vnet.of(at).clear();
  txList(at, bytes);
}
