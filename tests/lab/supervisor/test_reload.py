#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2 timeout=300
# lab: build=sanitize udcs=2 timeout=300
# lab all: kernel=6.12,6.1 udcs=2 timeout=300
# lab all: kernel=6.12 build=sanitize udcs=2 timeout=300
# lab all: kernel=6.12 build=without-libusbgx udcs=2 timeout=300 real-time
# lab all: build=musl,i386 udcs=2 timeout=300 real-time
"""`reload`: changes that are possible while the host uses the gadget need no rebind; other changes do. A function that
stays keeps its keeper and its worker. After any failure the old gadget is restored."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import time

import gadgets
import harness
import tap
from gadgets import FRAGILE, LOOPBACK, await_status, fail_for_good, gadget, odd, worker
from harness import bench, configured, device, devnums, document, down, ffsctl, kill, must, status
from tap import contains, eq, ok, patience

harness.load_host_drivers()
harness.leaves_nothing()

SANITIZED = "ASAN_OPTIONS" in os.environ
# What lab/test has the sanitizers look at: each takes four times as long with them
LOOKED_AT = ("functions added", "a worker that does not get ready")
FEWER = "plan/second-reload-restores-the-first-files-value: the plain build has every test, this one those that do most"


def test(name):
    return tap.test(name, only_all=FEWER if SANITIZED and not name.startswith(LOOKED_AT) else None)


TOP = pathlib.Path(harness.CONFIGFS)
SLEEP = worker(exec=["/bin/sleep", "100000"], ready="started")


def up(path, *args, **kwargs):
    if "--udc" not in args and "\nudc" not in pathlib.Path(path).read_text():
        args += "--udc", "dummy_udc.0"
    with contextlib.nullcontext() if "--no-bind" in args else configured():
        return harness.up(path, *args, **kwargs)


def is_up_already(path):
    contains(must(ffsctl("up", path)).stderr, "up already")


def reload(name="x", *args, code=0):
    return must(ffsctl("reload", name, *args), code)


def said(text):
    """Returns the messages and hints of the output, without messages about the file."""
    return "".join(line for line in text.splitlines(True) if line.startswith(("ffsctl: ", "hint: ")))


def plan(name="x"):
    """Returns what a reload would do: [(change, last component of the path)], and whether it rebinds."""
    shown = document(must(ffsctl("reload", name, "--dry-run", "--json")))["gadgets"][0]
    return [(c["do"], os.path.basename(c["path"])) for c in shown["plan"]], shown["rebind"]


def functions(name="x"):
    return {f["label"]: f for f in status(name)[0]["functions"]}


def pids(name="x"):
    return {label: (f["keeper"], f["worker"] and f["worker"]["pid"]) for label, f in functions(name).items()}


def is_ready(name="x"):
    shown, code = status(name)
    eq((shown["state"], code, shown["problems"]), ("ready", 0, []))


def record(name="x"):
    return json.loads(pathlib.Path("/run/ffsctl", name, "record").read_text())


def is_as_up_makes_it(path, name="x"):
    """Checks that record, configfs and plan are the same as after an `up` with this file."""
    def look():
        found = {}
        for d, dirs, files in os.walk(TOP / name):
            for file in files + [n for n in dirs if os.path.islink(os.path.join(d, n))]:
                p = os.path.join(d, file)
                if os.path.islink(p):
                    found[p] = os.readlink(p)
                else:
                    try:
                        found[p] = pathlib.Path(p).read_bytes()
                    except OSError as e:
                        found[p] = e.errno
        links = {str(c): [p.name for p in sorted(c.iterdir(), key=lambda p: p.name) if p.is_symlink()]
                 for c in (TOP / name / "configs").iterdir()}
        r = record(name)
        mounts = sorted(m for m in pathlib.Path("/proc/self/mounts").read_text().splitlines() if "functionfs" in m)
        return found, links, r, mounts

    host = [str(c) for c in device()]
    reloaded = look()
    down(name)
    up(path)
    fresh = look()
    for a, b in zip(reloaded, fresh):
        if isinstance(a, dict):
            for key in sorted(set(a) | set(b)):
                if "bcdUSB" not in key and "bMaxPacketSize0" not in key:
                    eq(a.get(key), b.get(key), key)
        else:
            eq(a, b)
    eq(host, [str(c) for c in device()], "what the host sees")


# --- nothing, and nothing good ----------------------------------------------------------------------


@test("the same file: said, and nothing happens")
def same_file():
    path = gadget("x", LOOPBACK)
    up(path)
    before = pids(), devnums(), record()
    eq(plan(), ([], False))
    eq(said(reload().stderr), "ffsctl: x: unchanged\n")
    eq(said(reload(path).stderr), "ffsctl: x: unchanged\n")
    eq((pids(), devnums(), record()), before)
    down("x")


@test("a bad file: 65 with every diagnostic, and nothing happens")
def bad_file():
    path = gadget("x", LOOPBACK)
    up(path)
    before = pids(), devnums(), record()
    pathlib.Path(path).write_text("attrs = { idVendor = 0x12345; };\nfunctions : { echo : { ffs : { nonsense = 1; }; }; };\n")
    for arguments in ((), ("--dry-run",)):
        words = reload("x", *arguments, code=65).stderr
        contains(words, "x.conf:1:")
        contains(words, "nonsense")
    shown = document(reload("x", "--json", code=65))
    ok(len(shown["problems"]) >= 2, shown)
    os.unlink(path)
    reload("x", code=66)
    eq((pids(), devnums(), record()), before)
    is_ready()
    down("x")


@test("what is not up cannot be reloaded: 69")
def gadget_is_not_up():
    path = gadget("x", LOOPBACK)
    for argument in ("x", path):
        for more in ((), ("--dry-run",)):
            eq(said(must(ffsctl("reload", argument, *more), 69).stderr),
               "ffsctl: 'x' is not up\nhint: see 'ffsctl status'\n")


@test("up of another file of that name tells of reload, which does it")
def up_of_changed_file():
    up(gadget("x", LOOPBACK))
    other = gadgets.DIRECTORY / "other.conf"
    other.write_text(pathlib.Path(gadgets.DIRECTORY / "x.conf").read_text().replace('"x"', '"y"') + 'name = "x";\n')
    contains(must(ffsctl("up", other, "--udc", "dummy_udc.0"), 73).stderr, f"'ffsctl reload {other}' applies the gadget file")
    reload(other)
    is_up_already(other)
    eq(status("x")[0]["file"], str(other))
    is_ready()
    down("x")


@test("the file of that name in another directory: from then on the gadget is that one's")
def same_name_in_other_directory():
    here = gadget("x", LOOPBACK)
    up(here)
    there = gadgets.DIRECTORY / "there" / "x.conf"
    there.parent.mkdir()
    there.write_text(pathlib.Path(here).read_text())
    reload(there)
    is_up_already(there)
    must(ffsctl("up", here, "--udc", "dummy_udc.0"), 73)
    down("x")
    shutil.rmtree(there.parent)


@test("a file that is another gadget's now: 73")
def file_names_other_gadget():
    path = gadget("x", LOOPBACK)
    up(path)
    gadget("x", LOOPBACK, 'name = "z";')
    contains(reload("x", code=73).stderr, "is the gadget file of 'z', not of 'x'")
    is_ready()
    down("x")


@test("by the name of a file that gives its gadget another one, as a service does")
def by_name_of_renaming_file():
    path = gadget("file", LOOPBACK, 'name = "x";')
    up(path)
    pathlib.Path(path).write_text(pathlib.Path(path).read_text() + 'max_speed = "high";\n')
    contains(must(ffsctl("--dir", gadgets.DIRECTORY, "reload", "file")).stderr, "x: reloaded")
    eq((TOP / "x/max_speed").read_text(), "high-speed\n")
    down("x")


@test("a gadget that up --name has given its name keeps it")
def keeps_name_of_up():
    path = gadget("x", LOOPBACK)
    up(path, "--name", "n")
    gadget("x", LOOPBACK, "attrs2 = 0;".replace("attrs2 = 0;", 'max_speed = "high";'))
    reload("n")
    eq((TOP / "n/max_speed").read_text(), "high-speed\n")
    other = gadget("other", LOOPBACK)
    contains(must(ffsctl("up", other, "--name", "n", "--udc", "dummy_udc.0"), 73).stderr,
             f"'ffsctl reload --name n {other}' applies the gadget file")
    reload(other, code=69)  # of the name that the file gives
    reload(other, "--name", "n")
    eq((TOP / "n/strings/0x409/product").read_text(), "other\n")
    eq(said(reload("n").stderr), "ffsctl: n: unchanged\n")
    reload("n", "--name", "n", code=64)
    down("n")


# --- while the host looks on ------------------------------------------------------------------------


@test("worker options: another worker, the same keeper, no disconnect")
def worker_options():
    up(gadget("x", LOOPBACK))
    before, devices = pids(), devnums()
    gadget("x", worker(plugin="loopback", io="@").replace('"@"', "{ depth = 3; }"))
    eq(plan(), ([("leave", "ffsctl-worker"), ("start-worker", "ffsctl-worker"), ("await-ready", "ffsctl-worker")], False))
    eq(said(reload().stderr), "ffsctl: x: reloaded without a rebind\n")
    after = pids()
    eq(after["echo"][0], before["echo"][0], "keeper")
    ok(after["echo"][1] not in (None, before["echo"][1]), "worker")
    eq(devnums(), devices)
    is_ready()
    bench("loop", "--bytes", "1M", "--quiet")
    down("x")


@test("another program, none, and one again: no disconnect")
def program_changed_and_removed():
    up(gadget("x", LOOPBACK))
    keeper, devices = pids()["echo"][0], devnums()
    for group in (SLEEP, None, odd("notify", "wait"), LOOPBACK):
        gadget("x", group)
        eq(plan()[1], False)
        reload()
        eq((pids()["echo"][0], devnums()), (keeper, devices))
        eq(functions()["echo"]["worker"] is None, group is None)
        is_ready()
    bench("loop", "--bytes", "1M", "--quiet")
    down("x")


@test("capabilities that no worker is to have any more are given up: to have them again it goes down and comes up")
def capabilities_given_up():
    privileged = odd("ready", "notify", "wait", capabilities=["cap_net_admin"])
    path = gadget("x", privileged)
    up(path)
    for group, code in ((LOOPBACK, 0), (privileged, 73)):
        gadget("x", group)
        words = reload(code=code).stderr
    contains(words, "the supervisor has given up the privileges that the worker of 'echo' needs (capabilities)")
    contains(words, "take 'x' down, then up")
    is_ready()
    down("x")
    up(path)
    down("x")


@test("on paper, too, programs are looked for where the supervisor looks for them")
def dry_run_finds_programs():
    directory = gadgets.DIRECTORY / "bin"
    directory.mkdir()
    shutil.copy("/bin/sleep", directory)
    up(gadget("x", worker(exec=["sleep", "100000"], ready="started")))
    shown = must(ffsctl("reload", "x", "--dry-run", env={"PATH": f"{directory}:{os.environ['PATH']}"}))
    contains(shown.stderr, "no changes")
    down("x")


@test("how a worker is restarted: the worker goes on")
def restart_policy():
    up(gadget("x", SLEEP))
    before = pids()
    gadget("x", worker(exec=["/bin/sleep", "100000"], ready="started", restart="never"))
    eq(plan(), ([], False))
    eq(said(reload("x", "--dry-run").stderr), "ffsctl: x: only settings of the supervisor would change\n")
    eq(said(reload().stderr), "ffsctl: x: reloaded without a rebind\n")
    eq(said(reload("x", "--dry-run").stderr), "ffsctl: x: no changes\n")
    eq(pids(), before)
    kill(before["echo"][1])
    await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "done", "done")
    down("x")


def disk(luns, more="", name="x"):
    path = gadgets.DIRECTORY / f"{name}.conf"
    path.write_text("attrs : { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : { disk : { type = \"mass_storage\";"
                    f" attrs : {{ luns = ( {luns} ); {more} }}; }}; }};\n")
    return path


def image(name, size=1 << 20):
    path = gadgets.DIRECTORY / name
    path.write_bytes(name.encode().ljust(size, b"."))
    return path


@contextlib.contextmanager
def drive():
    """Yields a list. At the end of the block it has the block device that the host's driver has made."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, harness.NETLINK_KOBJECT_UEVENT) as uevents:
        uevents.bind((0, 1))
        uevents.settimeout(patience(20))
        found = []
        yield found
        while not found:
            words = dict(w.split(b"=", 1) for w in uevents.recv(65536).split(b"\0") if b"=" in w)
            if (words.get(b"ACTION"), words.get(b"DEVTYPE")) == (b"add", b"disk"):
                found.append(pathlib.Path("/dev", words[b"DEVNAME"].decode()))
        # The kernel has read the partitions before, and closes its file one jiffy later (fput() of a kernel thread): until
        # then it has locked the medium, too
        time.sleep(0.1)


def begins(path):
    with open(path, "rb") as f:
        return f.read(5), f.seek(0, os.SEEK_END)


@test("a drive's medium is another one: the host sees that, and the same device")
def drive_medium():
    a, b = image("a.img"), image("b.img", 2 << 20)
    with drive() as found:
        up(disk(f'{{ file = "{a}"; }}'))
    devices = devnums()
    eq(begins(found[0]), (b"a.img", 1 << 20))
    for luns, want in ((f'{{ file = "{b}"; }}', (b"b.img", 2 << 20)), (f'{{ file = "{a}"; ro = true; }}', (b"a.img", 1 << 20))):
        disk(luns)
        eq(plan()[1], False)
        reload()
        eq(begins(found[0]), want)
    eq(pathlib.Path("/sys/block", found[0].name, "ro").read_text(), "1\n")
    disk("{ nofua = true; }")
    eq(sorted(plan()[0]), [("restore", "file"), ("restore", "ro"), ("write-text", "nofua")])
    reload()
    tap.raises(OSError, begins, found[0])  # no medium
    eq(devnums(), devices)
    is_ready()
    down("x")


@test("a medium that the host has locked: 71 and what to do, and the old one stays in")
def drive_medium_locked():
    a, b = image("a.img"), image("b.img")
    with drive() as found:
        up(disk(f'{{ file = "{a}"; }}'))
    disk(f'{{ file = "{b}"; }}')
    with open(found[0], "rb"):
        words = reload("x", code=71).stderr
        contains(words, "Device or resource busy; the host has locked the medium; 'x' is as it was before the reload\n"
                        "hint: unmount or eject the medium on the host")
    eq(begins(found[0])[0], b"a.img")
    reload()
    eq(begins(found[0])[0], b"b.img")
    down("x")


@test("--force-eject: a medium that the host has locked is replaced or removed; if that fails, the old one stays in")
def drive_medium_forced():
    a, b = image("a.img"), image("b.img")
    with drive() as found:
        up(disk(f'{{ file = "{a}"; }}'))
    devices = devnums()
    disk('{ file = "/none"; }')
    with open(found[0], "rb"):
        words = reload("x", "--force-eject", code=71).stderr
        contains(words, "No such file or directory; the drive's medium does not exist; 'x' is as it was before")
        eq((TOP / "x/functions/mass_storage.disk/lun.0/file").read_text().strip(), str(a))
    eq(begins(found[0])[0], b"a.img")
    disk(f'{{ file = "{b}"; }}')
    with open(found[0], "rb"):
        reload("x", "--force-eject")
    eq(begins(found[0])[0], b"b.img")
    disk("{ nofua = true; }")
    with open(found[0], "rb"):
        reload("x", "--force-eject")
    tap.raises(OSError, begins, found[0])  # no medium
    disk(f'{{ file = "{a}"; nofua = true; }}')
    reload("x", "--force-eject")
    eq(begins(found[0])[0], b"a.img")
    disk(f'{{ file = "{b}"; nofua = true; }}')
    with open(found[0], "rb"):
        contains(reload("x", code=71).stderr, "the host has locked the medium")  # the next reload does not force it
    eq(devnums(), devices)
    is_ready()
    down("x")


@test("a drive that becomes another one: the function is made anew")
def drive_is_another():
    a = image("a.img")
    up(disk(f'{{ file = "{a}"; cdrom = true; }}'))
    lun = TOP / "x/functions/mass_storage.disk/lun.0"
    eq((lun / "ro").read_text(), "1\n")
    for luns in (f'{{ file = "{a}"; }}', f'{{ file = "{a}"; removable = false; }}', f'{{ file = "{a}"; }}, {{ }}', "{ }"):
        disk(luns)
        eq(plan()[1], True)
        with configured():
            reload()
        eq([(lun / n).read_text() for n in ("ro", "cdrom")], ["0\n", "0\n"])
        is_ready()
    eq(len(list((TOP / "x/functions/mass_storage.disk").glob("lun.*"))), 1)
    down("x")


@test("a medium that is not there: 71, and the old one stays in")
def drive_medium_missing():
    a = image("a.img")
    up(disk(f'{{ file = "{a}"; ro = false; }}'))
    devices = devnums()
    for luns in ('{ file = "/none"; ro = false; }', '{ file = "/none"; ro = true; }'):
        disk(luns)
        words = reload("x", code=71).stderr
        contains(words, "No such file or directory")
        contains(words, "; 'x' is as it was before")
        eq((TOP / "x/functions/mass_storage.disk/lun.0/file").read_text().strip(), str(a))
        eq((TOP / "x/functions/mass_storage.disk/lun.0/ro").read_text(), "0\n")
    eq(devnums(), devices)
    is_ready()
    down("x")


# --- with a rebind ------------------------------------------------------------------------------------


@test("a string: one rebind, and the workers stay")
def changed_string_rebinds():
    path = gadget("x", {"a": LOOPBACK, "b": SLEEP})
    up(path)
    before = pids()
    text = pathlib.Path(path).read_text()
    pathlib.Path(path).write_text(text.replace('product = "x"', 'product = "other"'))
    eq(plan(), ([("unbind", "UDC"), ("write-string", "product"), ("bind", "UDC")], True))
    with configured():
        eq(said(reload().stderr), "ffsctl: x: reloaded with a rebind\n")
    eq(pids(), before)
    eq(device().product, "other")
    is_ready()
    bench("loop", "--bytes", "1M", "--quiet")
    is_as_up_makes_it(path)
    down("x")


@test("values that the file does not have any more are the kernel's again")
def removed_values_return_to_default():
    plain = gadget("x", LOOPBACK)
    up(plain)
    was = {p: (TOP / "x" / p).read_text() for p in ("bcdDevice", "bDeviceClass", "max_speed", "strings/0x409/manufacturer",
                                                     "configs/c.1/MaxPower", "configs/c.1/bmAttributes")
           if (TOP / "x" / p).exists()}
    down("x")
    text = pathlib.Path(plain).read_text()
    more = text.replace("idProduct = 0x0104;", "idProduct = 0x0104; bcdDevice = 0x0777; bDeviceClass = 2;") \
               .replace('product = "x";', 'product = "x"; manufacturer = "m";') + 'max_speed = "high";\n'
    pathlib.Path(plain).write_text(more)
    up(plain)
    eq((TOP / "x/bcdDevice").read_text(), "0x0777\n")
    pathlib.Path(plain).write_text(text)
    ok(("restore", "bcdDevice") in plan()[0], plan())
    with configured():
        reload()
    eq({p: (TOP / "x" / p).read_text() for p in was}, was)
    is_as_up_makes_it(plain)
    down("x")


@test("functions added, removed and put in another order: the others keep keeper and worker")
def functions_added_removed_reordered():
    path = gadget("x", {"a": LOOPBACK})
    up(path)
    keep = pids()["a"]
    for labels in (["a", "b"], ["b", "a"], ["c", "b", "a"], ["a", "c"], ["c", "a"], ["a"]):
        gadget("x", {label: LOOPBACK if label == "a" else SLEEP for label in labels})
        eq(plan()[1], True)
        with configured():
            reload()
        eq(pids()["a"], keep, labels)
        eq(list(functions()), labels)
        is_ready()
        bench("loop", "--interface", labels.index("a"), "--bytes", "100K", "--quiet")
    is_as_up_makes_it(path)
    down("x")


@test("descriptors of a function: its instance is made anew, others keep theirs")
def descriptors_of_one_function():
    path = gadget("x", {"a": LOOPBACK, "b": LOOPBACK})
    up(path)
    before = pids()
    text = pathlib.Path(path).read_text()
    i = text.index("  b :")
    pathlib.Path(path).write_text(text[:i] + text[i:].replace('"bulk-out", "bulk-in"', '"bulk-in", "bulk-out"'))
    with configured():
        reload()
    after = pids()
    eq(after["a"], before["a"])
    ok(set(after["b"]).isdisjoint(before["b"]) and None not in after["b"], after)
    is_ready()
    for n in 0, 1:
        bench("loop", "--interface", n, "--bytes", "100K", "--quiet")
    is_as_up_makes_it(path)
    down("x")


@test("kernel functions beside one that stays")
def kernel_functions_beside():
    def write(more):
        path = gadget("x", {"a": LOOPBACK})
        text = pathlib.Path(path).read_text().rstrip()
        ok(text.endswith("};"))
        pathlib.Path(path).write_text(text[:-2] + more + "};\n")
        return path

    path = write("")
    up(path)
    keep = pids()["a"]
    for more in ('t : { type = "acm"; };', 't : { type = "acm"; }; s : { type = "SourceSink"; attrs : { pattern = 1; }; };',
                 's : { type = "SourceSink"; attrs : { pattern = 2; }; };', 's : { type = "SourceSink"; };'):
        write(more)
        with configured():
            reload()
        eq(pids()["a"], keep)
        is_ready()
    is_as_up_makes_it(path)
    down("x")


@test("what is off the bus stays off it")
def stays_unbound():
    path = gadget("x", LOOPBACK)
    up(path, "--no-bind")
    for step in range(2):
        pathlib.Path(path).write_text(pathlib.Path(path).read_text().replace('product = "', 'product = "1'))
        eq(plan(), ([("write-string", "product")], False))
        reload()
        eq((status("x")[0]["state"], (TOP / "x/UDC").read_text()), ("unbound", "\n"))
        if step == 0:
            must(ffsctl("bind", "x"))
            must(ffsctl("unbind", "x"))
    with configured():
        must(ffsctl("bind", "x"))
    eq(device().product, "11x")
    down("x")


@test("the UDC: stays where it is until the file asks for another")
def udc_changes_when_asked():
    path = gadget("x", LOOPBACK)
    up(path, "--udc", "dummy_udc.1")
    gadget("x", LOOPBACK, 'max_speed = "high";')
    reload()
    eq(status("x")[0]["udc"], "dummy_udc.1")
    gadget("x", LOOPBACK, 'max_speed = "high";\nudc = "dummy_udc.0";')
    reload()
    eq((status("x")[0]["udc"], (TOP / "x/UDC").read_text()), ("dummy_udc.0", "dummy_udc.0\n"))
    is_ready()
    up(gadget("y", LOOPBACK, 'udc = "dummy_udc.1";'))
    gadget("x", LOOPBACK, 'udc = "dummy_udc.1";')
    contains(reload("x", code=69).stderr, "held by gadget 'y'")
    is_ready()
    down("x", "y")


# --- failures -----------------------------------------------------------------------------------------


@test("a worker that does not get ready: 76, the old one is back, and nobody was off the bus")
def worker_never_ready():
    up(gadget("x", LOOPBACK))
    keeper, devices = pids()["echo"][0], devnums()
    for group, code in ((odd("exit", 3), 76), (odd("wait", start_timeout=1), 75)):
        gadget("x", group)
        words = reload("x", code=code).stderr
        contains(words, "the worker of 'echo'")
        contains(words, "; 'x' is as it was before")
        eq((pids()["echo"][0], devnums()), (keeper, devices))
        shown, code = status("x")
        eq((shown["state"], code), ("ready", 0))
        for problem in shown["problems"]:  # its end may have cut a transfer
            contains(problem["text"], "echo: halted at ")
        bench("loop", "--bytes", "100K", "--quiet")
        await_status("x", lambda g: not g["problems"], "no note of halts after a transfer")
    is_up_already(gadget("x", LOOPBACK))
    down("x")


@test("a worker that has failed for good gets a program that is better: the gadget is on the bus again")
def failed_worker_gets_better_program():
    up(gadget("x", FRAGILE))
    fail_for_good("x")
    await_status("x", lambda g: g["state"] == "failed", "failed")
    eq((TOP / "x/UDC").read_text(), "\n")
    gadget("x", LOOPBACK)
    eq(plan()[1], False)
    with configured():
        reload()
    is_ready()
    bench("loop", "--bytes", "100K", "--quiet")
    down("x")


@test("a worker of another function fails for good meanwhile: what on_failed says is done afterwards")
def other_worker_fails_meanwhile():
    fifo = gadgets.Fifo()
    up(gadget("x", {"a": worker(exec=["/bin/sleep", "100000"], ready="started", restart="on-failure", restart_limit=1,
                                restart_delay=0, on_failed="unbind"), "b": SLEEP}))
    text = (gadgets.DIRECTORY / "x.conf").read_text()
    before = pids()
    gadget("x", {"b": odd("tell", fifo.path, "wait", start_timeout=1000)})
    b = (gadgets.DIRECTORY / "x.conf").read_text()
    b = b[b.index("    worker"):b.index("  };\n};")]
    i = text.index("    worker", text.index("  b :"))
    (gadgets.DIRECTORY / "x.conf").write_text(text[:i] + b + "  };\n};\n")
    eq(plan()[1], False)
    going = gadgets.start("reload", "x", "--timeout", "1000")
    new = fifo.wait()
    pid = before["a"][1]
    for _ in range(2):
        kill(pid)
        pid = await_status("x", lambda g: g["functions"][0]["worker"]["pid"] not in (None, pid) or
                           g["functions"][0]["worker"]["state"] == "failed", "another one")[0]["functions"][0]["worker"]["pid"]
    eq((TOP / "x/UDC").read_text(), "dummy_udc.0\n")
    kill(new)
    contains(must(gadgets.finish(going), 76).stderr, "'x' is as it was before")
    await_status("x", lambda g: g["state"] == "failed", "failed")
    eq((TOP / "x/UDC").read_text(), "\n")
    down("x")


@test("a mount that somebody else uses: 73 and who it is, and nothing happens")
def mount_in_use():
    up(gadget("x", {"a": LOOPBACK, "b": None}))
    before, devices = pids(), devnums()
    text = (gadgets.DIRECTORY / "x.conf").read_text()
    with open("/dev/ffs/x/b/ep1", "rb", buffering=0):
        gadget("x", LOOPBACK)
        words = reload("x", code=73).stderr
        contains(words, f"cannot unmount /dev/ffs/x/b: in use by {harness.stat_of(os.getpid())[0]} (pid {os.getpid()})")
        eq((pids(), devnums()), (before, devices))
        (gadgets.DIRECTORY / "x.conf").write_text(text.replace('product = "x"', 'product = "y"'))
        with configured():
            reload()  # which leaves it alone
        eq(pids(), before)
    is_ready()
    down("x")


@test("one that cannot be reached in the time given: 75, and the old gadget is back")
def times_out():
    up(gadget("x", {"a": LOOPBACK}))
    before = pids()
    gadget("x", {"a": LOOPBACK, "b": odd("wait", start_timeout=1000)})
    contains(reload("x", "--timeout", "1", code=75).stderr, "could not be reloaded within 1 s")
    eq(pids(), before)
    is_ready()
    down("x")


@test("a gadget that has lost its keeper cannot be reloaded: 73")
def keeper_is_lost():
    up(gadget("x", LOOPBACK))
    kill(pids()["echo"][0])
    await_status("x", lambda g: g["state"] == "failed", "failed")
    gadget("x", SLEEP)
    reload("x", code=73)
    down("x")


@test("down while a reload waits: all is removed")
def down_meanwhile():
    up(gadget("x", {"a": LOOPBACK, "c": SLEEP}))
    fifo = gadgets.Fifo()
    gadget("x", {"a": SLEEP, "b": odd("tell", fifo.path, "wait", start_timeout=1000)})
    going = gadgets.start("reload", "x")
    fifo.wait()
    contains(must(ffsctl("reload", "x"), 73).stderr, "the gadget is being reloaded")
    eq(status("x")[0]["state"], "starting")
    down("x")
    contains(must(gadgets.finish(going), 75).stderr, "'down' was requested before")


@test("drop-ins in another directory of gadget files count as they do for up")
def drop_ins_of_other_directory():
    gadget("x", SLEEP)
    drop_ins = pathlib.Path("/run/ffsctl/gadget.d/x.conf.d")
    drop_ins.mkdir(parents=True)
    try:
        (drop_ins / "10-ids.conf").write_text("attrs = { idProduct = 0x0105; };")
        must(ffsctl("--dir", gadgets.DIRECTORY, "up", "x", "--udc", "dummy_udc.0"))
        reload_ = must(ffsctl("--dir", gadgets.DIRECTORY, "reload", "x"))
        contains(reload_.stderr, "ffsctl: x: unchanged")
        contains(must(ffsctl("--dir", gadgets.DIRECTORY, "reload", "x", "--dry-run")).stderr, "no changes")
        down("x")
    finally:
        shutil.rmtree(drop_ins.parent)
        with contextlib.suppress(OSError):
            drop_ins.parent.parent.rmdir()


@test("other gadgets are left alone")
def other_gadgets_are_left_alone():
    up(gadget("y", LOOPBACK, 'udc = "dummy_udc.1";'))
    with gadgets.foreign("theirs", bound=False):
        theirs = harness.tree(TOP / "theirs"), harness.tree(TOP / "y"), pids("y")
        up(gadget("x", LOOPBACK, 'udc = "dummy_udc.0";'))
        gadget("x", {"a": SLEEP}, 'udc = "dummy_udc.0";')
        reload()
        eq((harness.tree(TOP / "theirs"), harness.tree(TOP / "y"), pids("y")), theirs)
        is_ready("y")
    down("x", "y")


tap.main()
