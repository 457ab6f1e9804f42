# SPDX-License-Identifier: GPL-2.0-or-later
# lab cross: no, Debian's valgrind knows only glibc of this architecture
# lab: timeout=900 build=plain parts=2
# lab all: kernel=6.12 timeout=900 build=plain parts=2
"""valgrind finds no leak and no invalid access in check, up, run, status, restart, reload, bind, unbind, wait and
down, in the processes that they leave in the background, and in failing commands.

Every process writes its own log, which must be empty if the process has ended by itself.
"""

import contextlib
import errno
import os
import pathlib
import re
import signal
import subprocess

import gadgets
import harness
import tap
from gadgets import LOOPBACK, await_state, gadget, odd, worker
from harness import EXAMPLES, FFSCTL, SRC, document, ffsctl, kill, must, status, wait_dead
from tap import eq, ok, patience, rounds, test

LOGS = gadgets.DIRECTORY / "valgrind"
LOGS.mkdir()
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=all",
            "--track-fds=no", "--num-callers=30", f"--suppressions={SRC}/tests/valgrind/ffsctl.supp",
            f"--log-file={LOGS}/%p"]
# It says itself that it is ready: valgrind's vfork does not wait for the exec, and a worker that is ended before it
# leaves a log of all that its supervisor had.
SLEEP = odd("notify", "wait")
TWO = gadget("two", {"a": LOOPBACK, "b": odd("notify", "setup", restart_delay=0)})
ALL = sorted(str(p) for p in pathlib.Path(EXAMPLES).glob("*.conf"))

FEWER = "cmd/supervisor-keeps-its-request: the commands that make most, and what fails, have a test"

# pidfd_open, pidfd_send_signal and fsopen are newer than Debian 12's valgrind, which lets them fail, and says so.
UNKNOWN = re.compile(r"--\d+-- (WARNING: unhandled amd64-linux syscall: 4(24|3[04])|You may be able to write|"
                     r"Read the file README_MISSING|Nevertheless we consider|it at http://valgrind.org)|"
                     # FUNCTIONFS_INTERFACE_REVMAP, by which the keeper rebuilds wIndex where the kernel does not report it
                     r"==\d+== (Warning: noted but unhandled ioctl 0x6780 |   This could cause spurious value errors to appear|"
                     r"   See README_MISSING_SYSCALL_OR_IOCTL)")

harness.leaves_nothing()


@tap.cleanup
def no_log_left():
    for log in LOGS.iterdir():
        log.unlink()


os.environ["FFSCTL_TEST_OPEN"] = "1"


def begin(*args, fault=None):
    """Starts ffsctl under valgrind in the background."""
    environment = dict(os.environ, **({"FFSCTL_TEST_FAULT": fault} if fault else {}))
    return subprocess.Popen([*VALGRIND, FFSCTL, *args], env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process, code=0):
    out, err = process.communicate(timeout=patience(120))
    eq(process.returncode, code, f"{process.args[len(VALGRIND):]}: {err}\nexit")
    return out, err


def clean(keepers=()):
    """Of all that have ended. A keeper that ends by itself has all of its supervisor's memory."""
    logs = [log for log in LOGS.iterdir() if int(log.name) not in keepers]
    ok(logs, "valgrind has written nothing")
    for log in logs:
        text = "".join(line for line in log.read_text().splitlines(True) if not UNKNOWN.match(line))
        # A keeper is killed, and says nothing. What becomes a worker's program is no business of ours.
        ok(not text.strip(), f"{log.name}:\n{text[:8000]}")


def checked(*args, code=0, fault=None):
    result = end(begin(*args, fault=fault), code)
    clean()
    return result


def again(*args, code=0):
    """A command of which lab/test has another run under valgrind: there only its supervisor is."""
    return checked(*args, code=code) if tap.EVERYTHING else must(ffsctl(*args), code)


@test("a leak is seen")
def leak_is_seen():
    source, program = LOGS / "leak.c", gadgets.DIRECTORY / "leak"
    source.write_text("#include <stdlib.h>\nint main(void) { return malloc(7) == 0; }\n")
    must(subprocess.run(["cc", "-O0", "-o", str(program), str(source)], capture_output=True, text=True))
    source.unlink()
    subprocess.run([*VALGRIND, str(program)], check=True)
    ok("7 bytes in 1 blocks are definitely lost" in next(LOGS.iterdir()).read_text())


@test("check: every example, and bad files",
      only_all="gadgetfile/strings-of-an-unknown-language-leak: LeakSanitizer sees what check leaks, on this machine")
def check_files():
    checked("check", *ALL)
    checked("check", "--json", *ALL)
    bad = sorted(str(p) for p in pathlib.Path(SRC, "tests/bad").glob("*.conf"))
    checked("check", *bad, code=65)
    checked("check", "/nowhere.conf", code=66)


@test("features, of which the kernel seems to have none, and who asks for one", only_all=FEWER)
def features_probed():
    out, _ = checked("features")
    eq(len(out.splitlines()), 6, "features")
    checked("features", "--json")
    checked("features", fault=f"fail=2:{errno.EIO}", code=71)
    accessory = f"{EXAMPLES}/accessory/accessory.conf"
    checked("check", "--here", accessory, code=69)
    checked("up", accessory, code=69)


@test("up --dry-run", only_all=FEWER)
def up_dry_run():
    checked("up", "--dry-run", TWO)
    checked("up", "--dry-run", "--json", TWO)


@test("up, its supervisor, status, restart, down")
def up_to_down():
    end(begin("up", TWO, "--wait-host"))
    now = status("two")[0]
    traffic = gadgets.Traffic(0, pause=0.1)  # the plugin host is slow under valgrind, as all is that it delays
    traffic.more(3)
    for options in rounds([], [["status"], ["up", TWO]]):
        checked(*options)
    checked("status", "two", "--json")
    kill(now["functions"][1]["worker"]["pid"])
    await_state("two", "ready")
    checked("restart", "two")
    traffic.device.ctrl_transfer(0x41, 2, 0, 1, b"some data", 5000)
    eq(bytes(traffic.device.ctrl_transfer(0xC1, 1, 0, 1, 64, 5000)), b"some data")
    traffic.end()
    checked("down", "two")
    wait_dead(now["supervisor"])
    clean()


@test("on the bus and off it; what is refused, waited for and not")
def bind_unbind_wait():
    end(begin("up", gadget("x", LOOPBACK), "--no-bind"))
    supervisor = status("x")[0]["supervisor"]
    again("bind", "x", "none.0", code=69)
    waits = begin("wait", "x", "--for", "configured")
    again("bind", "x")
    end(waits)
    again("wait", "x", "--for", "disconnected", "--timeout", "0.1", code=75)
    checked("unbind", "x")
    must(ffsctl("down", "x"))
    wait_dead(supervisor)
    clean()


@test("reload: live, with a rebind, refused, failed, and failed on the way back", only_all=FEWER)
def reload_outcomes():
    slower = 'max_speed = "high";'
    end(begin("up", gadget("x", {"a": LOOPBACK, "c": SLEEP}), "--wait-host"))
    supervisor = status("x")[0]["supervisor"]
    again("reload", "x")
    gadget("x", {"a": odd("notify", "wait"), "c": None})
    again("reload", "x", "--dry-run", "--json")
    again("reload", "x")
    gadget("x", {"b": SLEEP, "a": LOOPBACK}, slower)
    again("reload", "x")
    gadget("x", {"a": LOOPBACK, "b": odd("exit", 3)})
    again("reload", "x", code=76)
    gadget("x", {"a": LOOPBACK}, "nonsense = 1;")
    again("reload", "x", code=65)
    await_state("x", "ready")
    must(ffsctl("down", "x"))
    wait_dead(supervisor)
    clean()
    again("reload", "x", code=69)
    for more in rounds([], [""]) + [f",back-fail=3:{errno.EIO}"]:
        end(begin("up", gadget("x", {"a": LOOPBACK, "c": SLEEP}), fault=f"reload-fail=6:{errno.ENOSPC}{more}"))
        supervisor = status("x")[0]["supervisor"]
        gadget("x", {"b": SLEEP, "a": LOOPBACK}, slower)
        checked("reload", "x", code=71)
        if not more:
            await_state("x", "ready")
        must(ffsctl("down", "x"))
        wait_dead(supervisor)
        clean()


@test("functions of the kernel's, and what it makes of their values", only_all=FEWER)
def kernel_functions_values():
    path = gadgets.DIRECTORY / "kernels.conf"
    path.write_text('''attrs : { idVendor = 0x1d6b; idProduct = 0x0104; };
functions : { a : { type = "acm"; }; b : { type = "hid"; attrs : { report_desc = "keyboard"; }; };
  c : { type = "ncm"; attrs : { qmult = 7; }; };
  d : { type = "mass_storage"; attrs : { luns = ( { cdrom = true; } ); }; tree = ( { path = "lun.1"; } ); }; };\n''')
    end(begin("up", str(path)))
    now = status("kernels")[0]
    checked("status", "kernels", "-o", "udc,*.device,*.ifname,*.worker.pid")
    checked("status", "-o", "none", code=64)
    must(ffsctl("down", "kernels"))
    wait_dead(now["supervisor"])
    clean()


@test("up with other examples", only_all=FEWER)
def other_examples():
    for path in ALL:
        if pathlib.Path(path).stem not in ("languages", "mount-options"):
            continue
        end(begin("up", path))
        supervisor = status(pathlib.Path(path).stem)[0]["supervisor"]
        must(ffsctl("down", path))
        wait_dead(supervisor)
    clean()


@test("up that fails: at a step, for a worker, for a file, for somebody else")
def up_fails():
    steps = document(must(ffsctl("up", "--dry-run", "--json", TWO)))["gadgets"][0]["plan"]
    for n in rounds([len(steps)], [1, len(steps)]):
        checked("up", TWO, code=71, fault=f"fail={n}:{errno.EIO}")
    checked("up", gadget("x", odd("exit", 1)), code=76)
    again("up", gadget("x", worker(exec=["/nowhere"])), code=69)
    again("up", gadget("x", odd("wait", start_timeout=0.5)), code=75)
    again("up", "/nowhere.conf", code=66)
    must(ffsctl("up", TWO))
    again("up", ALL[0], "--name", "two", code=73)
    must(ffsctl("down", "two"))


@test("up and down that clear what a dead supervisor has left")
def clears_leftovers():
    must(ffsctl("up", TWO))
    kill(status("two")[0]["supervisor"])
    again("status", "two", code=1)
    checked("down", "two")
    must(ffsctl("up", TWO))
    kill(status("two")[0]["supervisor"])
    end(begin("up", TWO))
    supervisor = status("two")[0]["supervisor"]
    must(ffsctl("down", "two"))
    wait_dead(supervisor)
    clean()


@test("down that fails", only_all=FEWER)
def down_fails():
    steps = document(must(ffsctl("up", "--dry-run", "--json", TWO)))["gadgets"][0]["plan"]
    mount = next(step["n"] for step in steps if step["do"] == "mount")
    end(begin("up", TWO, fault=f"undo-fail={mount}:{errno.EBUSY}"))
    supervisor = status("two")[0]["supervisor"]
    checked("down", "two", code=71)
    wait_dead(supervisor)
    clean()
    checked("down", "two")


@test("run, until TERM, and until a keeper dies")
def run_ends():
    for code in rounds([76], [0, 76]):
        process = begin("run", TWO, "--udc", "dummy_udc.0")
        with contextlib.suppress(StopIteration):
            while "up on" not in next(process.stderr):
                pass
        keepers = [f["keeper"] for f in status("two")[0]["functions"]]
        if code:
            kill(keepers[0])
        else:
            process.send_signal(signal.SIGTERM)
        end(process, code)
        clean(keepers)
    must(ffsctl("down", "two"))


tap.main()
