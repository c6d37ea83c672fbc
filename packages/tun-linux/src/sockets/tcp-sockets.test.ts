import { expect, test } from "bun:test";
import { TCP_INFO, TcpSockets } from "./tcp-sockets.ts";

test.each(["127.0.0.1", "::1"])(
  "TcpSockets.list() has a connection over %s with what it has received",
  async (host) => {
    const answer = "x".repeat(3000);
    using server = Bun.listen({ hostname: host, port: 0, socket: { data: (socket) => void socket.write(answer) } });
    const heard = Promise.withResolvers<void>();
    let bytes = 0;
    const client = await Bun.connect({
      hostname: host,
      port: server.port,
      socket: { data: (_, chunk) => void ((bytes += chunk.length) === answer.length && heard.resolve()) },
    });
    client.write("hello");
    await heard.promise;
    using sockets = TcpSockets.open();
    const found = sockets.list().find((each) => each.remotePort === server.port && each.localPort === client.localPort);
    expect(found).toMatchObject({ localAddress: host, remoteAddress: host, bytesReceived: 3000, retransmits: 0 });
    expect(found).toMatchObject({ unread: 0, outOfOrder: 0 });
    expect(found?.bytesAcked).toBe("hello".length + 1);
    client.end();
  },
);

test("TCP_INFO has the offsets of this machine's own header", async () => {
  const names = { retransmits: "retransmits", unacked: "unacked", lastDataRecv: "last_data_recv" };
  const counts = { bytesAcked: "bytes_acked", bytesReceived: "bytes_received", outOfOrder: "rcv_ooopack" };
  const all = { ...names, ...counts };
  const fields = Object.values(all).map((name) => `offsetof(struct tcp_info, tcpi_${name})`);
  const source = `#include <stddef.h>\n#include <stdio.h>\n#include <linux/tcp.h>
int main(void) { size_t all[] = { ${fields.join(", ")} };
  for (int i = 0; i < ${fields.length}; i++) printf("%zu ", all[i]); }`;
  const program = `/tmp/bunnel-tcp-info-${process.pid}`;
  const gcc = Bun.spawn(["gcc", "-x", "c", "-", "-o", program], { stdin: new TextEncoder().encode(source) });
  expect(await gcc.exited).toBe(0);
  const printed = await Bun.spawn([program], { stdout: "pipe" }).stdout.text();
  await Bun.file(program).delete();
  expect(printed.trim().split(" ").map(Number)).toEqual(Object.keys(all).map((key) => Object(TCP_INFO)[key] as number));
});
