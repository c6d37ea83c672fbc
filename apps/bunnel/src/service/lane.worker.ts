// A lane's thread: the one place where the Worker's parts are joined. It loads no more than it runs: the start waits
// for it.
import { serveLane } from "@bunnel/backend/lane";
import { openTransferredEgress } from "@bunnel/egress";
import { QuicNames } from "@bunnel/engine";
import { openPumpedTun } from "@bunnel/tun-linux/pump";
import { openTransferredTap } from "@bunnel/tun-linux/tap";

serveLane({
  device: (handOver, { memory, rings }, pump) =>
    openPumpedTun(handOver, { memory, rings, ...(pump !== "auto" && { backend: pump }) }),
  egress: openTransferredEgress,
  tap: openTransferredTap,
  names: () => new QuicNames(),
});
