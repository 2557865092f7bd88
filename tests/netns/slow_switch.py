#!/usr/bin/env python3
"""slow_switch.py MS COUNT: an Ethernet switch with COUNT ports, TAP devices t0 ..., made in this network namespace.
Each frame arrives MS milliseconds after it was sent. (The kernel's own way, netem, is not in every kernel.) Ends when
its standard input does."""
import fcntl
import heapq
import os
import select
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
WAITING = 100_000  # frames; more are lost, as on a real wire

delay, count = float(sys.argv[1]) / 1000, int(sys.argv[2])
ports, epoll = {}, select.epoll()
for n in range(count):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22s", b"t%d" % n, IFF_TAP | IFF_NO_PI, b""))
    ports[fd] = n
    epoll.register(fd, select.EPOLLIN)
epoll.register(0, select.EPOLLIN)
print("up", flush=True)

places, waiting, seq = {}, [], 0
while True:
    now = time.monotonic()
    while waiting and waiting[0][0] <= now:
        _, _, to, frame = heapq.heappop(waiting)
        try:
            os.write(to, frame)
        except OSError:
            pass  # the port is down or full
    patience = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for fd, _ in epoll.poll(patience):
        if fd == 0:
            if not os.read(0, 4096):
                sys.exit()
            continue
        for _ in range(64):
            try:
                frame = os.read(fd, 65536)
            except OSError:
                break
            to, source = frame[0:6], frame[6:12]
            places[source] = fd
            known = places.get(to)
            for other in [known] if known else [other for other in ports if other != fd]:
                if other != fd and len(waiting) < WAITING:
                    seq += 1
                    heapq.heappush(waiting, (time.monotonic() + delay, seq, other, frame))
