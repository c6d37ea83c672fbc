// needs root: network namespaces, and Linux TUN devices behind a double of Wintun
// Proof level fake kernel: `bunnel up` as Windows has it runs here, in front of a double of Wintun and iphlpapi with
// Windows' structs and refusals. Behind it stand real TUN devices and real routes; the sockets are Linux's own, by the
// same portable code. It has not run on Windows.
import { answersByHttps } from "./dns-suite.ts";
import { carriesBySockets, type PlayedSystem } from "./suite.ts";

const SYSTEM: PlayedSystem = {
  ...{ name: "Windows' libraries", service: "windows-service.ts" },
  ...{ device: "bunnel0", ownDevice: "tun2", uplink: "tun0", otherUplink: "tun1" },
  // Of Linux's own process nothing is taken.
  givenUp: {},
};

carriesBySockets(SYSTEM);
answersByHttps(SYSTEM);
