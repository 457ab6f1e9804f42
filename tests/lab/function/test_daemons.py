#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
"""Daemons that open ep0 themselves (opens = "ep0"): real ones from gadget.d with their real clients, and for other
cases a daemon that only writes descriptors."""

import functools
import os
import pathlib
import select
import signal
import subprocess
import time

import gadgets
import harness
import tap
from gadgets import DIRECTORY, TAKEN_OVER, await_state, await_status, processes, worker
from harness import SRC, devnums, down, ffsctl, kill, must, status, up, wait_dead
from tap import contains, eq, ok, patience, rounds, test

DAEMON = f"{SRC}/tests/lab/workers/ep0_daemon.py"
SHARE = pathlib.Path("/var/lib/umtp")  # of Debian's umtprd.conf; the lab's file system is its own
SHARE.mkdir(exist_ok=True)
CONTENTS = os.urandom(20_000_000)
(SHARE / "film").write_bytes(CONTENTS)
SENSORS = pathlib.Path("/sys/kernel/config/iio/devices/dummy")
if SENSORS.exists():
    (SENSORS / "sensor").mkdir()

harness.leaves_nothing()


def run(*words, timeout=60):
    return must(subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience(timeout))).stdout


def worker_of(name):
    return status(name)[0]["functions"][0]["worker"]


def killed(name):
    """Kills the daemon; returns the status when the next daemon serves and the host has configured the gadget again."""
    with harness.configured():
        kill(worker_of(name)["pid"])
    gadget, _ = await_state(name, "ready")
    must(ffsctl("wait", name, "--for", "configured"))
    return gadget


# --- umtprd -------------------------------------------------------------------------------------


@functools.cache
def film():
    """Returns the number that the film has in each life of umtprd. libmtp resets the device when a program ends, and umtprd, which takes
    some time to notice, loses what another program sends until then: each program of the host has a umtprd of its own."""
    up(f"{SRC}/gadget.d/mtp.conf", "--wait-host")
    listed = run("mtp-files").split("File ID: ")[1:]
    found = [int(text.split()[0]) for text in listed if "Filename: film\n" in text]
    eq(len(found), 1, "films")
    down("mtp")
    return str(found[0])


@test("mtp: the host lists and reads what umtprd shares; down leaves nothing")
def mtp_serves_files():
    number = film()
    up(f"{SRC}/gadget.d/mtp.conf", "--wait-host")
    gadget, code = status("mtp")
    eq((gadget["state"], gadget["problems"], code), ("ready", [], 0))
    run("mtp-getfile", number, f"{DIRECTORY}/got")
    eq(pathlib.Path(DIRECTORY, "got").read_bytes(), CONTENTS)
    down("mtp")


@test("mtp: umtprd is killed while a host copies a file: that host is told, and then copies it all")
def mtp_survives_kill():
    fifo = DIRECTORY / "copy"
    os.mkfifo(fifo)
    number = film()
    up(f"{SRC}/gadget.d/mtp.conf", "--wait-host")
    before = worker_of("mtp")["pid"]
    with open(os.open(fifo, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0) as end, open(DIRECTORY / "said", "w+") as said:
        copy = subprocess.Popen(["mtp-getfile", number, fifo], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        ok(select.select([end], [], [], 60)[0], f"nothing comes: {copy.poll()} {(DIRECTORY / 'said').read_text()}")
        gadget = killed("mtp")
        while copy.poll() is None:  # it still tries to write the data that it has read
            if select.select([end], [], [], 0.1)[0]:
                end.read(1 << 16)
        ok(copy.returncode != 0, "the host has noticed nothing")
    eq(gadget["functions"][0]["worker"]["restarts"], 1)
    eq(gadget["functions"][0]["worker"]["last_exit"], "signal 9 (Killed)")
    ok(gadget["functions"][0]["worker"]["pid"] != before, "it is the same one")
    contains(must(ffsctl("log", "mtp")).stdout, "rebound to")
    run("mtp-getfile", number, f"{DIRECTORY}/again")
    eq(pathlib.Path(DIRECTORY, "again").read_bytes(), CONTENTS)
    down("mtp")


# --- iiod ---------------------------------------------------------------------------------------

DEVICE = pathlib.Path("/sys/bus/iio/devices/iio:device0")


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def iiod_has_forgotten(pid, before):
    """Waits until iiod has ended the thread of its last client. At its end this thread writes one more answer (iiod 0.24 takes
    the end for a command that it does not know), which waits in the UDC's FIFO for the next client: that one reports "Invalid
    argument". A disturbance of the bus empties the FIFO, so it must come after this answer."""
    await_status("iio", lambda _: threads(pid) <= before, "without a client")


@test("iio: the host reads a sensor through iiod, also after iiod was killed")
def iio_reads_sensor():
    if not SENSORS.exists():
        tap.skip("the kernel has no dummy sensor")
    name = (DEVICE / "name").read_text().strip()
    up(f"{SRC}/gadget.d/iio.conf", "--wait-host")
    eq(run("iio_attr", "-u", "usb:", "-i", "-c", name, "voltage0", "raw").split(),
       [(DEVICE / "in_voltage0_raw").read_text().strip()])
    # A client each: the second one gets what iiod has written at the end of the first (iiod_has_forgotten()).
    for n in range(3):
        gadget = killed("iio")
        eq((gadget["problems"], gadget["functions"][0]["worker"]["restarts"]), ([], n + 1))
        contains(run("iio_info", "-u", "usb:"), name)
    down("iio")


# --- both, when they close their files while they live --------------------------------------------


def re_authorised(ids):
    path = harness.usb_device(**ids) / "authorized"
    path.write_text("0")
    path.write_text("1")


def port_reset(ids):
    path = harness.usb_device(**ids)
    harness.device(*(int((path / name).read_text(), 16) for name in ("idVendor", "idProduct"))).reset()


def host_unbound(ids):
    for word in "unbind", "bind":
        name = harness.usb_device(**ids).name
        pathlib.Path("/sys/bus/usb/drivers/usb", word).write_text(name)


def udc_gone(_):
    for word in "unbind", "bind":
        (harness.UDC_DRIVER / word).write_text("dummy_udc.0")


def goes_through_all(name, ids, use):
    """Restarts the daemon and disturbs the bus; afterwards the client of the host works each time. `ids`: of the device."""
    def restarted(_):
        must(ffsctl("restart", name))
        eq(pathlib.Path(harness.CONFIGFS, name, "UDC").read_text(), "dummy_udc.0\n")

    def ended(_):
        os.kill(worker_of(name)["pid"], signal.SIGTERM)
    disturbances = restarted, re_authorised, udc_gone, ended, port_reset, host_unbound, restarted
    for disturb in disturbances[:rounds(3, len(disturbances))]:
        disturb(ids)
        # A daemon notices an event of the bus when it likes, and closes its files then, or never: there is nothing to wait for.
        time.sleep(5)
        await_state(name, "ready")
        must(ffsctl("wait", name, "--for", "configured"))
        eq(status(name)[0]["problems"], [], disturb.__name__)
        use()
    ok("unbound by another program" not in ffsctl("log", name).stdout, ffsctl("log", name).stdout)


@test("iio: restarts, ends, resets and another UDC: bound again, and a client works")
def iio_stays_bound():
    if not SENSORS.exists():
        tap.skip("the kernel has no dummy sensor")
    name = (DEVICE / "name").read_text().strip()
    up(f"{SRC}/gadget.d/iio.conf", "--wait-host")

    def use():
        pid = worker_of("iio")["pid"]
        before = threads(pid)
        contains(run("iio_info", "-u", "usb:"), name)
        iiod_has_forgotten(pid, before)
    goes_through_all("iio", {"idVendor": "0456"}, use)
    down("iio")


@test("mtp: restarts, ends, resets and another UDC, with loop_on_disconnect of Debian: bound again, and a client works",
      only_all="supervisor/what-a-daemon-unbound-is-taken-for-the-administrators: mtp_beside_another and test_closed_ep0 notice it")
def mtp_stays_bound():
    up(f"{SRC}/gadget.d/mtp.conf", "--wait-host")
    goes_through_all("mtp", {"idVendor": "1d6b", "idProduct": "0100"}, film)
    down("mtp")


@test("mtp beside a daemon that begins again when it is unbound: both come back, and the client works")
def mtp_beside_another():
    text = pathlib.Path(SRC, "gadget.d/mtp.conf").read_text()
    other = worker(exec=["/usr/bin/python3", "-I", "-S", DAEMON, "${mount}", "reopen"], opens="ep0", user="root")
    path = DIRECTORY / "both.conf"
    path.write_text(text.replace("functions : {", f"functions : {{ other : {{ ffs : {{ }}; worker : {{ {other} }}; }};"))
    up(path, "--wait-host")
    for _ in range(3):
        os.kill(status("both")[0]["functions"][0]["worker"]["pid"], signal.SIGUSR2)
        time.sleep(10)
        await_state("both", "ready")
        must(ffsctl("wait", "both", "--for", "configured"))
        film()
    ok("unbound by another program" not in ffsctl("log", "both").stdout, ffsctl("log", "both").stdout)
    down("both")


# --- one of ours ------------------------------------------------------------------------------------



def daemon(name, *words, extra="", **settings):
    path = DIRECTORY / f"{name}.conf"
    group = worker(exec=["/usr/bin/python3", "-I", "-S", DAEMON, "${mount}", *words], opens="ep0", **settings)
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n'
                    f'functions = {{ own = {{ ffs = {{ }}; worker = {{ {group} }}; }}; {extra} }};\n')
    return str(path)


def answers():
    return bytes(harness.device().ctrl_transfer(0xC1, 7, 0, 0, 8, timeout=round(patience(1000))))


@test("it is bound when the descriptors are there, and not a moment before")
def bound_once_descriptors_are_written():
    fifo = gadgets.Fifo()
    process = gadgets.start("up", daemon("own", "tell", fifo.path, "slow"), "--wait-host")
    pid = fifo.wait()
    shown = status("own")[0]
    eq((shown["state"], shown["functions"][0]["worker"]["state"]), ("starting", "starting"))
    eq(pathlib.Path(harness.CONFIGFS, "own/UDC").read_text().strip(), "")
    os.kill(pid, 10)  # SIGUSR1: continue
    must(gadgets.finish(process))
    eq(answers(), b"own")
    down("own")


@test("one that never writes any is killed after start_timeout, and up takes all away")
def writes_no_descriptors():
    got = must(ffsctl("up", daemon("own", "never", start_timeout=1)), 75)
    contains(got.stderr, "did not get ready within 1 s (start_timeout)")


@test("one that dies before is told of, too")
def dies_before_descriptors():
    got = must(ffsctl("up", daemon("own", "exit")), 76)
    contains(got.stderr, "ended before it was ready: exit 3")


@test("refused descriptors are no reason to bind")
def refused_descriptors_bind_nothing():
    got = must(ffsctl("up", daemon("own", "wrong")), 76)
    contains(got.stderr, "ended before it was ready: exit 4")


TIMES = rounds(5, 20)


@test(f"killed {TIMES} times: each time it comes back on the bus, and answers")
def killed_and_back_on_bus():
    up(daemon("own", restart_delay=0, restart_limit=0), "--wait-host")
    for n in range(TIMES):
        eq(answers(), b"own")
        eq(killed("own")["functions"][0]["worker"]["restarts"], n + 1)
    eq(answers(), b"own")
    down("own")


@test("one that has failed for good leaves the gadget off the bus; restart takes it back")
def failed_for_good_leaves_bus():
    up(daemon("own", restart_delay=0, restart_limit=1), "--wait-host")
    killed("own")
    kill(worker_of("own")["pid"])
    gadget, _ = await_state("own", "failed")
    eq(gadget["functions"][0]["worker"]["state"], "failed")
    with harness.configured():
        must(ffsctl("restart", "own"))
    await_state("own", "ready")
    eq(answers(), b"own")
    down("own")


@test("restart, and a reload for another worker: off the bus and on it again")
def restart_and_reload_rebind():
    path = daemon("own")
    up(path, "--wait-host")
    for command in (("restart", "own"), ("reload", "own")):
        if command[0] == "reload":
            daemon("own", env={"NAME": "new"})
        with harness.configured():
            must(ffsctl(*command))
        await_state("own", "ready")
    eq(answers(), b"new")
    down("own")


@test("unbind and bind: the daemon stays")
def unbind_and_bind_keep_daemon():
    up(daemon("own"), "--wait-host")
    before = processes("own")
    must(ffsctl("unbind", "own"))
    eq(status("own")[0]["state"], "unbound")
    with harness.configured():
        must(ffsctl("bind", "own"))
    eq((processes("own"), answers()), (before, b"own"))
    down("own")


@test("one that dies while the gadget is unbound on purpose is restarted, and nothing is bound")
def dies_while_unbound():
    up(daemon("own", restart_delay=0, restart_limit=0), "--wait-host")
    must(ffsctl("unbind", "own"))
    before = worker_of("own")["pid"]
    kill(before)
    await_status("own", lambda g: g["functions"][0]["worker"]["restarts"] == 1 and
                 g["functions"][0]["worker"]["state"] == "ready", "restarted")
    eq(pathlib.Path(harness.CONFIGFS, "own/UDC").read_text().strip(), "")
    with harness.configured():
        must(ffsctl("bind", "own"))
    eq(answers(), b"own")
    down("own")


@test("the supervisor is killed: daemon and bus go on, up takes over; the keeper is killed: all starts anew")
def supervisor_or_keeper_killed():
    path = daemon("own", restart_delay=0, restart_limit=0)
    up(path, "--wait-host")
    numbers, before = devnums(), processes("own")
    kill(status("own")[0]["supervisor"])
    eq(answers(), b"own")
    contains(up(path).stderr, TAKEN_OVER)
    eq((devnums(), processes("own"), answers()), (numbers, before, b"own"))
    with harness.configured():
        kill(before[0][0])
    await_state("own", "ready")
    ok(all(a != b for a, b in zip(before[0], processes("own")[0])), "keeper and worker are others")
    eq(answers(), b"own")
    down("own")


@test("nobody takes over: daemon and keeper end, and down takes the rest away")
def nobody_takes_over():
    up(daemon("own"), "--hold", "0")
    before = processes("own")[0]
    kill(status("own")[0]["supervisor"])
    for pid in before:
        wait_dead(pid)
    eq(status("own")[0]["state"], "degraded")
    down("own")


@test("beside functions with a worker of FunctionFS: its death takes all off the bus, and all come back")
def beside_other_functions():
    echo = ('echo = { ffs = { interfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } ); }; '
            'worker = { plugin = "loopback"; }; };')
    up(daemon("own", extra=echo, restart_delay=0, restart_limit=0), "--wait-host")
    other = status("own")[0]["functions"][1]["worker"]["pid"]
    killed("own")
    eq(status("own")[0]["functions"][1]["worker"]["pid"], other)
    with gadgets.traffic(interface=1):
        pass
    down("own")


tap.main()
