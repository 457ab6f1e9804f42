#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 timeout=240
# lab all: kernel=6.12,6.1 vudcs=1 timeout=240
"""systemd as process 1, in separate name spaces, with the unit of init/: the checks of all service managers
(services.py), and the notifications, the watchdog and the sandbox of systemd."""

import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys

import systemd_boot


def boot():
    """Runs this file again in a systemd that has booted; returns its exit status."""
    systemd_boot.hide_units()
    shutil.copy(os.environ["FFSCTL_BUILD"] + "/init/ffsctl@.service", systemd_boot.UNITS)
    with systemd_boot.booted() as inside:
        return subprocess.call([*inside, sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:]],
                               env={**os.environ, "BOOTED": "1"})


if "BOOTED" not in os.environ:
    sys.exit(boot())

import harness  # noqa: E402
import tap  # noqa: E402
from gadgets import examples, finish, gadget, odd, processes, processes_of, traffic, worker  # noqa: E402
from harness import CONFIGFS, SRC, UDC_DRIVER, configured, devnums, ffsctl, kill, must, status, wait_dead  # noqa: E402
from services import GADGETS, Manager, answer, checks, command, managing, run, write  # noqa: E402
from tap import contains, eq, patience, rounds, test  # noqa: E402

UNIT = "ffsctl@x.service"
# What the lab's kernel does not have, and what needs a drop-in
CANNOT = {"login", "network-dhcp"} | ({"midi", "sound", "sound-uac1"} if os.environ["LAB_KERNEL"] == "6.1" else set())
if not os.path.exists("/sys/bus/iio"):
    CANNOT.add("iio")
FILES = [path for path in (*examples(), *sorted(pathlib.Path(SRC, "gadget.d").glob("*.conf"))) if path.stem not in CANNOT]
# Of these, one of each kind of what its unit must leave it: a worker with a user of its own, a plugin in its sandbox, a
# daemon that is no program of ours, a worker for a function of the kernel, a medium, a sound card
FEW = ("python-echo", "bridge", "mtp", "kvm", "storage", "sound")


# What the sanitizers are told is no part of what is tested
SANITIZERS = [name for name in os.environ if name.endswith("SAN_OPTIONS")]
if SANITIZERS:
    must(run("systemctl", "import-environment", *SANITIZERS))


class Systemd(Manager):
    def __init__(self):
        # Nor what it has counted of earlier starts
        must(run("systemctl", "reset-failed"))

    def start(self):
        return command("systemctl", "start", UNIT)

    def knows(self):
        return {"inactive": "down", "failed": "down", "activating": "starting", "active": "up"}.get(
            run("systemctl", "is-active", UNIT).stdout.strip())

    def reload(self):
        return run("systemctl", "reload", UNIT).returncode == 0

    def stop(self):
        must(run("systemctl", "stop", UNIT))

    def remains(self):
        """udev's processes come and go, and so do its links, some time after what they are for."""
        return {key: value for key, value in super().remains().items() if key not in ("processes", "dev")}


checks(Systemd)


def show(what):
    return answer("systemctl", "show", "--value", "-p", what, UNIT)


@test("its status is the gadget's")
def status_is_gadgets():
    write()
    with managing(Systemd) as systemd:
        must(finish(systemd.start()))
        eq(show("StatusText"), "x: ready on dummy_udc.0")
        contains(run("systemctl", "status", UNIT).stdout, 'Status: "x: ready on dummy_udc.0"')
        must(ffsctl("unbind", "x"))
        must(ffsctl("wait", "x", "--for", "disconnected"))
        contains(show("StatusText"), "x: unbound")
        systemd.stop()


@test("the journal has why a reload failed")
def journal_has_reload_failure():
    write()
    with managing(Systemd) as systemd:
        must(finish(systemd.start()))
        write(more="nonsense = 1;")
        eq(systemd.reload(), False)
        must(run("journalctl", "--sync"))
        contains(answer("journalctl", "-u", UNIT, "-o", "cat"), "error: unknown key 'nonsense'")
        systemd.stop()


@test("down from a shell removes what the unit has made: its mounts are where everybody's are")
def down_from_shell():
    write()
    with managing(Systemd) as systemd:
        must(finish(systemd.start()))
        eq(os.readlink(f"/proc/{show('MainPID')}/ns/mnt"), os.readlink("/proc/1/ns/mnt"))
        must(ffsctl("down", "x"))
        systemd.stop()
        eq((show("Result"), show("NRestarts")), ("success", "0"))


@test("a supervisor that hangs is killed in time, and the next one takes over")
def hanging_supervisor_is_killed():
    write()
    with managing(Systemd) as systemd:
        must(finish(systemd.start()))
        must(ffsctl("wait", "x", "--for", "configured"))
        numbers, before = devnums(), processes("x")
        supervisor = status("x")[0]["supervisor"]
        os.kill(supervisor, signal.SIGSTOP)
        with traffic():
            pass
        wait_dead(supervisor)
        must(ffsctl("wait", "x", "--timeout", "60"))
        with traffic():
            pass
        must(finish(systemd.start()))
        eq((processes("x"), devnums(), show("NRestarts")), (before, numbers, "1"))
        systemd.stop()


@test("enabled, it is started when a UDC appears")
def started_by_udc():
    write()
    with managing(Systemd) as systemd:
        # By the UDC that was there when it booted
        eq(answer("systemctl", "is-active", "usb-gadget.target"), "active")
        must(run("systemctl", "stop", "usb-gadget.target"))
        (UDC_DRIVER / "unbind").write_text("dummy_udc.0")
        must(run("systemctl", "enable", UNIT))
        eq(systemd.knows(), "down")
        (UDC_DRIVER / "bind").write_text("dummy_udc.0")
        must(ffsctl("wait", "x", "--timeout", "60"))
        eq(show("NRestarts"), "0")
        must(run("systemctl", "disable", UNIT))
        systemd.stop()

def drop_in(name, text):
    path = pathlib.Path(f"/run/systemd/system/ffsctl@.service.d/{name}.conf")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    must(run("systemctl", "daemon-reload"))
    return path


def given(pid):
    """Returns what a program has open from 3 on, with its flags (O_NOFOLLOW is only about the open), and LISTEN_FDS."""
    files = [(os.path.basename(os.readlink(f"/proc/{pid}/fd/{n}")), int(re.search(
        r"flags:\s*(\d+)", pathlib.Path(f"/proc/{pid}/fdinfo/{n}").read_text())[1], 8) & ~os.O_NOFOLLOW) for n in range(3, 6)]
    return files, re.search(r"LISTEN_FDS=\d+", pathlib.Path(f"/proc/{pid}/environ").read_text())[0]


def echoes_and_answers():
    with traffic() as flow:
        interface = flow.device.get_active_configuration()[(0, 0)].bInterfaceNumber
        eq(bytes(flow.device.ctrl_transfer(0xC1, 0x42, 0x1234, interface, 64, timeout=round(patience(5000)))), b"value 1234")


@test("a service with ListenUSBFunction= serves; as a worker with listen_fds = \"systemd\" it gets the same and serves, too")
def service_of_usb_function():
    program = f"/usr/bin/python3 {SRC}/tests/lab/workers/usb_service.py"
    file = gadget("x", worker(exec=program.split(), listen_fds="systemd"))
    blobs, mount = pathlib.Path("/run/blobs"), pathlib.Path("/run/mount-x")
    blobs.mkdir()
    must(ffsctl("descriptors", file, "--blob", blobs))
    script = GADGETS / "made.conf"
    script.write_text("""attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };
        strings = ( { product = "x"; serialnumber = "1"; } ); functions : { echo : { type = "ffs"; instance = "made"; }; };""")
    must(ffsctl("up", script, "--no-bind"))
    mount.mkdir()
    must(run("mount", "-n", "-t", "functionfs", "made", mount))
    units = pathlib.Path("/run/systemd/system")
    (units / "usb.socket").write_text(f"[Socket]\nListenUSBFunction={mount}\n")
    (units / "usb.service").write_text(f"[Service]\nExecStart={program}\nUSBFunctionDescriptors={blobs}/echo.descriptors\n"
                                       f"USBFunctionStrings={blobs}/echo.strings\n")
    must(run("systemctl", "daemon-reload"))
    must(run("systemctl", "start", "usb.socket"))
    udc = pathlib.Path(CONFIGFS, "made/UDC")
    with configured():
        udc.write_text("dummy_udc.0")
    echoes_and_answers()
    of_systemd = given(int(answer("systemctl", "show", "--value", "-p", "MainPID", "usb.service")))
    udc.write_text("\n")
    must(run("systemctl", "stop", "usb.socket", "usb.service"))
    must(run("umount", "-n", mount))
    must(ffsctl("down", "made"))
    must(ffsctl("up", file, "--udc", "dummy_udc.0", "--wait-host"))
    echoes_and_answers()
    eq(given(status("x")[0]["functions"][0]["worker"]["pid"]), of_systemd)
    must(ffsctl("down", "x"))
    for path in (*units.glob("usb.*"), script):
        path.unlink()
    must(run("systemctl", "daemon-reload"))


@test("what the unit keeps from a service no example needs, nor another gadget that is installed")
def unit_keeps_nothing_needed():
    drop_in("path", f"[Service]\nEnvironment=PATH={os.environ['PATH']}\n")
    medium = pathlib.Path("/var/lib/ffsctl/storage.img")
    medium.parent.mkdir(parents=True, exist_ok=True)
    medium.write_bytes(bytes(1 << 20))
    for path in rounds([p for p in FILES if p.stem in FEW], FILES):
        file, unit = GADGETS / path.name, f"ffsctl@{path.stem}"
        # The lab's only one with isochronous endpoints
        udc = "usbip-vudc.0" if path.stem.startswith("sound") else "dummy_udc.0"
        file.write_text(f'udc = "{udc}";\n' + path.read_text().replace("${dir}", str(path.parent)))
        result = run("systemctl", "start", unit)
        file.unlink()
        eq(result.returncode, 0, path.name + run("journalctl", "-u", unit, "-o", "cat").stdout)
        eq(status(path.stem)[0]["state"], "ready")
        must(run("systemctl", "stop", unit))


@test("nor the supervisor, to end what workers of another user have started and left")
def supervisor_ends_workers_leftovers():
    write(odd("children", "daemon", "deaf", "ready", "wait", stop_timeout=0.1, user="nobody",
              limits={"files": 20}))
    with managing(Systemd) as systemd:
        must(finish(systemd.start()))
        worker = status("x")[0]["functions"][0]["worker"]["pid"]
        eq(os.stat(f"/proc/{worker}").st_uid, pwd.getpwnam("nobody").pw_uid)
        # The next one is the parent of none of them
        kill(status("x")[0]["supervisor"])
        must(ffsctl("wait", "x", "--timeout", "60"))
        kill(worker)
        must(ffsctl("wait", "x", "--timeout", "60"))
        systemd.stop()
        eq(processes_of("x"), [])


README = pathlib.Path(SRC, "init/README.md").read_text()
BLOCKS = re.findall(r"^```ini\n(\[Service\]\n(?:\S+=.*\n)+)```$", README, re.M)


def privileges(pid):
    """Capabilities, no_new_privs, and whether its system calls are filtered."""
    shown = harness.proc_status(pid)
    return [shown[name] for name in ("CapEff", "NoNewPrivs", "Seccomp")]


# capabilities(7): NET_BIND_SERVICE, NET_ADMIN, NET_RAW. The second one has what process 1 has
for name, block, expected in (("network-dhcp", BLOCKS[0], [f"{1 << 10 | 1 << 12 | 1 << 13:016x}", "1", "2"]),
                              ("login", BLOCKS[1], privileges(1))):

    @test(f"{name}, with README's drop-in: its worker has the privileges that it needs", name, block, expected)
    def readme_drop_in(name, block, expected):
        path = drop_in("more", block)
        text = pathlib.Path(SRC, "gadget.d", f"{name}.conf").read_text()
        (GADGETS / f"{name}.conf").write_text(f'udc = "dummy_udc.0";\n{text}')
        must(run("systemctl", "start", f"ffsctl@{name}"))
        must(ffsctl("wait", name, "--for", "configured"))
        gadget, _ = status(name)
        found = privileges(gadget["functions"][0]["worker"]["pid"])
        must(run("systemctl", "stop", f"ffsctl@{name}"))
        for file in (path, GADGETS / f"{name}.conf"):
            file.unlink()
        must(run("systemctl", "daemon-reload"))
        eq((gadget["state"], found), ("ready", expected))


@test("the unit of a few lines in ffsctl(8): a crash, and the next one takes over")
def short_unit():
    lines = pathlib.Path(SRC, "man/ffsctl.8").read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.strip() == "[Service]")
    last = next(n for n, line in enumerate(lines) if n > first and "WantedBy=" in line)
    unit = "\n".join(line.strip() for line in lines[first:last + 1])
    pathlib.Path("/etc/systemd/system/meter.service").write_text(unit.replace("/usr/bin/", "/usr/local/bin/"))
    must(run("systemctl", "daemon-reload"))
    write()
    shutil.move(GADGETS / "x.conf", GADGETS / "meter.conf")
    must(run("systemctl", "start", "meter"))
    eq(status("meter")[0]["state"], "ready")
    before = processes("meter")
    kill(status("meter")[0]["supervisor"])
    must(ffsctl("wait", "meter", "--timeout", "60"))
    eq(processes("meter"), before)
    must(run("systemctl", "stop", "meter"))
    eq(status("meter"), (None, 3))
    (GADGETS / "meter.conf").unlink()


tap.main()
