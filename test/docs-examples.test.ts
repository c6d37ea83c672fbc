// needs root
// Every example of docs/examples runs as it stands, in a network of its own, and does what docs/devices.md says of it.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { NetworkNamespace } from "@bunnel/tun-linux";
import { readCapture } from "@bunnel/wire";

const EXAMPLE_LIMIT_MS = 50_000;
/** A user without any privilege, on a machine whose TUN driver only root may open. */
const NOBODY = [
  ...[
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount -t tmpfs none /dev/net && mknod -m 600 /dev/net/tun c 10 200 && exec "$@"',
  ],
  ...["sh", "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all"],
  ...["--inh-caps", "-all"],
];

const root = dirname(import.meta.dirname);
const examples = join(root, "docs", "examples");

let namespace: NetworkNamespace;
beforeEach(() => {
  namespace = NetworkNamespace.create();
});
afterEach(() => namespace.close());

/** An example that runs until it is ended, in the namespace of the test. */
class Running {
  readonly #child;
  readonly #lines: AsyncGenerator<string, void, undefined>;

  constructor(file: string, ...args: string[]) {
    const command = [process.execPath, join(examples, file), ...args];
    this.#child = namespace.run(() =>
      Bun.spawn(command, { stdout: "pipe", stderr: "inherit", timeout: EXAMPLE_LIMIT_MS, killSignal: "SIGKILL" }),
    );
    this.#lines = linesOf(this.#child.stdout);
  }

  /** The next line that it prints; undefined when it has ended. */
  async line(): Promise<string | undefined> {
    const { value } = await this.#lines.next();
    return value ?? undefined;
  }

  /** All further lines. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of this.#lines) lines.push(line);
    return lines;
  }

  /** Ends it as a user does; gives its exit code. */
  async end(): Promise<number> {
    this.#child.kill("SIGTERM");
    return this.#child.exited;
  }

  get exited(): Promise<number> {
    return this.#child.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of stream) {
    text += decoder.decode(piece, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    yield* lines;
  }
}

/** Runs a command in the namespace without blocking this thread. */
async function inside(...command: string[]): Promise<{ readonly exitCode: number; readonly output: string }> {
  const child = namespace.run(() => Bun.spawn(command, { stdout: "pipe", stderr: "ignore" }));
  const output = await new Response(child.stdout).text();
  return { exitCode: await child.exited, output };
}

function ping(destination: string): Promise<{ readonly exitCode: number; readonly output: string }> {
  return inside("ping", "-n", "-c", "3", "-i", "0.02", "-W", "20", destination);
}

/** What comes back for a datagram to a port, as bash sends and reads it. */
async function ask(destination: string, port: number, text: string): Promise<string> {
  const script = 'exec 3<>"/dev/udp/$0/$1" && printf %s "$2" >&3 && timeout 20 head -c "${#2}" <&3';
  return (await inside("bash", "-c", script, destination, String(port), text)).output;
}

describe("the example", () => {
  test("ping-responder.ts answers pings to every address of its network", async () => {
    const example = new Running("ping-responder.ts");
    expect(await example.line()).toBe("tun0 answers");
    for (const destination of ["192.0.2.77", "192.0.2.200"]) {
      expect((await ping(destination)).output).toContain("3 packets transmitted, 3 received, 0% packet loss");
    }
    expect(await example.end()).toBe(0);
    expect((await inside("ip", "-j", "link", "show", "tun0")).exitCode).not.toBe(0);
  });

  test("udp-echo.ts sends datagrams back, over both families", async () => {
    const example = new Running("udp-echo.ts");
    expect(await example.line()).toBe("tun0 echoes");
    expect(await ask("192.0.2.9", 7, "hello")).toBe("hello");
    expect(await ask("192.0.2.10", 4000, "x".repeat(1400))).toBe("x".repeat(1400));
    expect(await ask("2001:db8:2::9", 7, "hello by IPv6")).toBe("hello by IPv6");
    expect(await example.end()).toBe(0);
  });

  test("packet-logger.ts prints packets and keeps them in a file that tshark and our reader understand", async () => {
    const folder = mkdtempSync(join(tmpdir(), "packet-logger-"));
    try {
      const file = join(folder, "packets.pcapng");
      const example = new Running("packet-logger.ts", file);
      expect(await example.line()).toBe("tun0 logs");
      await inside("ping", "-n", "-c", "3", "-i", "0.02", "-W", "0.01", "192.0.2.77");
      for (let i = 1; i <= 3; i++) {
        expect(await example.line()).toMatch(
          new RegExp(`^tun0 read 84 octets: ICMP 192.0.2.1 > 192.0.2.77 request id=\\d+ seq=${i} len=56`),
        );
      }
      expect(await example.end()).toBe(0);
      expect(await example.rest()).toEqual(["3 packets, 252 octets"]);
      const { interfaces, packets } = readCapture(new Uint8Array(readFileSync(file)));
      expect(interfaces).toEqual([{ linkType: 101, name: "tun0" }]);
      expect(packets.map(({ octets }) => octets.length)).toEqual([84, 84, 84]);
      const seen = Bun.spawnSync([
        "tshark",
        "-r",
        file,
        "-T",
        "fields",
        "-e",
        "ip.dst",
        "-e",
        "icmp.seq",
        "-e",
        "frame.protocols",
      ]);
      expect(seen.stdout.toString().trim().split("\n")).toEqual(
        [1, 2, 3].map((i) => `192.0.2.77\t${i}\traw:ip:icmp:data`),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("router.ts carries packets between two networks, and says when a hop limit is used up", async () => {
    const example = new Running("router.ts");
    const lines = (await example.rest()).join("\n");
    expect(await example.exited).toBe(0);
    expect(lines).toContain("3 packets transmitted, 3 received, 0% packet loss");
    expect(lines).toContain("ttl=63");
    expect(lines).toContain("From 192.0.2.254 icmp_seq=1 Time to live exceeded");
    expect(lines).toContain("carried [ 3, 3 ] packets");
  });

  test("tap-arp.ts is a host on an Ethernet: it answers who it is, and pings", async () => {
    const example = new Running("tap-arp.ts");
    expect(await example.line()).toBe("tap0 has a host");
    expect((await ping("192.0.2.9")).output).toContain("3 received");
    expect((await inside("ip", "neigh", "show", "192.0.2.9")).output).toContain("lladdr 02:00:5e:00:53:09");
    expect(await example.end()).toBe(0);
  });

  test("offload-wire.ts carries super-packets: cut for one side, merged for the other", async () => {
    const example = new Running("offload-wire.ts");
    const lines = await example.rest();
    expect(await example.exited).toBe(0);
    expect(lines[0]).toStartWith("left0 leaves to us: checksum, tcp4, tcp6");
    expect(lines.slice(1, 3)).toEqual(["down", "up"].map((way) => `${way}: 16000000 octets, digests equal`));
    const [left = [], right = []] = lines
      .slice(3)
      .map((line) => line.match(/\d+(?= packets|(?= to it))/g)?.map(Number));
    // As the two kernels count: a packet of the one is many of the other.
    expect(right[1]).toBeGreaterThan(10 * (left[0] ?? Number.NaN));
    expect(right[0]).toBeGreaterThan(2 * (left[1] ?? Number.NaN));
  });
});

describe("the examples", () => {
  test.each(readdirSync(examples).filter((file) => file.endsWith(".ts")))(
    "%s says what is missing to somebody who is not root",
    (file) => {
      const command = [...NOBODY, process.execPath, join(examples, file)];
      const { exitCode, stderr } = namespace.run(() => Bun.spawnSync(command, { env: { HOME: "/tmp" }, cwd: "/tmp" }));
      expect(stderr.toString()).toMatch(/DeviceError: .*(run as root|needs CAP_SYS_ADMIN)/);
      expect(exitCode).toBe(1);
    },
  );

  test("are TypeScript without an error", () => {
    const compiler = join(root, "node_modules", ".bin", "tsc");
    const { exitCode, stdout } = Bun.spawnSync([compiler, "-p", join(examples, "tsconfig.json")]);
    expect([exitCode, stdout.toString()]).toEqual([0, ""]);
  });
});
