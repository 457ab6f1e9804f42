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
    """up against its two baselines, status; all in turn with T."""
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
    """The plan of an example by ffsctl and in raw calls."""
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
    """check of a large file, in turn with T."""
    path = f"{FIGURES}/large.conf"
    with open(path, "w", encoding="ascii") as f:
        subprocess.run(["/usr/bin/python3", f"{SRC}/lab/figures/large.py"], stdout=f, check=True)
    turns(rounds, f"T /bin/true\ncheck {FFSCTL} -q check {path}\n")


def kills(count):
    """Worker SIGKILL to the next correct round trip, with T in between."""
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


def memory(_):
    """Private memory in KiB, after some data has flowed and a minute has passed."""
    subprocess.run([FFSCTL, "-q", "up", LOOPBACK, "--wait-host"], check=True)
    subprocess.run([f"{BUILD}/ffsbench", "-q", "loop", "--bytes", "16M"], check=True)
    for name, pid in processes().items():
        rollup = f"/proc/{pid}/smaps_rollup"
        clean, dirty = field(rollup, "Private_Clean"), field(rollup, "Private_Dirty")
        print(f"private-{name} {clean + dirty}")
        print(f"dirty-{name} {dirty}")
    subprocess.run([FFSCTL, "-q", "down", "loopback"], check=True)


def together(label, n, *command):
    """So many processes at once."""
    print(label, subprocess.run([f"{FIGURES}/farm", str(n), *command], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def farm_up(n):
    together(f"up-{n}", n, FFSCTL, "-q", "up", f"{SRC}/examples/usbip/farm.conf", "--name", "farm%", "--udc", "usbip-vudc.%")


def farm_down(n):
    together(f"down-{n}", n, FFSCTL, "-q", "down", "farm%")


def farm_load(rounds, n):
    """Gadgets up and down, or /bin/true for 0; then waits, so that somebody can see what that took."""
    for _ in range(rounds):
        if n == "0":
            together("T", 1, "/bin/true")
        else:
            farm_up(int(n))
            farm_down(int(n))
    print("end 0", flush=True)
    sys.stdin.readline()


def farm(rounds, *sizes):
    """So many gadgets of one file up at once, and down; what each of their processes has for itself."""
    # Whoever is first would pay for what is loaded once
    for n in (*map(int, sizes), None) * rounds:
        if n is None:
            together("T", 1, "/bin/true")
            continue
        farm_up(n)
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
    """Context switches of each process while nothing happens (virtual time)."""
    def switches():
        return {name: field(f"/proc/{pid}/status", "voluntary_ctxt_switches")
                for name, pid in processes().items()}

    subprocess.run([FFSCTL, "-q", "up", LOOPBACK, "--wait-host"], check=True)
    time.sleep(5)  # what the coming up has set off is over
    before = switches()
    time.sleep(seconds)
    for name, n in switches().items():
        print(f"wakeups-{name} {n - before[name]}")
    subprocess.run([FFSCTL, "-q", "down", "loopback"], check=True)


if __name__ == "__main__":
    section, *words = sys.argv[1].split(":")
    {"commands": commands, "large": large, "long_file": long_file, "kills": kills, "memory": memory, "idle": idle, "farm": farm,
     "farm_load": farm_load}[section](int(sys.argv[2]), *words)
