// One end of a small VPN: a TUN device whose packets travel in datagrams to the other end. Nothing is encrypted; routes
// and rules are whoever's who starts it.  bun vpn-end.ts DEVICE ADDRESS PORT PEER
import { openTun } from "@bunnel/tun";

const [name = "", address = "", port = "", peer = ""] = process.argv.slice(2);
const tun = openTun({ name, addresses: [address], ipv6LinkLocal: "none", mtuBytes: 1400 });
const socket = await Bun.udpSocket({
  port: Number(port),
  socket: {
    data(_, packet) {
      tun.write(packet);
    },
  },
});
console.log("ready");
for await (const packet of tun) socket.send(packet, Number(port), peer);
