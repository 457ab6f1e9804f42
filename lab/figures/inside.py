# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of lab/bench that runs in the lab: inside.py SECTION COUNT. Prints `LABEL NUMBER` lines."""

import collections
import json
import os
import pathlib
import subprocess
import sys
import time

BUILD, SRC, FIGURES = os.environ["FFSCTL_BUILD"], os.environ["FFSCTL_SRC"], os.environ["FIGURES"]
LOOPBACK = f"{SRC}/examples/loopback.conf"
FAST = f"{SRC}/lab/figures/fast.conf"
FFSCTL = f"{BUILD}/ffsctl"


def turns(rounds, script):
    subprocess.run([f"{FIGURES}/turns", str(rounds)], input=script, text=True, check=True)


def commands(rounds):
    """Measures `up`, the two programs that `up` is compared with, and `status`, in turn with T."""
    shell = f"{SRC}/lab/figures/shellup.sh"
    turns(rounds, f"""
T /bin/true
up {FFSCTL} -q up {LOOPBACK}
status {FFSCTL} -q status loopback
- {FFSCTL} -q down loopback
raw {FIGURES}/rawup dummy_udc.0
- {FIGURES}/rawup down
shell {shell} {FIGURES}/rawup
- {shell} down
check {FFSCTL} -q check {LOOPBACK}
""")


def large(rounds, directory, name, udc):
    """Measures `up` of an example, and the same steps as raw system calls."""
    os.makedirs("/var/lib/ffsctl", exist_ok=True)
    pathlib.Path("/var/lib/ffsctl/storage.img").write_bytes(bytes(1 << 20))
    raw = f"{FIGURES}/rawplan-{name}"
    turns(rounds, f"""
T /bin/true
up {FFSCTL} -q up {SRC}/{directory}/{name}.conf --udc {udc}
- {FFSCTL} -q down {name}
raw {raw} {udc}
- {raw} down
""")


def long_file(rounds):
    """Measures `check` of a large file, in turn with T."""
    path = f"{FIGURES}/large.conf"
    with open(path, "w", encoding="ascii") as f:
        subprocess.run(["/usr/bin/python3", f"{SRC}/lab/figures/large.py"], stdout=f, check=True)
    turns(rounds, f"T /bin/true\ncheck {FFSCTL} -q check {path}\n")


def kills(count):
    """Measures the time from the SIGKILL of a worker to the next correct round trip, in turn with T."""
    subprocess.run([FFSCTL, "-q", "up", FAST, "--wait-host"], check=True)
    subprocess.run([f"{FIGURES}/killtrip", str(count), "/run/ffsctl/fast/status"], check=True)
    subprocess.run([FFSCTL, "-q", "down", "fast"], check=True)


def processes(gadget="loopback"):
    status = json.loads(pathlib.Path(f"/run/ffsctl/{gadget}/status").read_text())
    function = status["functions"][0]
    return {"supervisor": status["supervisor"], "keeper": function["keeper"],
            "worker": function["worker"]["pid"]}


def field(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise KeyError(name)


FAULT_AROUND = pathlib.Path("/sys/kernel/debug/fault_around_bytes")


def memory(_):
    """Prints the memory of each process in KiB, after some data transfers, when all are idle: private memory, how much of
    it is dirty, and the private memory without the pages that the kernel maps around a page that is used. Those are
    the whole block of 64 KiB, and where the blocks begin depends on the address of the program, which is always the
    same in the lab, and random elsewhere."""
    subprocess.run(["mount", "-t", "debugfs", "debugfs", "/sys/kernel/debug"], stderr=subprocess.DEVNULL, check=False)
    default = FAULT_AROUND.read_text(encoding="ascii")
    for label, around in (("private", default), ("used", "4096")):
        FAULT_AROUND.write_text(around, encoding="ascii")
        subprocess.run([FFSCTL, "-q", "up", LOOPBACK, "--wait-host"], check=True)
        subprocess.run([f"{BUILD}/ffsbench", "-q", "loop", "--bytes", "16M"], check=True)
        time.sleep(3)
        for name, pid in processes().items():
            rollup = f"/proc/{pid}/smaps_rollup"
            clean, dirty = field(rollup, "Private_Clean"), field(rollup, "Private_Dirty")
            print(f"{label}-{name} {clean + dirty}")
            if label == "private":
                print(f"dirty-{name} {dirty}")
        subprocess.run([FFSCTL, "-q", "down", "loopback"], check=True)


def together(label, n, *command):
    """Runs n processes at the same time."""
    print(label, subprocess.run([f"{FIGURES}/farm", str(n), *command], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def farm_up(n):
    together(f"up-{n}", n, FFSCTL, "-q", "up", f"{SRC}/examples/usbip/farm.conf", "--name", "farm%", "--udc", "usbip-vudc.%")


def farm_down(n):
    together(f"down-{n}", n, FFSCTL, "-q", "down", "farm%")


def farm_load(rounds, n):
    """Brings n gadgets up and down; if n is 0, runs /bin/true instead. Then waits, so that the caller can read the
    processor time."""
    for _ in range(rounds):
        if n == "0":
            together("T", 1, "/bin/true")
        else:
            farm_up(int(n))
            farm_down(int(n))
    print("end 0", flush=True)
    sys.stdin.readline()


def farm(rounds, *sizes):
    """Brings n gadgets of one file up and down at the same time; prints the private memory of their processes."""
    # The first run loads files into the page cache
    for n in (*map(int, sizes), None) * rounds:
        if n is None:
            together("T", 1, "/bin/true")
            continue
        farm_up(n)
        time.sleep(2)
        sums = collections.Counter()
        for i in range(n):
            for name, pid in processes(f"farm{i}").items():
                rollup = f"/proc/{pid}/smaps_rollup"
                dirty = field(rollup, "Private_Dirty")
                sums[f"private-{name}-{n}"] += field(rollup, "Private_Clean") + dirty
                sums[f"dirty-{name}-{n}"] += dirty
        for label, total in sums.items():
            print(label, total)
        farm_down(n)


def idle(seconds):
    """Prints the number of context switches of each idle process. Needs virtual time."""
    def switches():
        return {name: field(f"/proc/{pid}/status", "voluntary_ctxt_switches")
                for name, pid in processes().items()}

    subprocess.run([FFSCTL, "-q", "up", LOOPBACK, "--wait-host"], check=True)
    time.sleep(5)  # until the work that follows `up` has ended
    before = switches()
    time.sleep(seconds)
    for name, n in switches().items():
        print(f"wakeups-{name} {n - before[name]}")
    subprocess.run([FFSCTL, "-q", "down", "loopback"], check=True)


def status_of_many(rounds):
    """Measures `status` with 32 gadgets, and a null system call, in turn with T."""
    farm_up(32)
    turns(rounds, f"T /bin/true\nstatus {FFSCTL} -q status\nversion {FFSCTL} --version\n")
    farm_down(32)
    for _ in range(9):
        print("call", subprocess.run([f"{FIGURES}/costs"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0])


def calls_of(pid, requests):
    """Counts the system calls of a process while the host makes control requests."""
    log = f"{FIGURES}/calls.{pid}"
    with subprocess.Popen(["strace", "-f", "-qq", "-o", log, "-p", str(pid)], stdin=subprocess.DEVNULL) as strace:
        while "TracerPid:\t0" in pathlib.Path(f"/proc/{pid}/status").read_text():
            time.sleep(0.01)
        requests()
        strace.terminate()
    # clock_gettime is a system call only in User-Mode Linux, which has no vDSO
    return sum(1 for line in open(log, encoding="ascii", errors="replace")
               if "(" in line and "resumed>" not in line and "clock_gettime" not in line)


def control_requests(count):
    """Counts the system calls of each process for a control request that a plugin answers, for IN and for OUT
    requests."""
    import usb.core
    subprocess.run([FFSCTL, "-q", "up", f"{SRC}/gadget.d/sourcesink.conf", "--wait-host"], check=True)
    device = usb.core.find(idVendor=0x0525, idProduct=0xA4A4)
    device.ctrl_transfer(0x40, 0x5B, 0, 0, bytes(64))
    for label, request in (("in", lambda: device.ctrl_transfer(0xC0, 0x5C, 0, 0, 64)),
                           ("out", lambda: device.ctrl_transfer(0x40, 0x5B, 0, 0, bytes(64)))):
        for name, pid in processes("sourcesink").items():
            few, many = (calls_of(pid, lambda: [request() for _ in range(n)]) for n in (count, 2 * count))
            print(f"{label}-{name} {round(100 * (many - few) / count)}")
    subprocess.run([FFSCTL, "-q", "down", "sourcesink"], check=True)


def stops(count):
    """Measures the time from SIGTERM to the end of a worker that does not ignore it, in turn with T."""
    import select
    subprocess.run([FFSCTL, "-q", "up", FAST, "--wait-host"], check=True)
    last = 0
    for _ in range(count):
        start = time.perf_counter_ns()
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        print(f"T {time.perf_counter_ns() - start}")
        while (pid := processes("fast")["worker"]) in (last, None):
            time.sleep(0.01)
        while json.loads(pathlib.Path("/run/ffsctl/fast/status").read_text())["state"] != "ready":
            time.sleep(0.01)
        last = pid
        fd = os.pidfd_open(pid)
        start = time.perf_counter_ns()
        os.kill(pid, 15)
        select.select([fd], [], [])
        print(f"stop {time.perf_counter_ns() - start}")
        os.close(fd)
    subprocess.run([FFSCTL, "-q", "down", "fast"], check=True)


if __name__ == "__main__":
    section, *words = sys.argv[1].split(":")
    {"commands": commands, "large": large, "long_file": long_file, "kills": kills, "memory": memory, "idle": idle, "farm": farm,
     "farm_load": farm_load, "status_of_many": status_of_many, "control_requests": control_requests, "stops": stops}[section](int(sys.argv[2]), *words)
