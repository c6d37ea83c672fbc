// needs root: makes a network namespace in which ping sockets are allowed.
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

setDefaultTimeout(60_000);

test.each([
  ["127.0.0.1", "8", "0000"],
  ["::1", "128", "8100"],
])("an ICMP echo to %s is answered with the client's own identifier", async (address, type, reply) => {
  const setUp = 'ip link set lo up && echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range && exec "$@"';
  const child = Bun.spawn(
    ["unshare", "-n", "sh", "-c", setUp, "sh", process.execPath, join(import.meta.dir, "echo-child.ts"), address, type],
    { stdout: "pipe", stderr: "inherit" },
  );
  const answer = JSON.parse(await child.stdout.text()) as { payload: string };
  expect(answer).toMatchObject({ client: { address: "192.0.2.7", port: 40_000 }, from: { address, port: 0 } });
  // The checksum is the one that the reply had with the system's own identifier.
  expect(answer.payload.replace(/^(....)..../, "$1")).toBe(`${reply}9c4000076869`);
});
