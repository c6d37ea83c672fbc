// Answers "heard N" to N octets, by TCP and UDP, on the ports of the command line.
for (const port of process.argv.slice(2).map(Number)) {
  Bun.listen({
    hostname: "::",
    port,
    socket: {
      data(socket, octets) {
        socket.write(`heard ${octets.length}`);
      },
    },
  });
  await Bun.udpSocket({
    hostname: "::",
    port,
    socket: {
      data(socket, octets, fromPort, fromAddress) {
        socket.send(`heard ${octets.length}`, fromPort, fromAddress);
      },
    },
  });
}
console.log("ready");
