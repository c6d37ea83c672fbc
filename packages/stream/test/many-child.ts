// One end of very many connections, in a process of its own: descriptors are counted for each.
//   server: prints its port, gives back whatever comes
//   client PORT COUNT: opens as many, then says something on each, and prints how many were answered rightly
import { raiseFileLimit } from "../src/sys.ts";

const LOOPBACK = "127.0.0.1";
const AT_ONCE = 200;
const [role, port, count] = process.argv.slice(2);
raiseFileLimit(Number(count ?? 20_000) + 100);

if (role === "server") {
  const server = Bun.listen({
    hostname: LOOPBACK,
    port: 0,
    socket: { data: (socket, data) => void socket.write(data) },
  });
  console.log(server.port);
} else {
  const sockets: { write(text: string): number; end(): void }[] = [];
  let answered = 0;
  const all = Promise.withResolvers<void>();
  const total = Number(count);
  const open = async (index: number): Promise<void> => {
    const socket = await Bun.connect({
      hostname: LOOPBACK,
      port: Number(port),
      socket: {
        data: (_, data) => {
          if (data.toString() === `flow ${index}`) answered += 1;
          if (answered === total) all.resolve();
        },
        close: () => all.resolve(),
      },
    });
    sockets[index] = socket;
  };
  for (let from = 0; from < total; from += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, total - from) }, (_, index) => open(from + index)));
  }
  console.log("open");
  // The test looks at the relay now, and says when it has seen enough.
  await Bun.stdin.stream().getReader().read();
  for (const [index, socket] of sockets.entries()) socket.write(`flow ${index}`);
  await all.promise;
  console.log(answered);
  process.exit(0);
}
