#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab:
# lab: kernel=6.1 stock
# lab all: kernel=6.12,6.1
# lab all: kernel=6.12,6.1 stock
"""ffsctl finds out the features of FunctionFS correctly for the loaded modules. It leaves nothing behind, even if it
is killed. It refuses a gadget file that needs other features before it makes anything."""

import ctypes
import errno
import fcntl
import json
import mmap
import os
import pathlib
import shutil
import struct
import subprocess

import harness
import tap
import valid
from gadgets import DIRECTORY, finish, odd, open_file, start
from harness import FFSCTL, down, ffsctl, must, snapshot, up
from tap import contains, eq, ok, test

PATCHED = os.environ["LAB_MODULES"] == "patched"
HAS = {"rw_proxy": PATCHED, "zlp": PATCHED, "mmap_memory_mb": PATCHED, "sessions": PATCHED,
       "dmabuf": PATCHED or os.environ["LAB_KERNEL"] != "6.1",
       "dfu": os.environ["LAB_KERNEL"] != "6.1"}
KILLS = ("kill-before=1", "kill-after=1", "kill-before=2", "kill-after=2",
         "undo-kill-before=2", "undo-kill-after=2", "undo-kill-before=1", "undo-kill-after=1")

F_OFD_SETLK = 37  # linux/fcntl.h

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

harness.leaves_nothing()


def features(result):
    """Returns the document of `features --json`."""
    return harness.document(result, "features")


def conf(name, ffs="", endpoint='"bulk-in"', worker=""):
    path = DIRECTORY / (name + ".conf")
    path.write_text(f"""attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
functions : {{ echo : {{
  ffs : {{ {ffs} interfaces = ( {{ endpoints = ( {endpoint}, "bulk-out" ); }} ); }};
  {worker}
}}; }};
""")
    return str(path)


ASKS = {
    "rw_proxy": {"ffs": "rw_proxy = true;"},
    "zlp": {"endpoint": '{ direction = "in"; type = "bulk"; zlp = true; }'},
    "zlp of another": {"endpoint": '"bulk-out", { direction = "in"; type = "bulk"; zlp = true; }'},
    "mmap_memory_mb": {"ffs": "mount : { mmap_memory_mb = 4; };"},
    "mmap": {"worker": 'worker : { plugin = "loopback"; io : { engine = "mmap"; }; };'},
    "dmabuf": {"worker": 'worker : { plugin = "loopback"; io : { engine = "dmabuf"; }; };'},
}
FEATURE_OF = {"mmap": "mmap_memory_mb", "zlp of another": "zlp"}
KEY_OF = {"mmap": "engine", "dmabuf": "engine", "zlp of another": "zlp"}


@test("features: in words, and as a document")
def words_and_document():
    result = must(ffsctl("features"))
    eq(result.stderr, "")
    eq({line.split()[0]: line.split()[1] for line in result.stdout.splitlines()},
       {name: "yes" if has else "no" for name, has in HAS.items()})
    for line in result.stdout.splitlines():
        eq(": needs " in line, line.split()[1] == "no", line)
    # `doctor` was another name of `features`: its document has the same members, and its findings besides.
    for document in (features(must(ffsctl("features", "--json"))), harness.document(must(ffsctl("doctor", "--json")), "doctor")):
        eq({f["name"]: f["available"] for f in document["features"]}, HAS)
        eq(document["kernel"], os.uname().release)
        eq(document["errors"], [])


@test("doctor finds the UDC, who holds it, and the features that are missing")
def doctor_findings():
    def found(*args):
        return {f["id"]: f for f in harness.document(ffsctl(*args, "doctor", "--json"), "doctor")["findings"]}

    now = found()
    eq(now["udc"]["severity"], "ok")
    if harness.LAB_UDC == "dummy":
        eq(now["only-virtual-udcs"]["severity"], "note")
    eq("features" in now, all(HAS.values()))
    eq([name for name, has in HAS.items() if not has and name not in now["features-missing"]["what"]], [])
    up(f"{harness.EXAMPLES}/loopback.conf", "--wait-host")
    contains(found()["udc"]["what"], "held by the gadget 'loopback' of ffsctl")
    contains(found("--run-dir", str(DIRECTORY / "other"))["udc-held-by-gadget"]["commands"][0], "ffsctl down --force loopback")
    down("loopback")


@test("gadgets that are up are no hindrance, and do not notice")
def gadgets_may_be_up():
    up(f"{harness.EXAMPLES}/loopback.conf", "--wait-host")
    before = snapshot()
    eq({f["name"]: f["available"] for f in features(ffsctl("features", "--json"))["features"]}, HAS)
    harness.check_same_snapshots(before, snapshot())
    harness.bench("loop", "--lengths", "1-600", "--quiet")
    down("loopback")


def killed(fault):
    """The next one clears what is left; so does any `down`."""
    for clears in (("features",), ("down", "other"), ("down", "--all")):
        before = snapshot()
        eq(ffsctl("features", fault=fault).returncode, -9, "the fault hits")
        # Nobody is shown what is of no use to them.
        eq(must(ffsctl("status")).stdout, "")
        must(ffsctl(*clears))
        harness.check_same_snapshots(before, snapshot())


for fault in KILLS:
    test(f"killed at {fault}: the next command clears what is left", fault)(killed)


@test("killed while `up` tries: the next `up` comes up, or `down` clears")
def killed_during_up():
    path = conf("asks", ffs="rw_proxy = true;")
    for then in (("up", path), ("down", "asks")):
        before = snapshot()
        must(ffsctl("up", path, fault="kill-after=2"), 71)
        must(ffsctl(*then), 0 if PATCHED or then[0] == "down" else 69)
        down("asks")
        harness.check_same_snapshots(before, snapshot())


def hold_lock(path):
    """Takes the lock like ffsctl; it is held until the returned file is closed."""
    lock = open(path, "r+")  # pylint: disable=consider-using-with
    fcntl.fcntl(lock, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
    return lock


@test("killed under several names: one that follows clears them all")
def killed_under_several_names():
    before = snapshot()
    held = []
    for n in range(3):
        eq(ffsctl("features", fault="kill-after=2").returncode, -9)
        held.append(hold_lock(f"/run/ffsctl/.ffsctl-probe.{n}/lock"))
    must(ffsctl("features"))
    eq(sorted(os.listdir("/run/ffsctl")), [f".ffsctl-probe.{n}" for n in range(3)])
    for lock in held:
        lock.close()
    must(ffsctl("features"))
    harness.check_same_snapshots(before, snapshot())


@test("many at once")
def many_at_once():
    running = [start("features", "--json") for _ in range(16)]
    for process in running:
        eq({f["name"]: f["available"] for f in features(must(finish(process)))["features"]}, HAS)


@test("without root: 77")
def without_root():
    result = subprocess.run([FFSCTL, "features"], user=65534, group=65534, extra_groups=[],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    must(result, 77)
    contains(result.stderr, "this needs root")


@test("a module with all features that is installed, but not loaded, is spoken of")
def module_not_loaded():
    updates = pathlib.Path("/lib/modules", os.uname().release, "updates")
    module = updates / "dkms" / "usb_f_fs.ko.xz"
    lockdown = pathlib.Path("/sys/kernel/security")
    reload = f"{module} is installed, but the loaded usb_f_fs is another one: when no gadget uses it, " \
             "run 'modprobe -r g_ffs usb_f_fs && modprobe usb_f_fs', or reboot"
    rejected = "; if that fails with 'Key was rejected by service', this kernel loads only modules that are " \
               "signed with an enrolled key (Secure Boot): mokutil --import /var/lib/dkms/mok.pub, reboot, and confirm"

    def says(advice):
        # Where nothing is missing there is nothing to advise
        words = must(ffsctl("features")).stdout.partition("\n\n")[2]
        eq(words, "" if PATCHED or not advice else advice + "\n")
        document = features(must(ffsctl("features", "--json")))
        eq(document.get("advice"), None if PATCHED else advice)

    if module.parent.exists():
        tap.skip("the machine's modules are such modules")
    module.parent.mkdir(parents=True)
    try:
        says(None)
        module.touch()
        says(reload)
        # Not mount(8), which leaves a directory in /run
        eq(libc.mount(b"none", bytes(lockdown), b"tmpfs", 0, None), 0, "mount")
        try:
            (lockdown / "lockdown").write_text("[none] integrity confidentiality\n")
            says(reload)
            (lockdown / "lockdown").write_text("none [integrity] confidentiality\n")
            says(reload + rejected)
            must(subprocess.run(["rmmod", "usb_f_fs"], capture_output=True, text=True))
            result = must(ffsctl("features"), 69)
            contains(result.stderr, "hint: modprobe usb_f_fs (CONFIG_USB_CONFIGFS_F_FS)" + rejected)
        finally:
            eq(libc.umount2(bytes(lockdown), 0), 0, "umount")
            subprocess.run(["modprobe", "usb_f_fs"], check=True)
    finally:
        shutil.rmtree(updates)


@test("without FunctionFS: 69; where its module could be loaded it is not")
def without_functionfs():
    modules = pathlib.Path("/lib/modules", os.uname().release)
    builtin = modules / "modules.builtin"

    def refused(says):
        result = must(ffsctl("features"), 69)
        contains(result.stderr, says)
        contains(result.stderr, "modprobe usb_f_fs")
        ok(not os.path.exists("/sys/module/usb_f_fs"), "the module was loaded")

    must(subprocess.run(["rmmod", "usb_f_fs"], capture_output=True, text=True))
    try:
        refused("FunctionFS is not loaded")
        # Not rename(2): the directory may be a mount
        eq(libc.mount(b"none", bytes(modules.parent), b"tmpfs", 0, None), 0, "mount")
        refused("this kernel has no FunctionFS")
        modules.mkdir()
        builtin.write_text("kernel/fs/other.ko\n")
        refused("FunctionFS is not loaded")
        builtin.write_text("kernel/fs/other.ko\nkernel/drivers/usb/gadget/function/usb_f_fs.ko\n")
        refused("this kernel has no FunctionFS")
    finally:
        libc.umount2(bytes(modules.parent), 0)
        must(subprocess.run(["modprobe", "usb_f_fs"], capture_output=True, text=True))


@test("a failure of the kernel's is told, and undone")
def kernel_failure_is_undone():
    result = must(ffsctl("features", "--json", fault="fail=2:12"), 71)
    error, = features(result)["errors"]
    contains(error["text"], "probing the kernel's FunctionFS: cannot configfs-mkdir")
    contains(error["text"], "Cannot allocate memory")


def asked(name):
    if name == "dmabuf" and not any(map(os.path.exists, ("/dev/udmabuf", "/dev/dma_heap/system"))):
        tap.skip("the kernel has no DMABUF to import: neither udmabuf nor a heap")
    path = conf("asks", **ASKS[name])
    feature, key = FEATURE_OF.get(name, name), KEY_OF.get(name, name)
    lines = pathlib.Path(path).read_text().splitlines()
    number, = (i for i, line in enumerate(lines) if f"{key} = " in line)
    column = lines[number].index(f"{key} = ") + len(f"{key} = ") + 1
    if HAS[feature]:
        must(ffsctl("check", "--here", path))
        up(path)
        down("asks")
        return
    before = snapshot()
    result = must(ffsctl("up", path), 69)
    place = f"{path}:{number + 1}:{column}: error: "
    contains(result.stderr, f"{place}this kernel's FunctionFS has no '{feature}'")
    contains(result.stderr, "ffsctl's kernel patches")
    harness.check_same_snapshots(before, snapshot())
    error, = harness.document(must(ffsctl("up", "--json", path), 69))["errors"]
    eq((error["file"], error["line"], error["column"]), (path, number + 1, column))
    contains(must(ffsctl("check", "--here", path), 69).stderr, place)
    # The plan can still be read: on paper nothing is missing.
    must(ffsctl("up", "--dry-run", path))
    must(ffsctl("check", path))


for feature_ in ASKS:
    test(f"a gadget file that asks for {feature_}", feature_)(asked)


@test("the engine that a plugin has: the fastest, and status tells")
def fastest_engine():
    for word, got in (("auto", "mmap" if PATCHED else "copy"), ("copy", "copy")):
        up(conf("asks", worker=f'worker : {{ plugin = "loopback"; io : {{ engine = "{word}"; }}; }};'))
        eq(must(ffsctl("status", "asks", "-o", "echo.worker.engine")).stdout, got + "\n")
        down("asks")


@test("a gadget file that asks for DFU's functional descriptor")
def dfu_descriptor_wanted():
    path = DIRECTORY / "asks.conf"
    path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : { echo : { ffs : { interfaces = (\n"
                    '  { class = "dfu"; extra = ( [ 9, 0x21, 1, 0, 0, 0, 8, 0x1a, 1 ] ); } ); }; }; };\n')
    before = snapshot()
    if HAS["dfu"]:
        must(ffsctl("check", "--here", path))
        up(path)
        down("asks")
    else:
        result = must(ffsctl("up", path), 69)
        contains(result.stderr, f"{path}:3:20: error: this kernel's FunctionFS has no 'dfu'")
        contains(result.stderr, "it needs Linux 6.12\nhint: ")
    harness.check_same_snapshots(before, snapshot())


def step_fails(name):
    """The steps that only such gadgets have, as tests/lab/test_fault_* does it with those of all."""
    path = conf("asks", ffs='rw_proxy = true; device = "/dev/asks"; mount : { mmap_memory_mb = 1; };',
                endpoint='{ direction = "in"; type = "bulk"; zlp = true; }')
    plan = harness.document(must(ffsctl("up", "--dry-run", "--json", path)))["gadgets"][0]["plan"]
    step = next(step for step in plan if step["do"] == name)
    before = snapshot()
    result = must(ffsctl("up", path, fault=f"fail={step['n']}:5"), 71)
    contains(result.stderr, f"cannot {name} {step['path']}: Input/output error")
    harness.check_same_snapshots(before, snapshot())
    for fault in ("kill-before", "kill-after"):
        must(ffsctl("up", path, fault=f"{fault}={step['n']}"), 71)
        down("asks")
        harness.check_same_snapshots(before, snapshot())


@test("check --here without root: a note, no error")
def check_here_without_root():
    path = conf("asks", ffs="rw_proxy = true;")
    os.chmod(path, 0o644)
    result = subprocess.run([FFSCTL, "check", "--here", path], user=65534, group=65534, extra_groups=[],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    must(result)
    contains(result.stderr, "kernel features were not checked: that needs root")


def given_a_pair():
    dump = open_file("dump.json")
    up(conf("pair", ffs="rw_proxy = true;", worker="worker : { %s };" % odd("dump", dump, "notify", "wait")))
    found = json.loads(dump.read_text())
    eq(found["environ"]["LISTEN_FDNAMES"], "config:control:ep1-in:ep2-out:ep1_rw")
    eq(found["environ"]["LISTEN_FDS"], "5")
    eq([found["fds"][str(fd)] for fd in (5, 6, 7)],
       [f"/dev/ffs/pair/echo/{name}" for name in ("ep1", "ep2", "ep1_rw")])
    valid.validator("worker-config")(found["config"])
    eq(found["config"]["pairs"], [{"file": "ep1_rw", "in": "ep1-in", "out": "ep2-out"}])
    down("pair")


def served_by_a_plugin():
    up(conf("plugin", ffs="rw_proxy = true; virtual_addr = true;", worker='worker : { plugin = "loopback"; };'),
       "--wait-host")
    eq(sorted(os.listdir("/dev/ffs/plugin/echo")), ["ep0", "ep02", "ep81", "ep81_rw"])
    harness.bench("loop", "--lengths", "1-600,1M", "--quiet")
    down("plugin")


def map_pages(fd, size):
    """Maps memory of an endpoint file. Returns 0 or the errno."""
    address = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, 0)
    if address == ctypes.c_void_p(-1).value:
        return ctypes.get_errno()
    libc.munmap(address, size)
    return 0


def mapped():
    for megabytes in (4, 0):
        up(conf("mapped", ffs="mount : { mmap_memory_mb = %d; };" % megabytes))
        fd = os.open("/dev/ffs/mapped/echo/ep1", os.O_RDWR)
        eq(map_pages(fd, (megabytes << 20) + mmap.PAGESIZE), errno.ENOMEM)
        if megabytes:
            eq(map_pages(fd, megabytes << 20), 0)
        os.close(fd)
        down("mapped")


if PATCHED:
    for step in ("mount", "write-descriptors", "enable-zlp", "symlink"):
        test(f"{step} fails, and is killed", step)(step_fails)
    test("a worker is given the pair's file as well, and told of it")(given_a_pair)
    test("a plugin serves a function with rw_proxy as any other")(served_by_a_plugin)
    test("mmap_memory_mb is what may be mapped")(mapped)
tap.main()
