// Where the servers of a lab listen: the ports that censors and bypasses look at, and two well-known small services.
export const HTTPS_PORT = 443;
export const HTTP_PORT = 80;
export const DNS_PORT = 53;
/** RFC 862 */
export const ECHO_PORT = 7;
/** RFC 863; the datagrams are counted before they are discarded. */
export const PROBE_PORT = 9;
