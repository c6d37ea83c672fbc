// needs root: namespaces, /dev/net/tun, nft, curl, nginx, ping, traceroute, tracepath
// What the network says about packets reaches the programs that sent them: too big, expired, nobody there.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { BLOCKED_NAME, contentBlocks, contentDigest, serverAddress } from "@bunnel/lab/live";
import { clientHello, POST_QUANTUM_SHARE_BYTES } from "@bunnel/wire";
import { OUR_MARK } from "@bunnel/tun-linux";
import { METHODS, succeed, upload } from "../lab.ts";
import { type Nginx, NGINX_PORT, startNginx } from "../nginx.ts";
import { FAMILIES, Rig, type Running } from "./rig.ts";

setDefaultTimeout(240_000);

const NARROW = 1400;
const UPLOAD_BYTES = 5_000_000;
/** Octets of an echo request around its data: IP and ICMP headers. */
const HEADERS = { 4: 28, 6: 48 } as const;
/** A port where nobody listens. */
const CLOSED_PORT = 7777;
/** Routers on the way: the censor's and the plain one; then the server. */
const HOPS = 3;

describe.each(METHODS)("with method %s, behind a link of 1400 octets", (method) => {
  let rig: Rig;
  let running: Running;
  let nginx: Nginx;

  beforeAll(async () => {
    rig = await Rig.open();
    const { hop, server } = rig.lab;
    nginx = await startNginx(server, rig.file("nginx"));
    // The server says what it takes by its MSS, which would tell: its own end of the link stays wide.
    await succeed(hop, ["ip", "link", "set", "server0", "mtu", String(NARROW)]);
    running = await rig.up({ method });
  });
  afterAll(() => rig?.[Symbol.asyncDispose]());

  const forgetPaths = (): Promise<string> => rig.sh("ip -4 route flush cache; ip -6 route flush cache");
  const ping = async (family: 4 | 6, bytes: number): Promise<string> => {
    const words = ["ping", "-M", "do", "-c", "2", "-i", "0.2", "-W", "2", "-s", String(bytes - HEADERS[family])];
    const { stdout, stderr } = await rig.lab.client.run([...words, serverAddress(family)]);
    return stdout + stderr;
  };

  test.each(FAMILIES)("ping hears that a packet is too big, and passes with one that is not: IPv%i", async (family) => {
    await forgetPaths();
    expect(await ping(family, 1500)).toMatch(/frag needed and DF set|packet too big|message too long/iu);
    expect(await ping(family, NARROW)).toContain(" 0% packet loss");
  });

  test.each(FAMILIES)("tracepath finds the narrow link and every router: IPv%i", async (family) => {
    await forgetPaths();
    const found = await succeed(rig.lab.client, ["tracepath", `-${family}`, "-n", "-m", "6", serverAddress(family)]);
    expect(found).toContain(`Resume: pmtu ${NARROW}`);
  });

  test.each(FAMILIES)("an upload goes through whole: IPv%i", async (family) => {
    await forgetPaths();
    const file = rig.file(`up-${family}.bin`);
    await Bun.write(file, Buffer.concat([...contentBlocks(UPLOAD_BYTES)]));
    const { authority } = nginx;
    const target = { family, scheme: "https", port: NGINX_PORT, host: BLOCKED_NAME, authority } as const;
    await upload(rig.lab, target, `/up/${family}.bin`, file, "PUT");
    const arrived = await Bun.file(join(nginx.folder, `up/${family}.bin`)).bytes();
    expect(Bun.CryptoHasher.hash("sha256", arrived, "hex")).toBe(contentDigest(UPLOAD_BYTES));
  });

  test.each(FAMILIES)("a hello of two segments is rewritten and answered: IPv%i", async (family) => {
    await forgetPaths();
    const { replaced } = await running.status();
    const hello = clientHello({ serverName: BLOCKED_NAME, keyShareBytes: POST_QUANTUM_SHARE_BYTES, padToBytes: 2500 });
    const script = `exec 3<>/dev/tcp/${serverAddress(family)}/443; cat >&3; timeout 8 head -c 1 <&3 | wc -c`;
    expect((await succeed(rig.lab.client, ["bash", "-c", script], hello)).trim()).toBe("1");
    expect((await running.status()).replaced).toBeGreaterThan(replaced);
  });

  test.each(FAMILIES)("what was learnt past the device lets nothing pass it by: IPv%i", async (family) => {
    await forgetPaths();
    const { replaced } = await running.status();
    const address = serverAddress(family);
    await rig.sh(`ping -m ${OUR_MARK} -M do -c 2 -i 0.2 -W 2 -s ${1500 - HEADERS[family]} ${address} || true`);
    expect(await rig.sh(`ip route get ${address} mark ${OUR_MARK}`)).toContain(`mtu ${NARROW}`);
    await rig.expectServed([family]);
    expect((await running.status()).replaced).toBeGreaterThan(replaced);
  });

  test.each(FAMILIES)("traceroute sees every router, by datagrams, echoes and TCP: IPv%i", async (family) => {
    for (const way of [[], ["-I"], ["-T", "-p", "443"]]) {
      const words = ["traceroute", `-${family}`, "-n", "-q", "1", "-w", "2", "-m", "6", ...way, serverAddress(family)];
      const lines = (await succeed(rig.lab.client, words)).trim().split("\n").slice(1);
      expect({ way, lines: lines.length, unanswered: lines.filter((line) => line.includes("*")) }).toEqual({
        way,
        lines: HOPS,
        unanswered: [],
      });
    }
  });

  test.each(FAMILIES)("a sender hears that nobody is there: IPv%i", async (family) => {
    const send = (kind: "tcp" | "udp"): Promise<string> => {
      const path = `/dev/${kind}/${serverAddress(family)}/${CLOSED_PORT}`;
      const script = `exec 3<>${path} && echo word >&3 && timeout 2 cat <&3; true`;
      return rig.lab.client.run(["bash", "-c", script]).then(({ stderr }) => stderr);
    };
    expect(await send("tcp")).toContain("Connection refused");
    expect(await send("udp")).toContain("Connection refused");
  });
});
