// From octets to a meta record: IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200) down to TCP, UDP, ICMP.
#ifndef BENCH_PARSE_H
#define BENCH_PARSE_H

#include <stdbool.h>

#include "meta.h"
#include "octets.h"

enum { IPV6_HEADER_BYTES = 40, EXTENSION_HEADERS_MAX = 8, PACKET_MAX_BYTES = 65535 };
enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60 };
enum { MOBILITY = 135, HIP = 139, SHIM6 = 140 };

/** The rest of the packet has no structure for us: a later fragment, or a protocol that we do not read. */
static inline bool parse_opaque(uint32_t offset, uint32_t total, struct meta *meta) {
  meta->payload_offset = offset;
  meta->payload_bytes = total - offset;
  return true;
}

static inline bool parse_tcp(const uint8_t *segment, uint32_t offset, uint32_t total, struct meta *meta) {
  if (offset + 20 > total) return false;
  uint32_t header_bytes = (segment[12] >> 4) << 2;
  if (header_bytes < 20 || offset + header_bytes > total) return false;
  meta->source_port = be16(segment);
  meta->destination_port = be16(segment + 2);
  meta->seq = be32(segment + 4);
  meta->ack = be32(segment + 8);
  meta->tcp_flags = segment[13];
  return parse_opaque(offset + header_bytes, total, meta);
}

static inline bool parse_udp(const uint8_t *datagram, uint32_t offset, uint32_t total, struct meta *meta) {
  if (offset + 8 > total) return false;
  uint32_t end = total;
  if (!(meta->flags & META_FRAGMENT)) {
    // The length of a datagram that comes in pieces counts all of them: only a whole one can be held to it.
    uint32_t bytes = be16(datagram + 4);
    if (bytes < 8 || bytes > total - offset) return false;
    end = offset + bytes;
  }
  meta->source_port = be16(datagram);
  meta->destination_port = be16(datagram + 2);
  return parse_opaque(offset + 8, end, meta);
}

static inline bool parse_icmp(uint32_t offset, uint32_t total, struct meta *meta) {
  return offset + 8 <= total && parse_opaque(offset + 8, total, meta);
}

static inline bool parse_transport(const uint8_t *packet, uint32_t offset, uint32_t total, struct meta *meta) {
  meta->l4_offset = offset;
  uint32_t icmp = meta->family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6;
  bool fits;
  if (meta->protocol == PROTOCOL_TCP) fits = parse_tcp(packet + offset, offset, total, meta);
  else if (meta->protocol == PROTOCOL_UDP) fits = parse_udp(packet + offset, offset, total, meta);
  else if (meta->protocol == icmp) fits = parse_icmp(offset, total, meta);
  else return parse_opaque(offset, total, meta);
  // A first fragment may be too short for the header that it starts.
  return fits || ((meta->flags & META_FRAGMENT) && parse_opaque(offset, total, meta));
}

static inline bool parse_ipv4(const uint8_t *packet, uint32_t bytes, struct meta *meta) {
  uint32_t header_bytes = (packet[0] & 15) << 2;
  uint32_t total = be16(packet + 2);
  if (header_bytes < 20 || header_bytes > total || total > bytes) return false;
  meta->family = 4;
  meta->protocol = packet[9];
  meta->total_bytes = total;
  uint32_t fragment = be16(packet + 6);
  if (fragment & 0x3fff) {
    meta->flags = META_FRAGMENT | (fragment & 0x2000 ? META_MORE_FRAGMENTS : 0);
    meta->fragment_offset = fragment & 0x1fff;
    if (meta->fragment_offset != 0) {
      meta->l4_offset = header_bytes;
      return parse_opaque(header_bytes, total, meta);
    }
  }
  return parse_transport(packet, header_bytes, total, meta);
}

static inline bool is_plain_extension(uint32_t number) {
  return number == HOP_BY_HOP || number == ROUTING || number == DESTINATION || number == MOBILITY || number == HIP ||
         number == SHIM6;
}

static inline bool parse_ipv6(const uint8_t *packet, uint32_t bytes, struct meta *meta) {
  if (bytes < IPV6_HEADER_BYTES) return false;
  uint32_t total = be16(packet + 4) + IPV6_HEADER_BYTES;
  if (total > bytes || total > PACKET_MAX_BYTES) return false;
  meta->family = 6;
  meta->total_bytes = total;
  uint32_t next = packet[6];
  uint32_t offset = IPV6_HEADER_BYTES;
  for (int walked = 0; walked < EXTENSION_HEADERS_MAX; walked++) {
    bool plain = is_plain_extension(next);
    if (!plain && next != FRAGMENT && next != AUTHENTICATION) break;
    if (offset + 8 > total) return false;
    const uint8_t *header = packet + offset;
    if (plain) offset += (header[1] + 1) << 3;
    else if (next == AUTHENTICATION) offset += (header[1] + 2) << 2;
    else {
      uint32_t fragment = be16(header + 2);
      meta->flags = META_FRAGMENT | (fragment & 1 ? META_MORE_FRAGMENTS : 0);
      meta->fragment_offset = fragment >> 3;
      offset += 8;
    }
    next = header[0];
    if (offset > total) return false;
    if (meta->fragment_offset != 0) {
      meta->protocol = next;
      meta->l4_offset = offset;
      return parse_opaque(offset, total, meta);
    }
  }
  meta->protocol = next;
  return parse_transport(packet, offset, total, meta);
}

/** Fills the record. False for a packet that cannot be read to its end; then the record is all zero. */
static inline bool parse(const uint8_t *packet, uint32_t bytes, struct meta *meta) {
  *meta = (struct meta){0};
  if (bytes >= 20) {
    uint32_t version = packet[0] >> 4;
    if (version == 4 && parse_ipv4(packet, bytes, meta)) return true;
    if (version == 6 && parse_ipv6(packet, bytes, meta)) return true;
  }
  *meta = (struct meta){0};
  return false;
}

#endif
