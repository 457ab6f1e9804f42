# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of random length there and back through the plugin bridge, each compared, for lab/soak:

    bridge_soak.py N        (the seed is SOAK_SEED's)

What is at the other end, and the buffers, are the seed's choice; it is slow at random."""

import os
import random
import socket
import sys

import bridge as b

SEED = int(os.environ.get("SOAK_SEED", "1"))


def main():
    r = random.Random(SEED)
    n, slow = int(sys.argv[1]), r.choice((None, SEED))
    framing, most = r.choice(("length", "packet")), r.choice((100, 2000, 20000))
    buffers = {"size": r.choice((4096, 16384, 65536)), "depth": r.choice((8, 16, 32))}
    kind = socket.SOCK_SEQPACKET if framing == "packet" else socket.SOCK_STREAM
    print(f"seed {SEED}: {n} messages of up to {most} bytes, framing {framing}, slow {slow}, {buffers}")
    with b.gadget(listen="unix:@soak", framing=framing, host=False, **buffers) as (g, w, _):
        with b.connect(socket.AF_UNIX, kind, "\0soak") as sock:
            if framing == "packet":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
                t = b.Threads(lambda: b.echo_packets(sock, slow))
            else:
                t = b.Threads(lambda: b.echo(sock.fileno(), sock.fileno(), slow))
            b.loop(n, SEED * 1000, most)
            sock.shutdown(socket.SHUT_RDWR)
            t.join()


main()
