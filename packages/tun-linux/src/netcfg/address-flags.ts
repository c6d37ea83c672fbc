// Flags of addresses. Source: linux/if_addr.h IFA_F_*.

/** IPv4: a further address of its network; IPv6: one of the temporary addresses (RFC 8981). */
export const IFA_F_SECONDARY = 0x01;
/** Nobody looks for a duplicate. */
export const IFA_F_NODAD = 0x02;
export const IFA_F_OPTIMISTIC = 0x04;
/** Another host has it, too: it is not used. */
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_HOMEADDRESS = 0x10;
export const IFA_F_DEPRECATED = 0x20;
/** The look for a duplicate goes on: it is not used yet. */
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_MANAGETEMPADDR = 0x100;
export const IFA_F_NOPREFIXROUTE = 0x200;
export const IFA_F_MCAUTOJOIN = 0x400;
export const IFA_F_STABLE_PRIVACY = 0x800;

const NAMES = {
  secondary: IFA_F_SECONDARY,
  noDad: IFA_F_NODAD,
  optimistic: IFA_F_OPTIMISTIC,
  dadFailed: IFA_F_DADFAILED,
  home: IFA_F_HOMEADDRESS,
  deprecated: IFA_F_DEPRECATED,
  tentative: IFA_F_TENTATIVE,
  permanent: IFA_F_PERMANENT,
  manageTemporary: IFA_F_MANAGETEMPADDR,
  noPrefixRoute: IFA_F_NOPREFIXROUTE,
  autoJoin: IFA_F_MCAUTOJOIN,
  stablePrivacy: IFA_F_STABLE_PRIVACY,
} as const;

/**
 * The name of a flag that an address has (IFA_F_*): secondary, noDad, optimistic, dadFailed, home, deprecated,
 * tentative, permanent, manageTemporary, noPrefixRoute, autoJoin, stablePrivacy.
 */
export type AddressFlag = keyof typeof NAMES;

/** Flags that an address can be given; all start out false. */
export interface AddressFlags {
  /** IPv6: usable at once, without a look for a duplicate. */
  readonly noDad?: boolean;
  /** IPv6: usable while the look for a duplicate is under way (RFC 4429). */
  readonly optimistic?: boolean;
  /** IPv6: the home address of a mobile host (RFC 6275). */
  readonly home?: boolean;
  /** IPv6: the kernel makes temporary addresses beside it. */
  readonly manageTemporary?: boolean;
  /** No route to the address's network comes with it. */
  readonly noPrefixRoute?: boolean;
  /** The kernel joins multicast groups on behalf of the address. */
  readonly autoJoin?: boolean;
}

const SETTABLE: readonly (keyof AddressFlags)[] = [
  "noDad",
  "optimistic",
  "home",
  "manageTemporary",
  "noPrefixRoute",
  "autoJoin",
];

export function addressFlagNames(flags: number): AddressFlag[] {
  return (Object.keys(NAMES) as AddressFlag[]).filter((name) => (flags & NAMES[name]) !== 0);
}

export function addressFlagBits(flags: AddressFlags): number {
  return SETTABLE.reduce((bits, name) => (flags[name] ? bits | NAMES[name] : bits), 0);
}
