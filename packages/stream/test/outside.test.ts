// needs root: a socket is marked and bound to an interface.
// What keeps sockets out of a tunnel is set by each system's own option, or refused by name.
import { expect, setDefaultTimeout, test } from "bun:test";
import { portableSockets } from "../src/sockets/of-form.ts";
import { setOutside } from "../src/loop/outside.ts";
import { StreamRelay } from "../src/relay.ts";
import { defaultProfile } from "@bunnel/profile";
import { AF_INET, AF_INET6 } from "../src/sys.ts";
import { BsdKernel, compiler } from "./kernel/bsd-kernel.ts";

// A busy machine compiles slowly.
setDefaultTimeout(60_000);

const OPEN = { listen: { address: "127.0.0.1", port: 0 }, accept: "proxy", form: "portable" } as const;

test.each([AF_INET, AF_INET6])("Linux marks a socket of family %i, and binds it by name", (family) => {
  const sockets = portableSockets({ platform: "linux" });
  const fd = sockets.streamSocket(family);
  expect(setOutside(fd, family, { mark: 7, bindTo: "lo" }, "stream", sockets)).toBe(0);
  sockets.closeFile(fd);
});

test("macOS binds a socket of each family by the interface's index, and marks none", () => {
  using kernel = new BsdKernel("darwin", compiler ?? "gcc");
  const sockets = portableSockets(kernel.system);
  for (const family of [AF_INET, AF_INET6]) {
    const fd = sockets.streamSocket(family);
    expect(setOutside(fd, family, { bindTo: "lo" }, "stream", sockets)).toBe(0);
    expect(setOutside(fd, family, { bindTo: "none-such" }, "stream", sockets)).toBe(19);
    sockets.closeFile(fd);
  }
  const open = () => StreamRelay.open({ ...OPEN, system: kernel.system, profile: defaultProfile(), mark: 7 });
  expect(open).toThrow("relay: sockets of darwin carry no mark");
});

test("FreeBSD gives a socket a cookie, and is asked in vain for an interface", () => {
  using kernel = new BsdKernel("freebsd", compiler ?? "gcc");
  const sockets = portableSockets(kernel.system);
  const fd = sockets.streamSocket(AF_INET);
  expect(setOutside(fd, AF_INET, { mark: 7 }, "stream", sockets)).toBe(0);
  sockets.closeFile(fd);
  const open = () => StreamRelay.open({ ...OPEN, system: kernel.system, profile: defaultProfile(), bindTo: "em0" });
  expect(open).toThrow("relay: sockets of freebsd cannot be bound to an interface");
});

test("a system without a table is refused by name", () => {
  const open = () => StreamRelay.open({ ...OPEN, system: { platform: "aix" }, profile: defaultProfile() });
  expect(open).toThrow("relay: expected one of linux, darwin, freebsd, win32, found aix");
});

test("a socket with the tunnel's own address would come round: it is refused, and so is what came of it", async () => {
  const ports: number[] = [];
  const listener = Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: { open: ({ remotePort }) => void ports.push(remotePort), data: () => undefined },
  });
  const [server, peer] = [
    { address: "127.0.0.1", port: listener.port },
    { address: "10.0.85.2", port: 1024 },
  ];
  const translated = { ...OPEN, accept: "translated", originalDestination: () => server } as const;
  using relay = StreamRelay.open({ ...translated, profile: defaultProfile(), bindTo: "lo" });
  expect(await relay.reach(server, peer, { address: "127.0.0.1", port: 9 })).toBe("unreachable");
  while (ports.length === 0) await Bun.sleep(2);
  const [port = 0] = ports;
  expect(await relay.reach(server, peer, { address: "127.0.0.1", port })).toBe("unreachable");
  using marked = StreamRelay.open({ ...translated, profile: defaultProfile() });
  expect(await marked.reach(server, peer, { address: "127.0.0.1", port })).toBe("connected");
  // Of the second nothing left this process.
  while (ports.length < 2) await Bun.sleep(2);
  expect(ports).toHaveLength(2);
  listener.stop(true);
});

test("a connection that comes round with another address than the tunnel's is known by its end", async () => {
  const ports: number[] = [];
  const listener = Bun.listen({
    ...{ hostname: "::1", port: 0 },
    socket: { open: ({ remotePort }) => void ports.push(remotePort), data: () => undefined },
  });
  const server = { address: "::1", port: listener.port };
  const translated = { ...OPEN, accept: "translated", originalDestination: () => server } as const;
  using relay = StreamRelay.open({ ...translated, profile: defaultProfile(), bindTo: "lo" });
  const peerOf = (port: number) => ({ address: "fd00::2", port });
  expect(await relay.reach(server, peerOf(1024), { address: "fd00::1", port: 9 })).toBe("connected");
  while (ports.length === 0) await Bun.sleep(2);
  const [port = 0] = ports;
  expect(await relay.reach(server, peerOf(1025), { address: "::1", port })).toBe("unreachable");
  expect(await relay.reach(server, peerOf(1026), { address: "fd00::1", port })).toBe("connected");
  listener.stop(true);
});
