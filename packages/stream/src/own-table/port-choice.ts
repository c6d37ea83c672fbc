// Several sockets that listen on one address: which of them a connection comes to is chosen by its client's port, so
// that whoever knows the port knows the socket.

// linux/bpf_common.h, linux/filter.h
const BPF_LDX_B_MSH = 0xb1;
const BPF_LD_H_IND = 0x48;
const BPF_LD_H_ABS = 0x28;
const BPF_ALU_MOD_K = 0x94;
const BPF_RET_A = 0x16;
/** Before an offset: counted from the start of the IP header. */
const SKF_NET_OFF = 0xfff0_0000;
/** RFC 8200 section 3: there are no extension headers before what is translated. */
const IPV6_HEADER_BYTES = 40;

type Instruction = readonly [code: number, k: number];

/** Which of `count` sockets has the connection of a client with this port. */
export function socketOfPort(port: number, count: number): number {
  return port % count;
}

/** The same as a program for SO_ATTACH_REUSEPORT_CBPF (socket(7)). */
export function portChoice(isIpv6: boolean, count: number): Uint8Array<ArrayBuffer> {
  const load: readonly Instruction[] = isIpv6
    ? [[BPF_LD_H_ABS, SKF_NET_OFF + IPV6_HEADER_BYTES]]
    : [
        [BPF_LDX_B_MSH, SKF_NET_OFF],
        [BPF_LD_H_IND, SKF_NET_OFF],
      ];
  const program = [...load, [BPF_ALU_MOD_K, count] as const, [BPF_RET_A, 0] as const];
  const view = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, [code, k]] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint32(index * 8 + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}
