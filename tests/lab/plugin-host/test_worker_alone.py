# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=sanitize timeout=240 real-time
# lab all: kernel=6.12,6.1 timeout=120 real-time
# lab all: kernel=6.12 build=sanitize timeout=240 real-time
# lab all: kernel=6.12 flavour=debug timeout=240 real-time
"""The plugin host without a supervisor: its use of descriptors, control socket and exit status, and what happens to
the data when a link goes down or a worker dies."""

import errno
import json
import os
import select
import shutil
import signal
import subprocess
import threading
import time

import harness
import valid
from tap import contains, eq, main, ok, patience, raises, test
from worker_harness import (BENCH, ENABLE, LOOPBACK, PING, PONG, PROBE, STATS, WORKER, Gadget, Host,
                            bench, event, message, write)

BULK = [("bulk", "in"), ("bulk", "out")]
IN, OUT = 0x81, harness.FIRST_OUT
NEVER = 125
VENDOR_IN, VENDOR_OUT = 0xC1, 0x41


def loopback(g, **kw):
    return g.worker([WORKER, LOOPBACK], **kw)


@test("the harness gives workers what the schema says")
def harness_config_fits_schema():
    with Gadget(BULK) as g:
        valid.validator("worker-config")(g.config(0, 0, {"a": 1}))


@test("READY comes before the bind, PING is answered, STOP ends with 0")
def ready_ping_stop():
    with Gadget(BULK) as g:
        w = loopback(g)
        w.wait_ready()
        w.send(message(PING, 4711))
        eq(w.receive(), (PONG, 4711, b""))
        w.send(message(99, 0, b"unknown types are ignored"))
        w.send(b"short")
        w.send(message(PING, 2))
        eq(w.receive(), (PONG, 2, b""))
        eq(w.stop(), 0)


@test("SIGTERM and the loss of the control socket end with 0")
def sigterm_or_lost_control_socket():
    with Gadget(BULK) as g:
        w = loopback(g)
        w.wait_ready()
        eq(w.kill(signal.SIGTERM), 0)
        w = loopback(g)
        w.wait_ready()
        w.control.close()
        eq(w.wait(), 0)


@test("loopback stalls control requests")
def loopback_stalls_control_requests():
    with Gadget(BULK) as g:
        loopback(g).wait_ready()
        g.bind()
        with Host() as h:
            for kind in (VENDOR_IN, VENDOR_OUT):
                eq(raises(OSError, h.control, kind, 1, 0, b"", 8).errno, errno.EPIPE)
        eq(g.unanswered, 0)


@test("loopback holds size x depth bytes, then the host waits")
def loopback_holds_its_buffers():
    with Gadget(BULK) as g:
        loopback(g, size=4096, depth=3)
        g.bind()
        with Host() as h:
            for i in range(3):
                eq(h.bulk(OUT, bytes([i]) * 4096), 4096)
            eq(raises(OSError, h.bulk, OUT, b"x" * 4096, 0, 300).errno, errno.ETIMEDOUT)
            for i in range(3):
                eq(h.bulk(IN, length=4096), bytes([i]) * 4096)


@test("ENABLE before READY, twice, and again at the bind does no harm")
def enable_at_odd_times():
    with Gadget(BULK) as g:
        g.worker([WORKER, LOOPBACK]).wait_ready()
        g.bind()
        first = g.current
        first.kill()
        w = loopback(g)  # is told ENABLE at once
        for _ in range(3):
            w.send(event(ENABLE, g.enabled_at))
        w.wait_ready()
        bench("--lengths", "1-64,4096,100K")
        w.send(event(ENABLE, g.enabled_at))
        bench("--lengths", "1-64,4096,100K")


@test("an ENABLE that is not true only waits for the next one")
def untrue_enable():
    with Gadget(BULK) as g:
        w = loopback(g)
        w.wait_ready()
        w.send(event(ENABLE, 5))
        w.send(message(PING, 1))
        eq(w.receive(), (PONG, 1, b""))
        g.bind()
        bench("--lengths", "1-64,4096,100K")
        w.send(event(ENABLE, 1))
        w.send(message(PING, 2))
        eq(w.receive(), (PONG, 2, b""))
        contains(w.log(), "cannot enable the endpoints at speed 1: ")
        bench("--lengths", "1-64,4096,100K")


@test("the link may go down and up under a worker")
def link_down_and_up():
    with Gadget(BULK) as g:
        w = loopback(g)
        for _ in range(3):
            g.bind()
            bench("--lengths", "1-64,100K")
            with Host() as h:  # stop in the middle of a message
                h.bulk(OUT, b"x" * 2048)
            g.unbind()
        g.bind()
        with Host() as h:
            h.release()
            for value in (0, 1, 1):
                h.set_configuration(value)
            h.claim()
            h.bulk(OUT, b"configured again")
            eq(h.bulk(IN, length=1024), b"configured again")
            h.reset()
        bench("--lengths", "1-64,100K")
        eq(w.stop(), 0)


@test("a stream survives the death of its workers, and the host sees no disconnect")
def stream_survives_worker_deaths():
    with Gadget(BULK) as g:
        loopback(g).wait_ready()
        g.bind()
        with Host() as h:
            place = h.place
        del g.events[:]
        p = subprocess.Popen([BENCH, "loop", "--recover", "--size", "100000", "--bytes", "64M", "--json",
                              "--timeout", str(patience(30))],
                             stdout=subprocess.PIPE, text=True)
        out = os.pidfd_open(p.pid)
        kills = 0
        # This waits for no event: it makes the kills happen at different times, some after the worker has begun
        while kills < 30 and not select.select([out], [], [], patience(0.003 * (kills % 7)))[0]:
            g.current.kill()
            g.halt()
            loopback(g)
            kills += 1
        text = p.communicate(timeout=patience(60))[0]
        os.close(out)
        eq(p.returncode, 0, text)
        result = json.loads(text)
        valid.validator("ffsbench")(result)
        eq(result["loop"]["bytes"], 64 << 20)
        ok(result["loop"]["recoveries"] >= min(kills, 5), text)
        eq(g.events, [])
        with Host() as h:
            eq(h.place, place)


@test("a mark that dies with the worker that has taken it is sent again")
def lost_mark_is_sent_again():
    with Gadget(BULK) as g:
        g.bind()
        into, out = (os.open(f"{g.mount}/{e.file}", os.O_RDWR) for e in g.endpoints)

        def read():
            while True:
                try:
                    return os.read(out, 1024)
                except BrokenPipeError:  # dwc3 gives requests back when the host clears a halt (__dwc3_gadget_ep_set_halt())
                    pass

        def device():
            read()  # a message
            try:
                os.read(into, 1)  # the wrong way: it halts the endpoint
            except OSError as e:
                eq(e.errno, errno.EBADMSG)
            read()  # the mark, which is not answered
            for _ in range(2):  # another mark, and the message
                os.write(into, read())

        played = threading.Thread(target=device, daemon=True)
        played.start()
        p = subprocess.run([BENCH, "loop", "--recover", "--size", "1000", "--bytes", "1000", "--json",
                            "--timeout", str(patience(20))],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=patience(60))
        eq(p.returncode, 0, p.stderr)
        played.join()
        eq(json.loads(p.stdout)["loop"]["recoveries"], 2)
        os.close(into)
        os.close(out)


@test("without --recover a stall is an error that says so")
def stall_without_recover():
    with Gadget(BULK) as g:
        loopback(g).wait_ready()
        g.bind()
        g.current.kill()
        p = subprocess.Popen([BENCH, "loop", "--lengths", "8K", "--json"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        # ffsbench clears old halts when it starts, so halt until it has noticed a halt
        while p.poll() is None:
            g.halt()
            select.select([p.stdout], [], [], 0.05)
        out, err = p.communicate(timeout=patience(20))
        eq(p.returncode, 74)
        contains(err, "the device stalled")
        contains(err, "--recover")
        valid.validator("ffsbench")(json.loads(out))


@test("a plugin answers control requests, and says and does what its calls allow")
def plugin_answers_control_requests():
    with Gadget(BULK) as g:
        options = {"text": "a b", "count": 42, "room": "2K", "ratio": 1.25, "mode": "wild"}
        w = g.worker([WORKER, PROBE], options=options)
        g.bind()
        w.wait_ready()
        with Host() as h:
            h.control(VENDOR_OUT, 2, data=b"keep this")
            eq(h.control(VENDOR_IN, 1, length=64), b"keep this")
            eq(h.control(VENDOR_IN, 1, length=4), b"keep")
            h.control(VENDOR_OUT, 2, data=bytes(range(256)) * 16)
            eq(h.control(VENDOR_IN, 1, length=4096), bytes(range(256)) * 16)
            h.control(VENDOR_OUT, 3, value=77)
            contains(w.log(), "probe: 77 a b 42 2048 1.25 echo\n")
            h.control(VENDOR_OUT, 5)
            eq(w.receive(), (STATS, 0, b'{"kept": 1}'))
            eq(raises(OSError, h.control, VENDOR_OUT, 99).errno, errno.EPIPE)
            h.control(VENDOR_OUT, 6)
            eq(h.control(VENDOR_IN, 7, length=1), b"\3")
            for ms in (0, 20):
                before = time.monotonic()
                eq(h.control(VENDOR_IN, 9, value=ms, length=1), b"t")
                ok(time.monotonic() - before >= ms / 1000)
            for _ in range(2):
                eq(h.control(VENDOR_IN, 10, length=1), b"\1")
            eq(g.unanswered, 0)
            raises(OSError, h.control, VENDOR_OUT, 8)
            eq(g.unanswered, 1)
        ok("probe: down\n" not in w.log(), w.log())
        g.unbind()  # with no transfer out that could tell it
        w.send(message(PING, 2))
        eq(w.receive(), (PONG, 2, b""))
        contains(w.log(), "probe: down\n")
        eq(w.stop(), 0)
        contains(w.log(), "probe: stopping\n")


@test("a plugin decides when it is ready and with what it ends")
def plugin_decides_ready_and_status():
    with Gadget(BULK) as g:
        w = g.worker([WORKER, PROBE], options={"late": True})
        ok(not select.select([w.control], [], [], 0.2)[0], "READY came before the bind")
        g.bind()
        w.wait_ready()
        with Host() as h:
            h.control(VENDOR_OUT, 4, value=3)
        eq(w.wait(), 3)


@test("ffsbench waits for a device as long as it was told, and not longer")
def ffsbench_waits_for_device():
    with Gadget(BULK) as g:
        loopback(g).wait_ready()
        _, err = bench("--wait", "0.3", "--device", "1d6b:0104", status=69)
        contains(err, "cannot find a device 1d6b:0104 that has an OUT and an IN endpoint; waited 300 ms")
        p = subprocess.Popen([BENCH, "loop", "--wait", str(patience(20)), "--serial", "lab", "--lengths", "1-9"],
                             stdout=subprocess.PIPE, text=True)
        select.select([], [], [], 0.2)  # on a slow machine it comes late: nothing breaks
        g.bind()
        contains(p.communicate(timeout=patience(30))[0], "in 9 messages echoed")
        eq(p.returncode, 0)


@test("ffsbench says which devices match, and who may not use them")
def ffsbench_names_matching_devices():
    with Gadget(BULK) as g:
        loopback(g).wait_ready()
        g.bind()
        bench("--device", "1d6b:0104", "--interface", "0", "--lengths", "1")
        with Host() as h:
            h.release()
            bench("--device", "%d/%d" % h.place, "--lengths", "1")
            h.claim()
            _, err = bench("--lengths", "1", status=74)
            contains(err, "cannot claim interface 0 of 1d6b:0104")
        bench("--interface", "1", status=69)
        bench("--serial", "other", status=69)
        bench("--pair", "1", status=69)
        # All users can open this path, unlike a build tree
        p = subprocess.run([shutil.copy(BENCH, "/run/ffsbench"), "loop"],
                           capture_output=True, text=True, user=65534)
        eq(p.returncode, 77, p.stderr)
        contains(p.stderr, "cannot open the device 1d6b:0104")


def refused(text, argv=(WORKER, LOOPBACK), status=NEVER, limit_aio=None, **kw):
    with Gadget(BULK) as g:
        if limit_aio:
            write("/proc/sys/fs/aio-max-nr", str(limit_aio))
        w = g.worker(list(argv), **kw)
        eq(w.wait(), status, w.log())
        write("/proc/sys/fs/aio-max-nr", "65536")
        contains(w.log(), text)


@test("what cannot work ends with 125 and a sentence")
def exit_125_with_sentence():
    probe = (WORKER, PROBE)
    refused("plugin loopback: unknown option 'x'", options={"x": 1})
    refused("option 'count' must be 0 to 100, not 101", probe, options={"count": 101})
    refused("'mode' cannot be 'tame'\nhint: use 'calm' or 'wild'", probe, options={"mode": "tame"})
    refused("probe: error: told to fail", probe, options={"fail": True})
    refused("cannot load plugin /nowhere.so", (WORKER, "/nowhere.so"))
    refused("cannot load plugin /bin/sh", (WORKER, "/bin/sh"))
    refused("io.size is 100, less than a packet of endpoint ep1-in (512)", size=100)
    refused("loopback: error: unknown I/O engine 'warp'", engine="warp")
    refused("hint: decrease io.depth", depth=1024, size=1024, limit_aio=100)
    refused("started by ffsctl", env={"LISTEN_PID": "1"})
    refused("file descriptor 6 must be the endpoint 'ep2-out' of the worker's configuration",
            env={"LISTEN_FDNAMES": "config:control:ep1-in:ep3-out"})
    refused("usage:", (WORKER, "--nonsense"), status=64)


@test("a pair without a partner is refused by loopback")
def loopback_refuses_pair_without_partner():
    with Gadget([("bulk", "in"), ("bulk", "out"), ("bulk", "in")]) as g:
        w = loopback(g)
        eq(w.wait(), NEVER)
        contains(w.log(), "endpoint ep3-in has no partner")


main()
