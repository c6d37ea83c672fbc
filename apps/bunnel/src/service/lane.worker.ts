// A lane's thread: the one place where the Worker's parts are joined.
import { serveLane } from "@bunnel/backend";
import { openTransferredEgress } from "@bunnel/egress";
import { QuicNames } from "@bunnel/engine";
import { openPumpedTun, openTransferredTap } from "@bunnel/tun-linux";

serveLane({
  device: (handOver, { memory, rings }, pump) =>
    openPumpedTun(handOver, { memory, rings, ...(pump !== "auto" && { backend: pump }) }),
  egress: openTransferredEgress,
  tap: openTransferredTap,
  names: () => new QuicNames(),
});
