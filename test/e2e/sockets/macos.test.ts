// needs root: network namespaces, and a Linux TUN device behind a fake utun
// Proof level fake kernel: `bunnel up` as macOS has it runs here, in front of C libraries with macOS's numbers, structs
// and refusals. Behind them stand a real TUN device, real routes and real sockets. It has not run on a Mac.
import { carriesBySockets } from "./suite.ts";

carriesBySockets({
  ...{ name: "macOS's kernel", service: "darwin-service.ts" },
  ...{ device: "utun0", ownDevice: "utun0", uplink: "feth0", otherUplink: "feth2" },
});
