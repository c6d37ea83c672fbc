import { RX_MAX, Verdict, HOST_HASH_OFFSET, LANES_BASE, verdictOf } from "@bunnel/abi/src/index";
export function f(p: usize): u32 { return HOST_HASH_OFFSET + RX_MAX + Verdict.Drop + LANES_BASE + verdictOf(5); }
