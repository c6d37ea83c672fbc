// What keeps a socket out of a tunnel, in the Windows Bun: `options-child.ts INTERFACE…`. For each interface and kind
// of socket a line of JSON: what came of binding it, what the option is then, as Winsock says, and its address.
import { addressOf, pointer } from "@bunnel/ffi";
import { setOutside } from "../../src/loop/outside.ts";
import { readSockaddr, SOCKADDR_MAX_BYTES } from "../../src/socket-address.ts";
import { WINDOWS } from "../../src/sockets/numbers.win32.ts";
import { portableSockets } from "../../src/sockets/of-form.ts";
import { windowsCalls } from "../../src/sockets/windows/sys.ts";
import { AF_INET, AF_INET6, readWord } from "../../src/sys.ts";

const sockets = portableSockets({ platform: "win32" });
const calls = windowsCalls();
const [ipv4 = [0, 0], ipv6 = [0, 0]] = WINDOWS.outside.deviceIndex ?? [];

for (const name of process.argv.slice(2)) {
  const index = calls.interfaceIndex(name);
  for (const family of [AF_INET, AF_INET6]) {
    for (const kind of ["stream", "datagram"] as const) {
      const fd = kind === "stream" ? sockets.streamSocket(family) : sockets.datagramSocket(family);
      const error = setOutside(fd, family, { bindTo: name }, kind, sockets);
      const [level, option] = family === AF_INET ? ipv4 : ipv6;
      const found = new Uint32Array(1);
      const size = Int32Array.of(4);
      calls.getsockopt(fd, level, option, pointer(addressOf(found)), pointer(addressOf(size)));
      const bound = new Uint8Array(SOCKADDR_MAX_BYTES);
      const address = sockets.localAddress(fd, bound) === 0 ? readSockaddr(bound).address : undefined;
      const told = { name, index, family, kind, error, option: readWord(addressOf(found), 0), address };
      console.log(JSON.stringify(told));
      sockets.closeFile(fd);
    }
  }
}
console.log("done");
