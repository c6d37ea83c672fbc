// Answers "heard N" to N octets: by TCP at every address, by UDP at two. Command line: the two addresses, then ports.
import { dieWithParent } from "../../src/namespace.ts";

dieWithParent();
const [address4 = "", address6 = "", ...ports] = process.argv.slice(2);

for (const port of ports.map(Number)) {
  Bun.listen({
    hostname: "::",
    port,
    socket: {
      data(socket, octets) {
        socket.write(`heard ${octets.length}`);
      },
    },
  });
  for (const hostname of [address4, address6]) {
    await Bun.udpSocket({
      hostname,
      port,
      socket: {
        data(socket, octets, fromPort, fromAddress) {
          socket.send(`heard ${octets.length}`, fromPort, fromAddress);
        },
        // Who asked may be gone by now.
        error() {},
      },
    });
  }
}
console.log("ready");
