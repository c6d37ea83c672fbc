// Runs in a network namespace of its own, where everybody may have ping sockets: asks for an echo, prints the answer.
import { DatagramSessions } from "../src/index.ts";

const CLIENT = { address: "192.0.2.7", port: 0x9c40 };
const [address = "127.0.0.1", type = "8"] = process.argv.slice(2);
let answer: string | undefined;
using sessions = new DatagramSessions({
  protocol: "echo",
  sessionsMax: 4,
  idleMs: 60_000,
  answer: (client, from, payload) => {
    answer = JSON.stringify({ client, from, payload: payload.toHex() });
  },
});
// RFC 792, RFC 4443 section 4.1: type, code, checksum, identifier, sequence number 7, data.
if (!sessions.send(CLIENT, { address, port: 0 }, Uint8Array.of(Number(type), 0, 0, 0, 0x9c, 0x40, 0, 7, 0x68, 0x69))) {
  throw new Error("expected the echo to be sent");
}
while (answer === undefined) {
  sessions.poll();
  await Bun.sleep(2);
}
console.log(answer);
