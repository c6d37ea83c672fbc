// Interception without nftables: policy rules alone. Everything that this machine sends by an uplink comes up, whatever
// the selection says, and our own packets pass by their mark.
//
//   both   rule 8998  our mark → main                        rule 8999  an exception → main
//   IPv4   rule 8999  narrower than a default route → main   rule 9000  from this machine → table 4000 → device
//   IPv6   rule 9000  from this machine → table 4000: thrown back where table main has a narrower route, else → device
//          rule 9001  narrower than a default route → main   rule 9002  from this machine → table 4002 → device
import { DeviceError, type InterceptionOptions } from "@bunnel/device";
import { formatPrefix, parsePrefix } from "../netcfg/address-text.ts";
import type { RuleSpec } from "../netcfg/rules.ts";
import { HeldInterception } from "./held-interception.ts";
import type { InterceptionSettings, LinuxInterception } from "./interception.ts";
import { noteFilters, notedFilters, noteOf } from "./filter-notes.ts";
import { NarrowerRoutes } from "./narrower-routes.ts";
import { currentUplinks } from "./nft.ts";
import { everythingRules, exceptedUsers, exceptionRule, type Family } from "./policy.ts";
import { filtersToLoosen, loosen, restoreFilter } from "./reverse-path.ts";
import { EXCLUDES_MAX, LOCAL_DESTINATIONS } from "./selection.ts";
import { Session } from "./session.ts";
import type { SavedFilter } from "./state.ts";
import { findUplinks, maskedPrefix, type Uplinks } from "./uplinks.ts";

/**
 * Makes all that this machine sends by its default routes come up at the device, in both families, but for packets with
 * our own mark and for local and excluded destinations. `options.select` has no say, and `options.uplinks` only names
 * the interfaces whose filters are loosened and whose addresses packets leave from. The device is up and has no
 * address, and its MTU is that of the uplink.
 *
 * A strict reverse-path filter (rp_filter 1) on an uplink would drop IPv4 answers, so it is loosened (2); what it was
 * stands in the state file before it is changed, and is put back by `close`, by the next start or by a sweep. A
 * reverse-path filter made of firewall rules cannot be helped here. When the process is killed, the routes vanish with
 * the device, traffic flows as before, and rules and filters wait for the sweep.
 *
 * @throws DeviceError as `interceptNft`, but for what concerns nftables
 */
export function interceptRules(options: InterceptionOptions, settings: InterceptionSettings = {}): LinuxInterception {
  refuseOwners(options);
  refuseGateway(options);
  using undo = new DisposableStack();
  const session = Session.begin("rules", options, settings, undo);
  const uplinks = findUplinks(session.netlink, options);
  const exceptions = exceptionsOf(options, session.families);
  // Of what a kill switch left closed, filters are put back by us, and rules that are not ours any more go.
  const left = session.killSwitch ? session.state.read() : undefined;
  const changes = undo.use(new DisposableStack());
  const filters = new LoosenedFilters(session, left?.filters ?? notedFilters(session.netlink));
  changes.defer(() => filters.restore());
  filters.loosen(uplinks.names);
  const narrower = session.families.includes(6) ? new NarrowerRoutes(session.netlink) : undefined;
  changes.defer(() => narrower?.clear());
  narrower?.follow();
  session.addRoutes(changes, uplinks.sources);
  const rules = rulesOf(session.families, exceptions, options);
  session.addRules(changes, rules);
  if (session.killSwitch) session.removeOthers([...rules, ...filters.notes], left?.exceptions ?? []);
  return new RulesInterception({ options, session, rules, filters, narrower, changes }, uplinks, undo.move());
}

/** What an interception holds. */
interface Held {
  readonly options: InterceptionOptions;
  readonly session: Session;
  readonly rules: readonly RuleSpec[];
  readonly filters: LoosenedFilters;
  /** Where IPv6 takes part. */
  readonly narrower: NarrowerRoutes | undefined;
  /** What was done to the network. */
  readonly changes: DisposableStack;
}

class RulesInterception extends HeldInterception implements LinuxInterception {
  readonly method = "rules";
  readonly ownerFlag = false;
  readonly #held: Held;
  #uplinks: Uplinks;

  constructor(held: Held, uplinks: Uplinks, undo: DisposableStack) {
    super(held.session, held.changes, undo);
    this.#held = held;
    this.#uplinks = uplinks;
  }

  get uplinks(): readonly string[] {
    return this.#uplinks.names;
  }

  refresh(): boolean {
    this.mustLast("refresh");
    const { options, session, rules, filters, narrower } = this.#held;
    return session.inside(() => {
      const uplinks = currentUplinks(session, options) ?? this.#uplinks;
      const loosened = filters.loosen(uplinks.names);
      const followed = narrower?.follow() === true;
      const restored = session.restore(rules, uplinks.sources);
      this.#uplinks = uplinks;
      return loosened || followed || restored;
    });
  }

  /** Everything comes up whatever is selected: where owners and exceptions stay, nothing is to be done. */
  reselect(options: InterceptionOptions): boolean {
    const { session, rules, options: before } = this.#held;
    const isOfUplinks = JSON.stringify(options.uplinks) === JSON.stringify(before.uplinks);
    refuseOwners(options);
    const next = rulesOf(session.families, exceptionsOf(options, session.families), options);
    return isOfUplinks && Bun.deepEquals(next, rules);
  }
}

/** The filters that were loosened, and the state file and the rules that remember them. */
class LoosenedFilters {
  readonly #session: Session;
  #filters: readonly SavedFilter[];

  constructor(session: Session, filters: readonly SavedFilter[]) {
    this.#session = session;
    this.#filters = filters;
    this.#save();
  }

  /** The rules that remember them in the system. */
  get notes(): RuleSpec[] {
    return this.#filters.map(noteOf);
  }

  /** Loosens those of these interfaces that are strict. True: there was one. */
  loosen(interfaceNames: readonly string[]): boolean {
    const strict = filtersToLoosen(interfaceNames);
    if (strict.length === 0) return false;
    const names = new Set(strict.map(({ interfaceName }) => interfaceName));
    this.#filters = [...this.#filters.filter(({ interfaceName }) => !names.has(interfaceName)), ...strict];
    // What was must be known before it is changed.
    this.#save();
    for (const filter of strict) loosen(filter);
    return true;
  }

  restore(): void {
    for (const filter of this.#filters) restoreFilter(filter);
    noteFilters(this.#session.netlink, []);
    this.#session.state.clear();
  }

  #save(): void {
    const { state, namespaceName, netlink } = this.#session;
    state.write({ namespace: namespaceName, filters: this.#filters, exceptions: [] });
    noteFilters(netlink, this.#filters);
  }
}

function exceptionsOf(options: InterceptionOptions, families: readonly Family[]): string[] {
  const excludes = options.excludes ?? [];
  if (excludes.length > EXCLUDES_MAX) {
    throw new DeviceError("E_DEVICE_OPTION", `excludes: expected at most ${EXCLUDES_MAX}, found ${excludes.length}`);
  }
  const prefixes = [...LOCAL_DESTINATIONS, ...excludes].map((text) => maskedPrefix(parsePrefix(text)));
  const texts = prefixes
    .filter(({ family }) => families.includes(family))
    .map(({ octets, prefixLength }) => formatPrefix(octets, prefixLength));
  return [...new Set(texts)];
}

function rulesOf(
  families: readonly Family[],
  exceptions: readonly string[],
  { include, exclude }: InterceptionOptions,
): RuleSpec[] {
  const left = (exclude?.users ?? []).flatMap((users) => families.map((family) => exceptedUsers(family, users)));
  const everything = families.flatMap((family) => everythingRules(family, include?.users));
  return [...exceptions.map(exceptionRule), ...left, ...everything];
}

/** What policy rules cannot tell apart is not let pass in silence. */
function refuseOwners({ include, exclude }: InterceptionOptions): void {
  for (const owners of [include, exclude]) {
    for (const name of ["groups", "cgroups", "processes"] as const) {
      if ((owners?.[name] ?? []).length > 0) throw needsNft(name);
    }
  }
  if ((exclude?.interfaces ?? []).length > 0) throw needsNft("interfaces");
}

/** Without connection tracking's consent a masqueraded connection ends at its first packet in the device. */
function refuseGateway({ gateway = [] }: InterceptionOptions): void {
  if (gateway.length > 0) {
    throw new DeviceError("E_UNSUPPORTED", 'gateway: taking up what is forwarded needs nftables (method "nft")');
  }
}

function needsNft(name: string): DeviceError {
  return new DeviceError("E_UNSUPPORTED", `${name}: telling packets apart by them needs nftables (method "nft")`);
}
