# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2 timeout=900
# lab all: kernel=6.12,6.1 udcs=2 timeout=900
"""Another program kills processes and unbinds, unmounts and deletes parts of a gadget, in all combinations of two such
actions. `status` never reports more than exists, and never reports that nothing is left while something is. `down`
removes everything, or reports why it cannot. `up` works again."""

import contextlib
import ctypes
import itertools
import json
import os
import pathlib
import shutil
import signal

import gadgets
import harness
import tap
from gadgets import worker
from harness import ffsctl, kill, must, up
from tap import contains, eq, ok, test

UDC, OTHER = "dummy_udc.0", "dummy_udc.1"
TOP = pathlib.Path(harness.CONFIGFS, "flow")
RUN = pathlib.Path("/run/ffsctl/flow")
DEVICE = pathlib.Path("/dev/flow-events")

SLOW = {"restart_delay": 1000, "restart_max_delay": 1000}  # killed processes are not restarted
FILE = gadgets.DIRECTORY / "flow.conf"
FILE.write_text(f"""attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
strings = ( {{ product = "flow"; serialnumber = "1"; }} );
udc = "{UDC}";
functions : {{
  echo : {{ ffs : {{ interfaces = ( {{ endpoints = ( "bulk-out", "bulk-in" ); }} ); }};
            worker : {{ {worker(plugin="loopback", **SLOW)} }}; }};
  prog : {{ ffs : {{ interfaces = ( {{ endpoints = ( "bulk-out", "bulk-in" ); }} ); }};
            worker : {{ {worker(exec=["/bin/sleep", "100000"], ready="started", **SLOW)} }}; }};
  events : {{ ffs : {{ device = "{DEVICE}"; interfaces = ( {{ endpoints = ( "interrupt-in" ); }} ); }}; }};
  tty : {{ type = "acm"; }};
}};
""")

LINKED = 4  # functions in the only configuration
FUNCTIONFS = ["echo", "prog", "events"]


def mount_point(label):
    return f"/dev/ffs/flow/{label}"


# --- what there is, seen without ffsctl -------------------------------------------------------------


def lives(pid):
    """Returns whether a process runs. One that is ending has no memory map any more, for ffsctl it has ended: waits until
    the kernel has removed the rest of it."""
    try:
        os.readlink(f"/proc/{pid}/exe")
    except FileNotFoundError:
        harness.wait_dead(pid)
        return False
    return True


def line_of(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return None


class Gadget:
    """A gadget that is up, and its processes at that time."""

    def __init__(self):
        shown, _ = harness.status("flow")
        self.state = shown["state"]
        functions = {f["label"]: f for f in shown["functions"]}
        self.supervisor = shown["supervisor"]
        self.keepers = {label: functions[label]["keeper"] for label in FUNCTIONFS}
        self.workers = {label: functions[label]["worker"]["pid"] for label in ("echo", "prog")}

    def pids(self):
        pids = [self.supervisor, *self.keepers.values(), *self.workers.values()]
        return [pid for pid in pids if pid]

    def truth(self):
        mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
        bound = line_of(TOP / "UDC")
        return {
            "there": TOP.is_dir(),
            "bound": bound,
            "udc": bool(bound) and os.path.isdir(f"/sys/class/udc/{bound}"),
            "udc_state": line_of(f"/sys/class/udc/{bound}/state") if bound else None,
            "linked": len(list(TOP.glob("configs/*/*.*"))) - len(list(TOP.glob("configs/*/strings.*"))),
            "mounts": sorted(m[1] for m in mounts if m[2] == "functionfs"),
            "alive": [pid for pid in self.pids() if lives(pid)],
            "device": os.path.lexists(DEVICE),
            "run": sorted(os.listdir(RUN)) if RUN.is_dir() else None,
        }


def whole(g, truth):
    """Returns whether the gadget is complete, so that it could report that it is ready."""
    return (truth["there"] and truth["udc"] and truth["linked"] == LINKED and truth["device"] and
            truth["mounts"] == sorted(map(mount_point, FUNCTIONFS)) and truth["alive"] == g.pids())


def left(truth):
    return [key for key in ("there", "mounts", "alive", "device", "run") if truth[key]]


# --- what status says -------------------------------------------------------------------------------


def judge_function(f, truth):
    w, label = f["worker"], f["label"]
    ok(f["keeper"] is None or f["keeper"] in truth["alive"], f"{label}: the keeper is dead")
    if f["mount"]:
        ok(f["mount"] in truth["mounts"], f"{label}: it is not mounted")
    if f["device"] == str(DEVICE):
        ok(truth["device"], f"{label}: there is no {DEVICE}")
    if w:
        ok(w["pid"] is None or w["pid"] in truth["alive"], f"{label}: the worker is dead")
        ok(w["pid"] or w["state"] != "ready", f"{label}: a worker is ready that is none")
        eq(w["ready_since"] is not None, w["state"] == "ready", f"{label}: ready since")


def judge(g, truth, shown, code, words):
    state = shown["state"]
    eq(code, {"ready": 0, "down": 3, "foreign": 4}.get(state, 1), "exit status")
    ok(words.startswith(f"flow: {state}"), words)
    if state == "down":
        eq(left(truth), [], "it says down, but left is")
        return
    ok(left(truth), f"it says {state}, but nothing is left")
    if state == "ready":
        ok(whole(g, truth), "it is not ready")
    else:
        ok(state == "foreign" or shown["problems"], f"{state}, and no word about why")
    # Ours is what left a note of that; and what left one is ours
    eq(state == "foreign", not {"lock", "record", "status"} & set(truth["run"] or ()), "foreign")
    eq(shown["udc"], truth["bound"] or None, "udc")
    # Which one it is the host changes at any moment, and back
    eq(shown["udc_state"] is None, truth["udc_state"] is None, "no udc_state")
    eq(f" on {shown['udc']}, " in words.splitlines()[0], bool(truth["bound"]), "on a UDC, in words")
    if state == "foreign":
        return
    eq(shown["supervisor"], g.supervisor if g.supervisor in truth["alive"] else None, "supervisor")
    for f in shown["functions"]:
        judge_function(f, truth)
    if shown["functions"]:
        told = [shown["supervisor"]] + [f["keeper"] for f in shown["functions"]]
        told += [f["worker"]["pid"] for f in shown["functions"] if f["worker"]]
        eq([pid for pid in truth["alive"] if pid not in told], [], "processes that it does not know")


def look(g):
    """Compares the whole status with what exists, at a time at which nothing changes."""
    while True:
        truth, written = g.truth(), line_of(RUN / "status")
        result = ffsctl("status", "flow", "--json")
        words = ffsctl("status", "flow")
        shown = harness.document(result)["gadgets"][0]
        if (g.truth(), line_of(RUN / "status")) == (truth, written):
            break
    try:
        judge(g, truth, shown, result.returncode, words.stdout)
    except AssertionError as e:
        raise AssertionError(f"{e}\n{truth}\n{shown}\n{words.stdout}") from None


# --- what is done to it -----------------------------------------------------------------------------


def end(pid):
    with contextlib.suppress(ProcessLookupError):
        kill(pid)


def write_udc(text):
    """Writes to the attribute UDC. The kernel refuses this if the gadget is in that state already, or if a function is
    not ready."""
    with contextlib.suppress(OSError):
        (TOP / "UDC").write_text(text + "\n")


def move(g):
    write_udc("")
    write_udc(OTHER)


MNT_DETACH = 2
LIBC = ctypes.CDLL(None)  # umount(8) would leave /run/mount


def umount(label, flags=0):
    """Unmounts FunctionFS. Fails with EBUSY while a keeper runs, unless the unmount is lazy."""
    LIBC.umount2(mount_point(label).encode(), flags)


def unlink_function(g):
    for link in TOP.glob("configs/*/ffs.flow-echo"):
        link.unlink()


def remove_function(g):
    unlink_function(g)
    with contextlib.suppress(FileNotFoundError):
        (TOP / "functions/ffs.flow-echo").rmdir()


def remove_gadget(g):
    if not TOP.is_dir():
        return
    write_udc("")
    for link in [p for p in TOP.glob("configs/*/*") if p.is_symlink()]:
        link.unlink()
    for pattern in ("configs/*/strings/*", "configs/*", "functions/*", "strings/*"):
        for path in TOP.glob(pattern):
            path.rmdir()
    TOP.rmdir()


def remove_udc(g):
    with contextlib.suppress(OSError):
        (harness.UDC_DRIVER / "unbind").write_text(UDC)


def remove_run_directory(g):
    shutil.rmtree(RUN, ignore_errors=True)


KILL = "kill the supervisor"
BREAKAGES = {
    KILL: lambda g: end(g.supervisor),
    "kill a keeper": lambda g: end(g.keepers["echo"]),
    "kill a plugin host": lambda g: end(g.workers["echo"]),
    "kill a program": lambda g: end(g.workers["prog"]),
    "unbind": lambda g: write_udc(""),
    "bind": lambda g: write_udc(UDC),
    "bind elsewhere": move,
    "remove the UDC": remove_udc,
    "unmount": lambda g: umount("echo"),
    "unmount lazily": lambda g: umount("echo", MNT_DETACH),
    "unlink a function": unlink_function,
    "remove a function": remove_function,
    "remove the gadget": remove_gadget,
    "remove the device link": lambda g: DEVICE.unlink(missing_ok=True),
    "remove the run directory": remove_run_directory,
}
BREAKAGES.update({f"remove {name}": lambda g, name=name: (RUN / name).unlink(missing_ok=True)
                  for name in ("lock", "record", "status", "control", "log")})

# --- and how it ends --------------------------------------------------------------------------------


def by_hand(g):
    """Removes the gadget by hand, as a user must after the record of ffsctl was lost."""
    for pid in g.pids():
        end(pid)
    for label in FUNCTIONFS:
        umount(label, MNT_DETACH)
    remove_gadget(g)
    remove_run_directory(g)
    DEVICE.unlink(missing_ok=True)
    users = RUN.parent / ".users"
    for link in users.glob("*"):
        if os.readlink(link).startswith("flow/"):
            link.unlink()
    for path in (*map(mount_point, FUNCTIONFS), "/dev/ffs/flow", "/dev/ffs", users, RUN.parent):
        with contextlib.suppress(OSError):
            os.rmdir(path)


def without_note(names):
    """Returns whether no program can find out any more what must be undone."""
    return ("remove the run directory" in names or
            {KILL, "remove record"} <= set(names))


current = []  # a gadget that is up or was up


def restore_udc():
    with contextlib.suppress(OSError):  # it is there
        (harness.UDC_DRIVER / "bind").write_text(UDC)


@tap.cleanup
def put_right():
    if current:
        by_hand(current.pop())
    restore_udc()


before = harness.leaves_nothing()


def bring_up():
    up(FILE)
    g = Gadget()
    current.append(g)
    eq(g.state, "ready")
    return g


def leave_clean():
    """Checks that nothing of the gadget is left and that `status` reports this; the next test brings it up again."""
    eq(harness.status("flow"), (None, 3))
    restore_udc()
    harness.check_same_snapshots(before, harness.snapshot())
    current.clear()


def broken(*names):
    g = bring_up()
    for name in names:
        BREAKAGES[name](g)
    look(g)  # after the first of two breakages; another test has this case
    result = ffsctl("down", "flow")
    look(g)
    if {"remove lock", "remove control"} == set(names):
        contains(must(result, 73).stderr, f"'kill {g.supervisor}' takes it down")
        kill(g.supervisor, signal.SIGTERM)
    elif without_note(names):
        must(result, 73)
        by_hand(g)
    else:
        must(result)
    look(g)
    leave_clean()


# What it is when the next supervisor runs, if it is not ready.
AFTER = {
    "kill a plugin host": ("ready", "degraded"),  # whether its restart was waited for
    "kill a program": ("ready", "degraded"),
    "unbind": ("unbound",),  # only the program that made it may undo it
    "remove the UDC": ("degraded",),
}


def up_again(*names):
    """Checks that a new supervisor takes over what a dead one has left, or makes it again."""
    g = bring_up()
    for name in names:
        BREAKAGES[name](g)
    result = ffsctl("up", FILE)
    if without_note(names):
        must(result, 73)
        by_hand(g)
    else:
        must(result)
        current[:] = [Gadget()]
        look(current[0])
        (other,) = set(names) - {KILL}
        ok(current[0].state in AFTER.get(other, ("ready",)), current[0].state)
        must(ffsctl("down", "flow"))
    leave_clean()


@test("nothing is broken")
def nothing_broken():
    look(bring_up())
    must(ffsctl("down", "flow"))
    leave_clean()


@test("status finds no status file, and then the lock of a supervisor: it reads the file that has appeared since")
def status_comes_meanwhile():
    bring_up()
    aside = RUN / "aside"
    (RUN / "status").rename(aside)
    process = gadgets.start_with_stops(["status", "--json", "flow"], [lambda: aside.rename(RUN / "status")],
                                       "-P", RUN / "status", "-e", "inject=openat:signal=STOP:when=1")
    [shown] = json.loads(must(gadgets.finish(process)).stdout)["gadgets"]
    eq((shown["state"], shown["problems"]), ("ready", []))
    must(ffsctl("down", "flow"))
    leave_clean()


for other in BREAKAGES:
    if other != KILL:
        test(f"{KILL}, then {other}, then up", KILL, other)(up_again)
        test(f"{other}, then {KILL}, then up", other, KILL)(up_again)

for one in BREAKAGES:
    test(one, one)(broken)
NAMES = list(BREAKAGES)
# lab/test: each is once the first of two, and once the second
NEAR = {(name, NAMES[(n + 7) % len(NAMES)]) for n, name in enumerate(NAMES)}
FEWER = "supervisor/a-gadget-without-a-link-is-taken-over: each breakage is in two of the pairs"
# What two breakages make of each other is ffsctl's doing, whatever the kernel: all pairs are tried on one
OTHER_KERNEL = os.environ["LAB_KERNEL"] != "6.12"
for first, second in itertools.permutations(BREAKAGES, 2):
    if OTHER_KERNEL and (first, second) not in NEAR:
        continue
    test(f"{first}, then {second}", first, second, only_all=None if (first, second) in NEAR else FEWER)(broken)

tap.main()
