// docs/devices.md names every part of the two libraries' interfaces, and a test that is there for each row.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A block may name something to show how it comes about. */
const LOOSE = { noUnusedLocals: false };
/** A compiler reads several packages. */
const LIMIT_MS = 60_000;

const root = dirname(import.meta.dirname);
const text = readFileSync(join(root, "docs", "devices.md"), "utf8");
const rowsFolder = join("packages", "tun-linux", "test", "rows");

/** tun-rs 2.8: DeviceBuilder, packets, configuration, async; constructors aside. */
const TUN_RS = `
  build_sync build_async with name mtu ipv4 ipv6 ipv6_tuple layer enable inherit_enable_state mac_addr description
  mtu_v4 mtu_v6 device_guid wintun_log wintun_file ring_capacity metric delete_driver tx_queue_len offload multi_queue
  packet_information associate_route peer_feth reuse_dev persist IDEAL_BATCH_SIZE VIRTIO_NET_HDR_LEN
  PACKET_INFORMATION_LENGTH ToIpv4Address ToIpv6Address
  recv send recv_vectored send_vectored try_recv try_send shutdown set_nonblocking is_nonblocking from_fd into_raw_fd
  as_raw_fd borrow_raw recv_intr recv_intr_timeout send_intr wait_readable_intr wait_readable_intr_timeout
  recv_vectored_intr recv_vectored_intr_timeout send_vectored_intr wait_writable_intr InterruptEvent trigger
  trigger_value is_trigger value reset try_clone recv_multiple send_multiple tcp_gso udp_gso
  if_index addresses set_mtu set_network_address add_address_v4 add_address_v6 remove_address mac_address
  set_mac_address set_name is_running broadcast set_broadcast remove_address_v6 set_tx_queue_len user group
  set_associate_route ignore_packet_info set_ignore_packet_info enable_tunsifhead if_luid set_mtu_v6 set_metric version
  set_dns_servers clear_dns_servers utun_fd enabled
  AsyncDevice BorrowedAsyncDevice into_fd readable writable poll_readable poll_recv poll_writable poll_send DeviceFramed
  split into_inner`;

/** tappers 0.4: Tun, Tap, Interface, addresses, and what single systems have. */
const TAPPERS = `
  Tun Tap new new_named name set_state set_up set_down mtu set_nonblocking nonblocking addrs add_addr remove_addr send
  recv AsFd AsRawFd read_handle AsyncTun AsyncTap
  Interface MAX_INTERFACE_NAME_LEN any from_cstr from_index exists index name_raw name_cstr
  AddressInfo AddAddress set_broadcast set_destination set_netmask DeviceState MacAddr
  create_named set_persistent set_name state set_mtu set_linktype set_debug set_owner set_group
  new_numbered destroy lro set_lro peer_name min_mtu max_mtu arp set_arp set_ll_addr
  TunAdapter TunSession create open driver_version set_log_callback luid start_session`;

/** What neither has and Linux can have, by words of the rows. */
const NEITHER = [
  "routes",
  "policy rules",
  "neighbours",
  "name servers on Linux",
  "stream of events",
  "batches",
  "counters",
  "a capture",
  "a device in memory",
  "split tunnel; kill switch",
  "veth",
  "tests that move packets",
];

interface Row {
  readonly name: string;
  readonly tunRs: string;
  readonly tappers: string;
  readonly ours: string;
  readonly shownBy: string;
}

const rows: readonly Row[] = text
  .slice(text.indexOf("## Comparison"))
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| row |"))
  .map((line) => {
    const [, name = "", tunRs = "", tappers = "", ours = "", shownBy = ""] = line.split("|").map((cell) => cell.trim());
    return { name, tunRs, tappers, ours, shownBy };
  });

function wordsOf(cells: readonly string[]): Set<string> {
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "")));
}

/** The files that a cell names. */
function filesOf(cell: string): string[] {
  const named = [...cell.matchAll(/\brows\/([a-z-]+)/g)].map((match) => join(rowsFolder, `${match[1]}.test.ts`));
  return [...named, ...[...cell.matchAll(/`([\w/.-]+\.ts)`/g)].map((match) => match[1] ?? "")];
}

describe("the comparison", () => {
  test.each([
    ["tun-rs", TUN_RS, rows.map(({ tunRs }) => tunRs)],
    ["tappers", TAPPERS, rows.map(({ tappers }) => tappers)],
  ] as const)("names every part of %s, and no other", (_, names, cells) => {
    expect([...wordsOf(cells)].toSorted()).toEqual(names.trim().split(/\s+/).toSorted());
  });

  test.each(NEITHER)("has a row for %s, which neither has on Linux", (words) => {
    expect(rows.filter(({ name }) => name.includes(words))).not.toEqual([]);
  });

  test.each(rows)("$name: a test that is there shows it, or a reason is given", ({ ours, shownBy }) => {
    const files = filesOf(shownBy);
    for (const file of files) expect([file, existsSync(join(root, file))]).toEqual([file, true]);
    if (files.length === 0) expect(ours).toStartWith("– : ");
  });

  test("leaves no test of a row out", () => {
    const named = new Set(rows.flatMap(({ shownBy }) => filesOf(shownBy)));
    const there = readdirSync(join(root, rowsFolder)).filter((file) => file.endsWith(".test.ts"));
    expect(there.filter((file) => !named.has(join(rowsFolder, file)))).toEqual([]);
  });
});

describe("the guide", () => {
  test(
    "has no code that a compiler refuses",
    () => {
      const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
      expect(blocks.length).toBeGreaterThan(0);
      // They must lie here: a block sees what this package sees.
      const files = blocks.map((_, i) => join(import.meta.dirname, `.readme-example-${process.pid}-${i}.ts`));
      const config = join(import.meta.dirname, `.readme-example-${process.pid}.json`);
      try {
        for (const [i, block] of blocks.entries()) writeFileSync(files[i] ?? "", `${block}\nexport {};\n`);
        writeFileSync(config, JSON.stringify({ extends: "../tsconfig.base.json", compilerOptions: LOOSE, files }));
        const compiler = join(root, "node_modules", ".bin", "tsc");
        expect(Bun.spawnSync([compiler, "-p", config]).stdout.toString()).toBe("");
      } finally {
        for (const file of [...files, config]) rmSync(file, { force: true });
      }
    },
    LIMIT_MS,
  );

  test("names every example", () => {
    const examples = readdirSync(join(root, "docs", "examples")).filter((file) => file.endsWith(".ts"));
    expect(examples.filter((file) => !text.includes(`(examples/${file})`))).toEqual([]);
  });

  test("leads nowhere that is not there", () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)].map((match) => match[1] ?? "");
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !existsSync(join(root, "docs", link)))).toEqual([]);
  });
});
