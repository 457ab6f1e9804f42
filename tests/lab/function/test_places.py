#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 timeout=240
# lab all: kernel=6.12,6.1 vudcs=1 timeout=240
"""Workers of kernel functions: when they start and end, which information they get, and that the gadget does not wait
for them. The real workers are a getty and a DHCP server."""

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import termios
import time
import tty

import gadgets
import harness
import identity
import tap
from gadgets import (AT_ONCE, DIRECTORY, ODD_WORKER, TAKEN_OVER, await_status, odd, open_file,
                     worker)
from harness import SRC, devnums, down, ffsctl, kill, must, status, wait_dead
from tap import contains, eq, ok, patience, rounds, test

for name in ("agetty.reload", "motd.dynamic"):  # which agetty and login leave
    pathlib.Path("/run", name).touch()
harness.load_host_drivers()
harness.leaves_nothing()


def up(path, *words):
    return harness.up(path, "--udc", "dummy_udc.0", *words)


UDC = pathlib.Path(harness.CONFIGFS, "places/UDC")
SLEEP = ["/bin/sleep", "100000"]


def places(functions):
    """Writes a gadget file. `functions`: {label: (type, worker group or None, other keys of the function's group)}."""
    text = 'attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions = {\n'
    for label, (kind, group, *more) in functions.items():
        served = f"worker = {{ {group} }};" if group else ""
        text += f'  {label} = {{ type = "{kind}"; {"".join(more)} {served} }};\n'
    path = DIRECTORY / "places.conf"
    path.write_text(text + "};\n")
    return str(path)


def states():
    return {f["label"]: f["worker"] and f["worker"]["state"] for f in status("places")[0]["functions"]}


def pids():
    return {f["label"]: f["worker"] and f["worker"]["pid"] for f in status("places")[0]["functions"]}


def await_states(**wanted):
    await_status("places", lambda g: {f["label"]: f["worker"] and f["worker"]["state"] for f in g["functions"]}
                 == wanted, wanted)
    return pids()


def idle(**settings):
    return worker(exec=SLEEP, **settings)


ALL = {"line": ("acm", idle()), "net": ("ncm", idle()), "late": ("ecm", idle(start="configured"))}


# --- when ---------------------------------------------------------------------------------------


@test("acm's runs as soon as the function is there, ncm's while it is bound, a third while a host is there")
def starts_with_its_kernel_device():
    harness.up(places(ALL), "--no-bind")
    first = await_states(line="ready", net="pending", late="pending")
    eq(status("places")[0]["state"], "unbound", "what is pending is no fault")
    must(ffsctl("bind", "places", "--udc", "usbip-vudc.0"))
    second = await_states(line="ready", net="ready", late="pending")
    eq(status("places")[0]["state"], "ready")
    plugs = harness.attach("usbip-vudc.0")
    third = await_states(line="ready", net="ready", late="ready")
    eq((second["line"], third["line"], third["net"]), (first["line"], first["line"], second["net"]))
    must(ffsctl("unbind", "places"))
    await_states(line="ready", net="pending", late="pending")
    for pid in (third["net"], third["late"]):
        wait_dead(pid)
    for plug in plugs:
        plug.close()
    down("places")


@test("bound and unbound by hand, and by hand again: they come and go with the interface, as others")
def manual_unbind_and_bind():
    up(places(ALL), "--wait-host")
    before = await_states(line="ready", net="ready", late="ready")
    for _ in range(3):
        UDC.write_text("\n")
        await_states(line="ready", net="pending", late="pending")
        with harness.configured():
            UDC.write_text("dummy_udc.0\n")
        after = await_states(line="ready", net="ready", late="ready")
        eq(after["line"], before["line"])
        ok(after["net"] != before["net"] and after["late"] != before["late"], "they are the same ones")
        before = after
    gadget, _ = status("places")
    eq([f["worker"]["restarts"] for f in gadget["functions"]], [0, 0, 0], "that was no restart")
    down("places")


@test("unbound and bound at once: whose device is another one now is another one, too")
def quick_rebind_changes_device():
    up(places({"net": ("ncm", idle()), "keys": ("hid", idle(), 'attrs = { report_desc = "keyboard"; };')}), "--wait-host")
    before = await_states(net="ready", keys="ready")
    supervisor = status("places")[0]["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)  # it sees nothing of what happens meanwhile
    UDC.write_text("\n")
    with harness.configured():
        UDC.write_text("dummy_udc.0\n")
    os.kill(supervisor, signal.SIGCONT)
    await_status("places", lambda g: (pid := g["functions"][1]["worker"]["pid"]) and pid != before["keys"], "another")
    eq(pids()["net"], before["net"], "an interface stays over that")
    down("places")


# --- what they are told ---------------------------------------------------------------------------


def dumped(path):
    return json.loads(path.read_text())


@test("device and interface are in arguments and environment; there are no endpoints")
def arguments_and_environment():
    line, net = open_file("line"), open_file("net")
    words = [ODD_WORKER, "dump"]
    up(places({"line": ("acm", worker(exec=[*words, line, "ready", "notify", "wait"], env={"MINE": "at ${device}"},
                                      ready="notify")),
               "net": ("ncm", worker(exec=[*words, net, "ready", "notify", "wait"], env={"MINE": "at ${ifname}"},
                                     ready="notify"), 'attrs = { ifname = "lab%d"; };')}), "--wait-host")
    await_states(line="ready", net="ready")
    gadget, _ = status("places")
    eq([(f["device"], f["ifname"]) for f in gadget["functions"]], [("/dev/ttyGS0", None), (None, "lab0")])
    for path, name, value in ((line, "FFSCTL_DEVICE", "/dev/ttyGS0"), (net, "FFSCTL_IFNAME", "lab0")):
        got = dumped(path)
        eq((got["environ"][name], got["environ"]["MINE"]), (value, f"at {value}"))
        eq(sorted(k for k in got["environ"] if k.startswith("FFSCTL_")), sorted(["FFSCTL_GADGET", "FFSCTL_FUNCTION", name]))
        eq(got["environ"]["LISTEN_FDNAMES"], "config:control")
        eq((got["config"]["mount"], got["config"]["endpoints"]), (None, []))
    down("places")


# --- the gadget does not wait -----------------------------------------------------------------------


@test("a worker that is slow, or ends at once, or cannot be started, keeps nothing off the bus")
def slow_worker_blocks_no_bind():
    up(places({"a": ("acm", idle(ready="notify", start_timeout=1000)),
               "b": ("ncm", odd("exit", 1, ready="started", restart_delay=1000, restart_max_delay=1000)),
               "c": ("ecm", odd("exit", 125, ready="started")),
               "d": ("eem", idle(directory="/nowhere", restart_delay=1000, restart_max_delay=1000))}), "--wait-host")
    await_states(a="starting", b="waiting", c="failed", d="waiting")
    gadget, code = status("places")
    eq((gadget["state"], gadget["udc"], code), ("degraded", "dummy_udc.0", 1))
    down("places")


@test("the one of a gadget with nothing else takes it off the bus when it has failed; restart takes it back")
def failed_worker_unbinds_lone_gadget():
    up(places({"a": ("acm", idle(restart="always", restart_delay=0, restart_limit=1))}), "--wait-host")
    for _ in range(2):
        kill(await_states(a="ready")["a"])
        await_status("places", lambda g: g["functions"][0]["worker"]["pid"] or
                     g["functions"][0]["worker"]["state"] == "failed", "another, or none")
    await_status("places", lambda g: g["state"] == "failed", "failed")
    eq(UDC.read_text().strip(), "")
    must(ffsctl("restart", "places"))
    await_status("places", lambda g: g["state"] == "ready", "ready")
    eq(UDC.read_text().strip(), "dummy_udc.0")
    down("places")


@test("killed again and again: restarted; the others and the bus know nothing of it")
def killed_again_and_again():
    up(places({"line": ("acm", idle(**AT_ONCE)), "net": ("ncm", idle())}), "--wait-host")
    numbers, before = devnums(), await_states(line="ready", net="ready")
    for n in range(rounds(5, 20)):
        kill(pids()["line"])
        await_status("places", lambda g: g["functions"][0]["worker"]["restarts"] == n + 1 and
                     g["functions"][0]["worker"]["state"] == "ready", "restarted")
    eq((devnums(), pids()["net"]), (numbers, before["net"]))
    down("places")


@test("its keeper is killed: keeper and worker are restarted, the gadget stays on the bus")
def keeper_killed():
    up(places({"line": ("acm", idle(**AT_ONCE)), "net": ("ncm", idle())}), "--wait-host")
    numbers, before = devnums(), await_states(line="ready", net="ready")
    keeper = status("places")[0]["functions"][0]["keeper"]
    kill(keeper)
    gadget, _ = await_status("places", lambda g: g["functions"][0]["worker"]["restarts"] == 1 and
                             g["functions"][0]["worker"]["state"] == "ready", "restarted")
    ok(gadget["functions"][0]["keeper"] not in (keeper, None), "it is the same one")
    eq((devnums(), pids()["net"], gadget["state"]), (numbers, before["net"], "ready"))
    down("places")


@test("while it is off the bus its end counts for nothing, and it starts when it is back")
def end_while_unbound_is_not_counted():
    up(places({"line": ("acm", idle()), "net": ("ncm", idle(restart_limit=1))}), "--wait-host")
    for _ in range(4):
        await_states(line="ready", net="ready")
        must(ffsctl("unbind", "places"))
        await_states(line="ready", net="pending")
        must(ffsctl("restart", "places"))
        await_states(line="ready", net="pending")
        must(ffsctl("bind", "places"))
    await_states(line="ready", net="ready")
    down("places")


# --- supervisors, files ---------------------------------------------------------------------------


@test("the supervisor is killed, and the gadget unbound meanwhile: the next one takes over what there is")
def supervisor_killed_gadget_unbound():
    path = places(ALL)
    up(path, "--wait-host")
    before = await_states(line="ready", net="ready", late="ready")
    kill(status("places")[0]["supervisor"])
    contains(up(path).stderr, TAKEN_OVER)
    eq(pids(), before)
    kill(status("places")[0]["supervisor"])
    UDC.write_text("\n")
    up(path)
    await_states(line="ready", net="pending", late="pending")
    eq(pids()["line"], before["line"])
    down("places")


@test("reexec: pending and serving workers go on as they were")
def reexec_keeps_workers():
    harness.up(places(ALL), "--no-bind")
    before = await_states(line="ready", net="pending", late="pending")
    must(ffsctl("reexec", "places"))
    eq(await_states(line="ready", net="pending", late="pending"), before)
    must(ffsctl("bind", "places", "--udc", "dummy_udc.0"))
    await_states(line="ready", net="ready", late="ready")
    down("places")


@test("reload: another worker, another attribute, another function, none: only who is concerned starts anew")
def reload_restarts_only_what_changed():
    path = places(ALL)
    up(path, "--wait-host")
    numbers, before = devnums(), await_states(line="ready", net="ready", late="ready")
    places({**ALL, "line": ("acm", idle(env={"X": "1"}))})
    must(ffsctl("reload", "places"))
    second = await_states(line="ready", net="ready", late="ready")
    ok(second["line"] != before["line"], "it is the same one")
    eq((second["net"], second["late"], devnums()), (before["net"], before["late"], numbers), "the others")

    places({**ALL, "net": ("ncm", idle(), 'attrs = { qmult = 7; };')})
    with harness.configured():
        must(ffsctl("reload", "places"))
    third = await_states(line="ready", net="ready", late="ready")
    ok(third["net"] not in (None, second["net"]), "its interface has gone meanwhile")

    places({"net": ("eem", idle()), "late": ("ecm", idle(start="configured"))})
    with harness.configured():
        must(ffsctl("reload", "places"))
    await_states(net="ready", late="ready")
    wait_dead(third["line"])

    places({"net": ("eem", None), "late": ("ecm", idle(start="configured"))})
    must(ffsctl("reload", "places"))
    await_states(net=None, late="ready")
    down("places")


# --- capabilities ---------------------------------------------------------------------------------

NET_ADMIN, NET_RAW = 1 << 12, 1 << 13


def capabilities(**settings):
    """Returns the permitted, effective and bounding capabilities of a worker, and whether it can get more."""
    up(places({"line": ("acm", idle(**settings)), "net": ("ncm", idle())}))
    pid = await_states(line="ready", net="ready" if status("places")[0]["udc"] else "pending")["line"]
    found = harness.proc_status(pid)
    down("places")
    return [int(found[key], 16) for key in ("CapPrm", "CapEff", "CapBnd")] + [found["NoNewPrivs"]]


@test("capabilities: those and no others, for root and for others; none by default")
def capabilities_as_listed():
    both = NET_ADMIN | NET_RAW
    eq(capabilities(), [0, 0, 0, "1"])
    eq(capabilities(capabilities=["cap_net_admin", "cap_net_raw"]), [both, both, both, "1"])
    eq(capabilities(capabilities=["cap_net_admin", "cap_net_raw"], user="nobody"), [both, both, both, "1"])
    # The last one of this kernel's, above 31
    eq(capabilities(capabilities=["cap_checkpoint_restore"], user=1000), [1 << 40] * 3 + ["1"])


# --- the real ones --------------------------------------------------------------------------------


def line_is_raw(pid):
    """Returns whether the process has a terminal as its standard input, and has set it to raw. agetty does so after it
    has thrown away what came before, and then waits for Enter."""
    stdin = f"/proc/{pid}/fd/0"
    if not os.readlink(stdin).startswith("/dev/ttyGS"):
        return False
    with contextlib.closing(os.fdopen(os.open(stdin, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK), "rb")) as line:
        return not termios.tcgetattr(line)[3] & termios.ICANON


@test("login: a prompt on the host's /dev/ttyACM0, a shell behind it, and a prompt again")
def login_prompt():
    with harness.root_without_password():
        with harness.configured():
            up(f"{SRC}/gadget.d/login.conf")
        must(ffsctl("wait", "login", "--for", "configured"))
        # A program of the host opens the line later. Until it sets the terminal to raw, the terminal sends back what
        # comes: here must be nothing that could become a user's name
        time.sleep(5)
        fd = harness.open_device("/dev/ttyACM0", os.O_RDWR | os.O_NOCTTY)
        with contextlib.closing(os.fdopen(fd, "r+b", buffering=0)) as line:
            time.sleep(1)
            tty.setraw(line, termios.TCSANOW)
            eq(select.select([line], [], [], 1)[0], [], "before Enter")
        fd = gadgets.raw_terminal("/dev/ttyACM0")
        with contextlib.closing(os.fdopen(fd, "r+b", buffering=0)):
            for restarts in range(2):
                await_status("login", lambda g, n=restarts: (worker := g["functions"][0]["worker"])["restarts"] == n
                             and worker["state"] == "ready" and line_is_raw(worker["pid"]), "getty")
                os.write(fd, b"\r")
                gadgets.read_until(fd, b"login: ")
                os.write(fd, b"root\r")
                gadgets.read_until(fd, b"# ")
                os.write(fd, b"echo $((6 * 7))-$(tty)\r")
                gadgets.read_until(fd, b"42-/dev/ttyGS0\r")
                os.write(fd, b"exit\r")
            await_status("login", lambda g: g["functions"][0]["worker"]["restarts"] == 2, "restarted")
        eq(status("login")[0]["functions"][0]["worker"]["last_exit"], "exit 0")
        down("login")


DHCP = """
import contextlib, os, socket, struct, sys
mac = bytes.fromhex(sys.argv[2].replace(":", ""))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
s.bind(("0.0.0.0", 68))
s.settimeout(4)
def parse(answer):
    options, at = {}, 240
    while answer[at] != 255:
        options[answer[at]] = answer[at + 2:at + 2 + answer[at + 1]]
        at += 2 + answer[at + 1]
    return options
def ask(kind, want, more=b""):
    while True:  # the link may not be up yet: a client asks again (RFC 2131, 4.1)
        s.sendto(struct.pack("!BBBBIHH16x16s192xI", 1, 1, 6, 0, 42, 0, 0x8000, mac, 0x63825363) + bytes([53, 1, kind]) + more +
                 b"\\xff", ("255.255.255.255", 67))
        with contextlib.suppress(TimeoutError):
            while (options := parse(answer := s.recv(4096)))[53][0] != want:
                pass
            return answer[16:20], options
offered, options = ask(1, 2)
given, answer = ask(3, 5, bytes([50, 4]) + offered + bytes([54, 4]) + options[54])
print(socket.inet_ntoa(given), answer[53][0], socket.inet_ntoa(answer[54]), 3 in answer, 6 in answer)
"""


@test("network-dhcp: the host gets its address from here, also after dnsmasq was killed and the cable pulled")
def dhcp_address():
    host_address = identity.address("network-dhcp", "ncm.net", "host_addr")
    with harness.configured():
        up(f"{SRC}/gadget.d/network-dhcp.conf")
    must(ffsctl("wait", "network-dhcp", "--for", "configured"))
    for step in ("at first", "killed", "unbound"):
        if step == "killed":
            kill(status("network-dhcp")[0]["functions"][0]["worker"]["pid"])
        elif step == "unbound":
            with harness.configured():
                must(ffsctl("unbind", "network-dhcp"))
                must(ffsctl("bind", "network-dhcp"))
        await_status("network-dhcp", lambda g: g["functions"][0]["worker"]["restarts"] >= (step != "at first")
                     and g["state"] == "ready", "ready")
        theirs = gadgets.interface_of(host_address)
        with gadgets.network_namespace() as host:
            gadgets.sh(f"ip link set {theirs} netns {host}")
            inside = f"nsenter -t {host} -n "
            gadgets.sh(inside + f"ip link set {theirs} up")
            got = must(subprocess.run([*inside.split(), "/usr/bin/python3", "-c", DHCP, theirs, host_address],
                                      capture_output=True, text=True, timeout=patience(60))).stdout
            eq(got, "192.168.55.2 5 192.168.55.1 False False\n", step)
            gadgets.sh(inside + f"ip link set {theirs} netns {os.getpid()}")
    down("network-dhcp")


tap.main()
