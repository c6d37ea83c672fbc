// Structs of Windows as data. Offsets and sizes are those of the headers, the same on x64 and arm64; the suite compares
// each with tables computed from them, and with mingw-w64's headers by a compiler.
import { Struct } from "@bunnel/ffi";

/** ws2ipdef.h: IPv4 has its address at 4, IPv6 at 8. */
export const SOCKADDR_INET = new Struct("SOCKADDR_INET", 28, {
  si_family: { at: 0, type: "u16" },
  Ipv4Address: { at: 4, type: "octets", bytes: 4 },
  Ipv6Address: { at: 8, type: "octets", bytes: 16 },
});

/** netioapi.h */
export const IP_ADDRESS_PREFIX = new Struct("IP_ADDRESS_PREFIX", 32, {
  Prefix: { at: 0, type: "octets", bytes: 28 },
  PrefixLength: { at: 28, type: "u8" },
});

/** netioapi.h */
export const MIB_UNICASTIPADDRESS_ROW = new Struct("MIB_UNICASTIPADDRESS_ROW", 80, {
  Address: { at: 0, type: "octets", bytes: 28 },
  InterfaceLuid: { at: 32, type: "u64" },
  InterfaceIndex: { at: 40, type: "u32" },
  PrefixOrigin: { at: 44, type: "i32" },
  SuffixOrigin: { at: 48, type: "i32" },
  ValidLifetime: { at: 52, type: "u32" },
  PreferredLifetime: { at: 56, type: "u32" },
  OnLinkPrefixLength: { at: 60, type: "u8" },
  SkipAsSource: { at: 61, type: "u8" },
  DadState: { at: 64, type: "i32" },
});

/** netioapi.h; only what the driver reads or changes: the row goes back as it came, but for that. */
export const MIB_IPINTERFACE_ROW = new Struct("MIB_IPINTERFACE_ROW", 168, {
  Family: { at: 0, type: "u16" },
  InterfaceLuid: { at: 8, type: "u64" },
  InterfaceIndex: { at: 16, type: "u32" },
  ForwardingEnabled: { at: 41, type: "u8" },
  UseAutomaticMetric: { at: 44, type: "u8" },
  RouterDiscoveryBehavior: { at: 52, type: "i32" },
  DadTransmits: { at: 56, type: "u32" },
  LinkLocalAddressBehavior: { at: 72, type: "i32" },
  SitePrefixLength: { at: 144, type: "u32" },
  Metric: { at: 148, type: "u32" },
  NlMtu: { at: 152, type: "u32" },
  Connected: { at: 156, type: "u8" },
});

/** netioapi.h */
export const MIB_IPFORWARD_ROW2 = new Struct("MIB_IPFORWARD_ROW2", 104, {
  InterfaceLuid: { at: 0, type: "u64" },
  InterfaceIndex: { at: 8, type: "u32" },
  DestinationPrefix: { at: 12, type: "octets", bytes: 32 },
  NextHop: { at: 44, type: "octets", bytes: 28 },
  ValidLifetime: { at: 76, type: "u32" },
  PreferredLifetime: { at: 80, type: "u32" },
  Metric: { at: 84, type: "u32" },
  Protocol: { at: 88, type: "i32" },
  Immortal: { at: 95, type: "u8" },
  Origin: { at: 100, type: "i32" },
});

/** netioapi.h */
export const MIB_IPNET_ROW2 = new Struct("MIB_IPNET_ROW2", 88, {
  Address: { at: 0, type: "octets", bytes: 28 },
  InterfaceIndex: { at: 28, type: "u32" },
  InterfaceLuid: { at: 32, type: "u64" },
  PhysicalAddress: { at: 40, type: "octets", bytes: 32 },
  PhysicalAddressLength: { at: 72, type: "u32" },
  State: { at: 76, type: "i32" },
});

/** netioapi.h */
export const MIB_IF_ROW2 = new Struct("MIB_IF_ROW2", 1352, {
  InterfaceLuid: { at: 0, type: "u64" },
  InterfaceIndex: { at: 8, type: "u32" },
  InterfaceGuid: { at: 12, type: "octets", bytes: 16 },
  Alias: { at: 28, type: "octets", bytes: 514 },
  Description: { at: 542, type: "octets", bytes: 514 },
  PhysicalAddressLength: { at: 1056, type: "u32" },
  PhysicalAddress: { at: 1060, type: "octets", bytes: 32 },
  Mtu: { at: 1124, type: "u32" },
  Type: { at: 1128, type: "u32" },
  OperStatus: { at: 1156, type: "i32" },
  AdminStatus: { at: 1160, type: "i32" },
  MediaConnectState: { at: 1164, type: "i32" },
  InOctets: { at: 1208, type: "u64" },
  InUcastPkts: { at: 1216, type: "u64" },
  OutOctets: { at: 1280, type: "u64" },
  OutUcastPkts: { at: 1288, type: "u64" },
});

/** Of tables: the number of rows, and where the first one stands. */
export const TABLE_ROWS_AT = 8;

/** netioapi.h of the Windows SDK, version 1; pointers are addresses. */
export const DNS_INTERFACE_SETTINGS = new Struct("DNS_INTERFACE_SETTINGS", 64, {
  Version: { at: 0, type: "u32" },
  Flags: { at: 8, type: "u64" },
  NameServer: { at: 24, type: "u64" },
  SearchList: { at: 32, type: "u64" },
});

/** minwinbase.h */
export const OVERLAPPED_BYTES = 32;
export const OVERLAPPED_EVENT_AT = 24;
