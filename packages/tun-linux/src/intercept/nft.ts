// Interception by a mark: nftables marks the packets worth looking at as they leave, a rule sends what is marked into
// our table, and there the only route leads into the device. Everything else never notices.
//
//   application → output hook: mark 0x8000? → rule 9000 → table 4000 → device → … → raw socket, mark 0x4000 → uplink
import { DeviceError, type InterceptionOptions } from "@bunnel/device";
import { parsePrefix } from "../netcfg/address-text.ts";
import { NftClient } from "../nft/client.ts";
import { NFT_TABLE_F_OWNER } from "../nft/constants.ts";
import { deleteTable, flushChain, newArrivalChain, newChain, newRouteChain } from "../nft/message.ts";
import { newRule, newSet, newTable } from "../nft/message.ts";
import type { NetlinkMessage } from "../netlink/message.ts";
import { findCgroups } from "../owners/cgroups.ts";
import { markProcesses } from "../owners/process-marks.ts";
import { HeldInterception } from "./held-interception.ts";
import type { InterceptionSettings, LinuxInterception } from "./interception.ts";
import type { RuleSpec } from "../netcfg/rules.ts";
import { NFT_TABLE } from "./marks.ts";
import { forwardedRules, markedRules } from "./policy.ts";
import { selectionTable, type SelectionChain, type SelectionTable } from "./selection.ts";
import { Session } from "./session.ts";
import { excludedPrefixes, findUplinks, maskedPrefix, type Uplinks } from "./uplinks.ts";

/** NF_IP_PRI_MANGLE of linux/netfilter_ipv4.h: before source addresses are translated. */
const PRIORITY_MANGLE = -150;
/** NF_IP_PRI_RAW of the same: before connections are tracked. */
const PRIORITY_RAW = -300;

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
 * With `options.killSwitch` table and rules stay when the process is killed, and what they select is then unreachable,
 * until the next start or a sweep.
 *
 * With `options.gateway` what arrives by those interfaces and is forwarded by an uplink comes up as well, its hop limit
 * decremented once by the system, its source that of the client. Whether this machine forwards is its own matter.
 *
 * What an earlier run left is removed first. If anything fails, what was done is undone.
 *
 * @throws DeviceError E_DEVICE_MISSING without an uplink or the device, E_DEVICE_BUSY when another bunnel is running,
 * E_DEVICE_OPTION for ports and prefixes that cannot be, E_UNSUPPORTED or E_DEVICE_SYSTEM where the kernel lacks
 * nftables or its inner-header match (Linux 5.16), E_DEVICE_DENIED without CAP_NET_ADMIN
 */
export function interceptNft(options: InterceptionOptions, settings: InterceptionSettings = {}): LinuxInterception {
  using undo = new DisposableStack();
  const session = Session.begin("nft", options, settings, undo);
  const uplinks = findUplinks(session.netlink, options);
  // Options are checked before anything is changed.
  const table = tableOf(uplinks, options);
  markProcesses(options.include, options.exclude);
  const client = undo.use(NftClient.open());
  // These are undone first: what is above is needed for it.
  const changes = undo.use(new DisposableStack());
  // Marked packets have their source already.
  session.addRoutes(changes, {});
  const rules = rulesFor(session, options);
  session.addRules(changes, rules);
  if (session.killSwitch) session.removeOthers(rules, []);
  // Marking comes last: by now there is a way for what is marked.
  changes.defer(() => removeTable(client));
  const ownerFlag = ofTable(() => makeTable(client, table, session.killSwitch));
  return new NftInterception({ options, session, client, changes }, uplinks, ownerFlag, undo.move());
}

/** What an interception holds. */
interface Held {
  readonly options: InterceptionOptions;
  readonly session: Session;
  readonly client: NftClient;
  /** What was done to the network. */
  readonly changes: DisposableStack;
}

class NftInterception extends HeldInterception implements LinuxInterception {
  readonly method = "nft";
  #held: Held;
  #uplinks: Uplinks;
  #made: string;
  #ownerFlag: boolean;

  constructor(held: Held, uplinks: Uplinks, ownerFlag: boolean, undo: DisposableStack) {
    super(held.session, held.changes, undo);
    this.#held = held;
    this.#uplinks = uplinks;
    this.#made = JSON.stringify(ownersOf(held.options));
    this.#ownerFlag = ownerFlag;
  }

  get uplinks(): readonly string[] {
    return this.#uplinks.names;
  }

  get ownerFlag(): boolean {
    return this.#ownerFlag;
  }

  refresh(): boolean {
    this.mustLast("refresh");
    return this.#held.session.inside(() => this.#refresh());
  }

  #refresh(): boolean {
    const { options, session, client } = this.#held;
    const restored = session.restore(rulesFor(session, options), {});
    const uplinks = currentUplinks(session, options) ?? this.#uplinks;
    const table = tableOf(uplinks, options);
    const lost = client.table(NFT_TABLE) === undefined;
    const owners = JSON.stringify(ownersOf(options));
    if (!lost && owners === this.#made && sameUplinks(uplinks, this.#uplinks)) return restored;
    if (lost) this.#ownerFlag = ofTable(() => makeTable(client, table, session.killSwitch));
    else ofTable(() => refillTable(client, table));
    this.#uplinks = uplinks;
    this.#made = owners;
    return true;
  }

  reselect(options: InterceptionOptions): boolean {
    this.mustLast("reselect");
    const { session, client } = this.#held;
    session.inside(() => {
      const uplinks = findUplinks(session.netlink, options);
      const table = tableOf(uplinks, options);
      markProcesses(options.include, options.exclude);
      const flags = this.#ownerFlag ? NFT_TABLE_F_OWNER : 0;
      const before = client.table(NFT_TABLE) === undefined ? [] : [deleteTable(NFT_TABLE)];
      ofTable(() => client.commit([...before, newTable(NFT_TABLE, flags, NFT_TABLE), ...contentOf(table)]));
      this.#held = { ...this.#held, options };
      this.#uplinks = uplinks;
      this.#made = JSON.stringify(ownersOf(options));
    });
    return true;
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

function tableOf(uplinks: Uplinks, options: InterceptionOptions): SelectionTable {
  const excludes = excludedPrefixes(uplinks, options);
  const { select, include, exclude, gateway } = options;
  return selectionTable({
    uplinks: uplinks.names,
    excludes,
    asked: (options.excludes ?? []).map((text) => maskedPrefix(parsePrefix(text))),
    select,
    ...(include && { include }),
    ...(exclude && { exclude }),
    ...(gateway && { gateway }),
  });
}

function rulesFor({ families }: Session, { gateway = [] }: InterceptionOptions): RuleSpec[] {
  return families.flatMap((family) => [...markedRules(family), ...forwardedRules(family, gateway)]);
}

/** What can change while it lasts: control groups come and go, and one of the same name has another number. */
function ownersOf({ include, exclude }: InterceptionOptions): unknown {
  return [include?.cgroups, exclude?.cgroups].map((paths) =>
    findCgroups(paths ?? []).map(({ id, level }) => `${id} ${level}`),
  );
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

/** Makes the table; says whether it goes with this connection. A kill switch's does not, and takes the place of one. */
function makeTable(client: NftClient, table: SelectionTable, killSwitch: boolean): boolean {
  if (killSwitch) {
    const before = client.table(NFT_TABLE) === undefined ? [] : [deleteTable(NFT_TABLE)];
    client.commit([...before, newTable(NFT_TABLE, 0, NFT_TABLE), ...contentOf(table)]);
    return false;
  }
  const ownerFlag = createTable(client);
  client.commit(contentOf(table));
  return ownerFlag;
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

/** Sets and chains first: rules need them to be there. */
function contentOf({ sets, chains }: SelectionTable): NetlinkMessage[] {
  return [
    ...sets.flatMap((set, index) => newSet(NFT_TABLE, set, index + 1)),
    ...chains.map(madeChain),
    ...rulesOf(chains),
  ];
}

function madeChain({ name, hook }: SelectionChain): NetlinkMessage {
  if (hook === "output") return newRouteChain(NFT_TABLE, name, PRIORITY_MANGLE);
  return hook === "arrival" ? newArrivalChain(NFT_TABLE, name, PRIORITY_RAW) : newChain(NFT_TABLE, name);
}

/** In one step: at no moment is a chain half full. */
function refillTable(client: NftClient, { chains }: SelectionTable): void {
  client.commit([...chains.map(({ name }) => flushChain(NFT_TABLE, name)), ...rulesOf(chains)]);
}

function rulesOf(chains: SelectionTable["chains"]): NetlinkMessage[] {
  return chains.flatMap(({ name, rules }) => rules.map((rule) => newRule(NFT_TABLE, name, rule)));
}

function removeTable(client: NftClient): void {
  try {
    client.commit([deleteTable(NFT_TABLE)]);
  } catch (error) {
    if (!(error instanceof DeviceError && error.errno === ENOENT)) throw error;
  }
}
