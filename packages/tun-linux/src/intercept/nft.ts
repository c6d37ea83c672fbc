// Interception by a mark: nftables marks the packets worth looking at as they leave, a rule sends what is marked into
// our table, and there the only route leads into the device. Everything else never notices.
//
//   application → output hook: mark 0x8000? → rule 9000 → table 4000 → device → … → raw socket, mark 0x4000 → uplink
import { DeviceError, type InterceptionOptions, type SweepReport } from "@bunnel/device";
import { NftClient } from "../nft/client.ts";
import { NFT_TABLE_F_OWNER } from "../nft/constants.ts";
import { deleteTable, flushChain, newChain, newRouteChain, newRule, newTable } from "../nft/message.ts";
import type { InterceptionSettings, LinuxInterception } from "./interception.ts";
import { NFT_TABLE } from "./marks.ts";
import { markedRules, type Family } from "./policy.ts";
import { CHAIN_OUTPUT, selectionChains, type SelectionChain } from "./selection.ts";
import { Session } from "./session.ts";
import { excludedPrefixes, findUplinks, type Uplinks } from "./uplinks.ts";

/** NF_IP_PRI_MANGLE of linux/netfilter_ipv4.h: before source addresses are translated. */
const PRIORITY_MANGLE = -150;

// asm-generic/errno-base.h, asm-generic/errno.h: a kernel that does not know a flag
const ENOENT = 2;
const EINVAL = 22;
const EOPNOTSUPP = 95;

/**
 * Makes the packets that `options.select` names come up at the device, in both families: TCP and UDP only, leaving by
 * an uplink, without our own mark, to no local destination. The device is up and has no address, and its MTU is that of
 * the uplink. No system setting is changed. When the process ends, by whatever cause, routes and table vanish with it
 * and traffic flows as before; the two rules that a kill leaves behind lead nowhere, and the next start removes them.
 *
 * What an earlier run left is removed first. If anything fails, what was done is undone.
 *
 * @throws DeviceError E_DEVICE_MISSING without an uplink or the device, E_DEVICE_BUSY when another bunnel is running,
 * E_DEVICE_OPTION for ports and prefixes that cannot be, E_UNSUPPORTED or E_DEVICE_SYSTEM where the kernel lacks
 * nftables or its inner-header match (Linux 5.16), E_DEVICE_DENIED without CAP_NET_ADMIN
 */
export function interceptNft(options: InterceptionOptions, settings: InterceptionSettings = {}): LinuxInterception {
  using undo = new DisposableStack();
  const session = Session.begin(options, settings, undo);
  const uplinks = findUplinks(session.netlink, options);
  // Options are checked before anything is changed.
  const chains = chainsOf(uplinks, options);
  // Marked packets have their source already.
  session.addRoutes(undo, {});
  session.addRules(undo, session.families.flatMap(markedRules));
  // Marking comes last: by now there is a way for what is marked.
  const client = undo.use(NftClient.open());
  const ownerFlag = ofTable(() => createTable(client));
  undo.defer(() => removeTable(client));
  ofTable(() => fillTable(client, chains));
  return new NftInterception(options, session, client, uplinks, ownerFlag, undo.move());
}

class NftInterception implements LinuxInterception {
  readonly method = "nft";
  readonly swept: SweepReport;
  readonly families: readonly Family[];
  readonly #options: InterceptionOptions;
  readonly #session: Session;
  readonly #client: NftClient;
  readonly #undo: DisposableStack;
  #uplinks: Uplinks;
  #ownerFlag: boolean;

  constructor(
    options: InterceptionOptions,
    session: Session,
    client: NftClient,
    uplinks: Uplinks,
    ownerFlag: boolean,
    undo: DisposableStack,
  ) {
    this.swept = session.swept;
    this.families = session.families;
    this.#options = options;
    this.#session = session;
    this.#client = client;
    this.#uplinks = uplinks;
    this.#ownerFlag = ownerFlag;
    this.#undo = undo;
  }

  get uplinks(): readonly string[] {
    return this.#uplinks.names;
  }

  get ownerFlag(): boolean {
    return this.#ownerFlag;
  }

  refresh(): boolean {
    if (this.#undo.disposed) throw new DeviceError("E_DEVICE_STATE", "interception: refresh after close");
    return this.#session.inside(() => this.#refresh());
  }

  #refresh(): boolean {
    const restored = this.#session.restore(this.families.flatMap(markedRules), {});
    const uplinks = currentUplinks(this.#session, this.#options) ?? this.#uplinks;
    const chains = chainsOf(uplinks, this.#options);
    const lost = this.#client.table(NFT_TABLE) === undefined;
    if (!lost && sameUplinks(uplinks, this.#uplinks)) return restored;
    if (lost) {
      this.#ownerFlag = ofTable(() => createTable(this.#client));
      ofTable(() => fillTable(this.#client, chains));
    } else {
      ofTable(() => refillTable(this.#client, chains));
    }
    this.#uplinks = uplinks;
    return true;
  }

  close(): void {
    if (!this.#undo.disposed) this.#session.inside(() => this.#undo.dispose());
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Undefined while there is none: a network that is down for a moment comes back, most often the same. */
export function currentUplinks(session: Session, options: InterceptionOptions): Uplinks | undefined {
  try {
    return findUplinks(session.netlink, options);
  } catch (error) {
    if (error instanceof DeviceError && error.code === "E_DEVICE_MISSING") return undefined;
    throw error;
  }
}

function sameUplinks(a: Uplinks, b: Uplinks): boolean {
  return JSON.stringify([a.names, a.onLink]) === JSON.stringify([b.names, b.onLink]);
}

function chainsOf(uplinks: Uplinks, options: InterceptionOptions): SelectionChain[] {
  const excludes = excludedPrefixes(uplinks, options);
  return selectionChains({ uplinks: uplinks.names, excludes, select: options.select });
}

/** Says in the error of `work` what it was about. */
function ofTable<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    const { code, message, errno } = error;
    throw new DeviceError(code, `nftables table inet ${NFT_TABLE}: ${message}`, errno, { cause: error });
  }
}

/** Makes the empty table, bound to the connection where the kernel can do that; says whether it is. */
export function createTable(client: Pick<NftClient, "commit">): boolean {
  try {
    client.commit([newTable(NFT_TABLE, NFT_TABLE_F_OWNER, NFT_TABLE)]);
    return true;
  } catch (error) {
    if (!(error instanceof DeviceError && [EINVAL, EOPNOTSUPP].includes(error.errno))) throw error;
    client.commit([newTable(NFT_TABLE, 0, NFT_TABLE)]);
    return false;
  }
}

function fillTable(client: NftClient, chains: readonly SelectionChain[]): void {
  // A rule that goes to a chain needs it to be there.
  const made = chains.map(({ name }) =>
    name === CHAIN_OUTPUT ? newRouteChain(NFT_TABLE, name, PRIORITY_MANGLE) : newChain(NFT_TABLE, name),
  );
  client.commit([...made, ...rulesOf(chains)]);
}

/** In one step: at no moment is a chain half full. */
function refillTable(client: NftClient, chains: readonly SelectionChain[]): void {
  client.commit([...chains.map(({ name }) => flushChain(NFT_TABLE, name)), ...rulesOf(chains)]);
}

function rulesOf(chains: readonly SelectionChain[]): ReturnType<typeof newRule>[] {
  return chains.flatMap(({ name, rules }) => rules.map((rule) => newRule(NFT_TABLE, name, rule)));
}

function removeTable(client: NftClient): void {
  try {
    client.commit([deleteTable(NFT_TABLE)]);
  } catch (error) {
    if (!(error instanceof DeviceError && error.errno === ENOENT)) throw error;
  }
}
