// Numbers of Windows, each under the name that its header has for it.

// winsock2.h; AF_INET6 is 10 on Linux, 30 on macOS, 28 on FreeBSD.
export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 23;

// winerror.h
export const NO_ERROR = 0;
export const ERROR_FILE_NOT_FOUND = 2;
export const ERROR_ACCESS_DENIED = 5;
export const ERROR_INVALID_HANDLE = 6;
export const ERROR_INVALID_DATA = 13;
export const ERROR_GEN_FAILURE = 31;
export const ERROR_HANDLE_EOF = 38;
export const ERROR_NOT_SUPPORTED = 50;
export const ERROR_DEV_NOT_EXIST = 55;
export const ERROR_INVALID_PARAMETER = 87;
export const ERROR_BUFFER_OVERFLOW = 111;
export const ERROR_ALREADY_EXISTS = 183;
export const ERROR_NO_MORE_ITEMS = 259;
export const ERROR_OPERATION_ABORTED = 995;
export const ERROR_IO_INCOMPLETE = 996;
export const ERROR_IO_PENDING = 997;
export const ERROR_NOT_FOUND = 1168;
export const ERROR_ALREADY_INITIALIZED = 1247;
export const ERROR_OBJECT_ALREADY_EXISTS = 5010;

// winbase.h, winerror.h
export const WAIT_OBJECT_0 = 0;
export const WAIT_TIMEOUT = 258;
export const INFINITE = 0xffffffff;

// winnt.h
export const WT_EXECUTEINWAITTHREAD = 0x4;
export const WT_EXECUTEONLYONCE = 0x8;

// winnt.h, fileapi.h, winbase.h
export const GENERIC_READ = 0x80000000;
export const GENERIC_WRITE = 0x40000000;
export const OPEN_EXISTING = 3;
export const FILE_ATTRIBUTE_SYSTEM = 0x4;
export const FILE_FLAG_OVERLAPPED = 0x40000000;

// winreg.h, winnt.h
export const HKEY_LOCAL_MACHINE = 0x80000002;
export const KEY_READ = 0x20019;
export const REG_SZ = 1;
export const REG_DWORD = 4;

// wintun.h
export const WINTUN_MIN_RING_CAPACITY = 0x20000;
export const WINTUN_MAX_RING_CAPACITY = 0x4000000;
export const WINTUN_MAX_IP_PACKET_SIZE = 0xffff;
/** MAX_ADAPTER_NAME: UTF-16 units with the NUL behind them. */
export const WINTUN_MAX_ADAPTER_NAME = 128;

// tap-windows.h of tap-windows6: CTL_CODE(FILE_DEVICE_UNKNOWN, n, METHOD_BUFFERED, FILE_ANY_ACCESS)
export const TAP_WIN_IOCTL_GET_MAC = 0x220004;
export const TAP_WIN_IOCTL_GET_VERSION = 0x220008;
export const TAP_WIN_IOCTL_GET_MTU = 0x22000c;
export const TAP_WIN_IOCTL_SET_MEDIA_STATUS = 0x220018;
export const TAP_WIN_IOCTL_CONFIG_TUN = 0x220028;
export const TAP_USERMODEDEVICEDIR = "\\\\.\\Global\\";
export const TAP_WIN_SUFFIX = ".tap";
export const TAP_ADAPTER_KEY = "SYSTEM\\CurrentControlSet\\Control\\Class\\{4D36E972-E325-11CE-BFC1-08002BE10318}";
export const TAP_CONNECTION_KEY = "SYSTEM\\CurrentControlSet\\Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}";

// nldef.h
export const IpPrefixOriginManual = 1;
export const IpSuffixOriginManual = 1;
export const IpDadStatePreferred = 4;
export const RouterDiscoveryDisabled = 0;
export const LinkLocalAlwaysOff = 0;
export const NlroManual = 0;
export const NlnsPermanent = 6;

// iprtrmib.h
export const MIB_IPPROTO_NETMGMT = 3;

// ifdef.h, ipifcons.h
export const IfOperStatusUp = 1;
export const NET_IF_ADMIN_STATUS_UP = 1;
export const IF_TYPE_ETHERNET_CSMACD = 6;
export const IF_TYPE_SOFTWARE_LOOPBACK = 24;
export const IF_TYPE_PROP_VIRTUAL = 53;
export const IF_MAX_STRING_SIZE = 256;

/** Of lifetimes: for ever. */
export const LIFETIME_INFINITE = 0xffffffff;

// netioapi.h of the Windows SDK: DNS_INTERFACE_SETTINGS
export const DNS_INTERFACE_SETTINGS_VERSION1 = 1;
export const DNS_SETTING_IPV6 = 0x1n;
export const DNS_SETTING_NAMESERVER = 0x2n;
export const DNS_SETTING_SEARCHLIST = 0x4n;
