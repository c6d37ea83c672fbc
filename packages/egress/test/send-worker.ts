// Takes a raw egress in a Worker, sends a list of packets and answers with the counters.
import type { PacketList } from "@bunnel/device";
import type { EgressHandOver } from "../src/egress.ts";
import { openTransferred } from "../src/raw.linux.ts";
import { SCRATCH_AT, SCRATCH_BYTES } from "./packet-memory.ts";

interface Order {
  readonly handOver: EgressHandOver;
  readonly memory: SharedArrayBuffer;
  readonly list: PacketList;
}

addEventListener("message", (event: MessageEvent<Order>) => {
  const { handOver, memory, list } = event.data;
  using egress = openTransferred(handOver);
  egress.attach(memory, SCRATCH_AT, SCRATCH_BYTES);
  egress.send(list, 0, list.at.length);
  postMessage(egress.counters());
});
