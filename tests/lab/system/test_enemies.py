# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2 timeout=180 build=plain real-time
# lab all: kernel=6.12,6.1 udcs=2 timeout=300 build=plain real-time
"""Attackers on the machine: a local user, a member of the group of --group, a plugin in its sandbox, and the program
of a worker with its own user id. Each makes random attacks, called moves (enemy.py, enemy_worker.py, rogue.c). None
can read, write or end what belongs to others, slow others down more than documented, or make supervisor and keepers
grow.

A failure shows the seed, the number and the name of the move. ENEMY_SEED repeats the same moves. With $SOAK_SEED
there are 20,000 moves of each attacker, or ENEMY_MOVES, for lab/soak (lab/README.md has the command).
"""

import collections
import contextlib
import hashlib
import json
import os
import pathlib
import resource
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

import gadgets
import harness
import tap
from gadgets import AT_ONCE, DIRECTORY, LOOPBACK, gadget, odd, worker
from harness import BUILD, FFSCTL, SRC, down, ffsctl, private_memory_kib, status, up
from tap import SOAKING, patience, test

harness.leaves_nothing()

SEED = int(os.environ.get("SOAK_SEED", os.environ.get("ENEMY_SEED", "1")))
MOVES = int(os.environ.get("ENEMY_MOVES", 20000 if SOAKING else 250))
CHECKS = 20  # times in a game that all is looked at
USER, MEMBER, BYSTANDER, GROUP = 1000, 1001, 1002, 4711
SECRET = "secret-" + os.urandom(8).hex()
PYTHON = ["/usr/bin/python3", "-B", "-I", "-S"]
CHANNEL = "/tmp/enemy.socket"  # as in rogue.c
PLANTED = DIRECTORY / "planted"
# Seconds for a command of root's: ffsctl(8) drops who says nothing after so many
DEADLINE = 5
# The log and the timer of statistics are opened when they are needed first
MORE_DESCRIPTORS = 2
# Seconds for which a supervisor keeps a connection on which nothing is said, and what belongs to it; twice
SILENT = 10
# Commands that take much memory while they are read: of a heap that was once so large not all goes back. Twice: what was
# sent before is over then
DEAREST = [b'{"a":' * 2040 + b"1" + b"}" * 2040, b"{}" + b" " * 65000] * 2
# KiB: buffers of 64 KiB in supervisor and keeper (two in a keeper) are only there as far as a message was long; the
# JSON of 4 KiB of statistics is freed in pieces
GROWTH = 128
# Moves that were not over in time
HUNG = MOVES // 20
REPLY_SECONDS = 2


def file_for_enemies(name):
    """Copies a file of the tests to a place where every user may read it; returns its path."""
    path = DIRECTORY / name
    shutil.copy(pathlib.Path(SRC, "tests/lab/workers", name), path)
    path.chmod(0o644)
    return str(path)


def plant():
    PLANTED.mkdir(exist_ok=True)
    PLANTED.chmod(0o755)
    for name, mode in (("secret", 0o600), ("public", 0o644)):
        path = PLANTED / name
        path.write_text(SECRET if name == "secret" else "public\n")
        path.chmod(mode)


def sleeper(user):
    return subprocess.Popen(["/bin/sleep", "100000"], user=user, group=user, extra_groups=[], stdin=subprocess.DEVNULL)


class Victim(gadgets.Traffic):
    """No transfer of it may fail."""

    def _round(self, n):
        time.sleep(0.005)  # the attacker uses the processor, too
        super()._round(n)

    def _recover(self):
        raise AssertionError("a transfer of the victim failed")


# --- who plays --------------------------------------------------------------------------------------


class Enemy:
    """One that is started by its gadget: `x` has it as the function `rogue`."""

    who, may, functions, group = "worker", "nothing", {}, ()

    def __init__(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(CHANNEL)
        self.listener.bind(CHANNEL)
        os.chmod(CHANNEL, 0o666)
        self.listener.listen(8)
        self.listener.settimeout(patience(30))
        self.channel = self.process = None
        self.ended = self.hung = 0

    def start(self):
        """Waits for the connection of the started attacker."""
        self.channel, _ = self.listener.accept()
        self.channel.settimeout(patience(REPLY_SECONDS))
        self.pid = int(self.channel.recv(16))
        self.process = os.pidfd_open(self.pid)

    def end(self):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.process, signal.SIGKILL)
        os.close(self.process)
        self.channel.close()

    def close(self):
        self.listener.close()
        os.unlink(CHANNEL)

    def order(self, seed, about):
        return json.dumps({**about, "may": self.may, "seed": seed})

    def ask(self, order):
        """The name of the move, what was wrong about it, and what it has read. It may have ended then."""
        name = b"?"
        try:
            self.channel.send(order.encode())
            name = answer = self.channel.recv(1 << 20)
            if b"\n" not in answer:
                answer = self.channel.recv(1 << 20)
            first, wrong, loot = answer.split(b"\n", 2)
            return first.decode(), json.loads(wrong), loot
        except TimeoutError:
            self.hung += 1
            print("not over in time:", name)
        except (OSError, ValueError):  # the message can be anything
            self.ended += 1
        self.end()
        self.start()
        return name.decode("latin-1"), "", b""


class Program(Enemy):
    def __init__(self):
        super().__init__()
        file_for_enemies("enemy.py")
        self.functions = {"rogue": worker(exec=[*PYTHON, file_for_enemies("enemy_worker.py"), CHANNEL], ready="notify",
                                          limits={"tasks": 60, "files": 256}, restart="always", **AT_ONCE)}


class Plugin(Enemy):
    who = "plugin"

    def __init__(self):
        super().__init__()
        self.functions = {"rogue": worker(plugin=f"{BUILD}/tests/lab/workers/rogue.so", options={"planted": str(PLANTED)},
                                          limits={"memory": "512M"}, restart="always", **AT_ONCE)}

    def order(self, seed, about):
        number = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "little")
        return " ".join(map(str, (number, *(about["pids"] if seed else ()))))


class User(Enemy):
    """One that has a process of its own. There is a group, which it is not in."""

    who, may, user, groups, group = "user", "connect", USER, [], ("--group", GROUP)

    def start(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))

        self.child = subprocess.Popen([*PYTHON, file_for_enemies("enemy.py"), CHANNEL], user=self.user, group=self.user,
                                      extra_groups=self.groups, start_new_session=True, cwd="/", preexec_fn=limit,
                                      env={"PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        super().start()

    def end(self):
        super().end()
        self.child.wait()
        for pid in harness.processes():  # processes that it has started
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{pid}").st_uid == self.user:
                    harness.kill(pid)


class Member(User):
    who, may, user, groups = "member", "command", MEMBER, [GROUP]


# --- what must stay as it is --------------------------------------------------------------------------


class Command:
    """A command of root, which must be answered in time while the attacker continues."""

    def __init__(self, args, codes):
        self.args, self.codes, self.took, self.result = args, codes, None, None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        began = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.result = ffsctl(*self.args, timeout=DEADLINE)
        self.took = time.monotonic() - began

    def is_over(self):
        return self.took is not None

    def trouble(self):
        """Waits for the end of the command; returns an error text, or None."""
        self.thread.join()
        words = f"ffsctl {' '.join(self.args)}"
        if not self.result:
            return f"{words} takes longer than {DEADLINE} s"
        # What a member of the group may do with x ends with the same
        if self.result.returncode not in self.codes or "too many commands" in self.result.stderr:
            return f"{words} ends with {self.result.returncode}: {self.result.stdout}{self.result.stderr}"
        return None


def stable(pid):
    """Returns the attributes of a process that no other user may change."""
    process = pathlib.Path(f"/proc/{pid}")
    lines = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    return {"stopped": lines["State"][0] in "Tt", **{name: lines[name] for name in ("Name", "TracerPid", "Uid", "Gid", "CapEff")},
            "limits": (process / "limits").read_text(), "oom": (process / "oom_score_adj").read_text(),
            "nice": os.getpriority(os.PRIO_PROCESS, pid), "scheduler": os.sched_getscheduler(pid),
            "processors": tuple(sorted(os.sched_getaffinity(pid)))}


def attributes(path):
    st = os.lstat(path)
    return oct(st.st_mode), st.st_uid, st.st_gid


def run_directory():
    """Whose what is; the enemy's own comes and goes with its worker, `status` is replaced by way of another file, and
    `log-input` comes with the first output of a worker, which nobody else may read."""
    found = {}
    for path in harness.tree("/run/ffsctl"):
        if not path.endswith(("rogue", ".new", "~")):
            with contextlib.suppress(FileNotFoundError):
                found[path] = attributes(path)
        if path.endswith("/log-input") and found[path] == ("0o100600", 0, 0):
            del found[path]
    return found


class Game:
    def __init__(self, enemy):
        self.enemy = enemy
        beside = {"victim": LOOPBACK, "neighbour": odd("notify", "wait", env={"WORD": SECRET}), "spare": LOOPBACK}
        if enemy.may == "command":  # x is his to disturb
            up(gadget("y", beside), "--udc", "dummy_udc.0")
            self.untouched, functions = "y", {"a": LOOPBACK, "b": odd("notify", "wait", env={"WORD": SECRET})}
        else:
            self.untouched, functions = "x", {**beside, **enemy.functions}
        path = pathlib.Path(gadget("x", functions))
        if self.untouched == "y":
            path.write_text(path.read_text().replace("0x0104", "0x0105"))
        up(path, "--udc", f"dummy_udc.{int(self.untouched == 'y')}", "--wait-host", *enemy.group)
        enemy.start()
        self.bystanders = [sleeper(0), sleeper(BYSTANDER)]
        self.names = ["x"] if self.untouched == "x" else ["x", "y"]
        self.pids = self.processes()
        self.fds = {os.pidfd_open(pid): name for name, pid in self.pids.items()}
        self.poll = select.poll()
        for fd in self.fds:
            self.poll.register(fd, select.POLLIN)
        self.about = {"pids": [1, os.getpid(), *self.pids.values()], "gadgets": self.names, "function": "rogue",
                      "bystander": BYSTANDER, "planted": str(PLANTED), "file": str(path), "ffsctl": str(DIRECTORY / "ffsctl")}
        self.recent = collections.deque(maxlen=max(MOVES // CHECKS, 1))
        self.before = self.all()
        self.commands = 0
        self.command = self.next_command()
        self.victim = Victim()

    def processes(self):
        """{what: pid} of what must live through it."""
        found = {f"bystander of user {n}": b.pid for n, b in zip((0, BYSTANDER), self.bystanders)}
        for name in self.names:
            shown = status(name)[0]
            found[f"supervisor of {name}"] = shown["supervisor"]
            for f in shown["functions"]:
                found[f"keeper of {name}/{f['label']}"] = f["keeper"]
                if f["label"] in ("victim", "neighbour"):
                    found[f"worker of {name}/{f['label']}"] = f["worker"]["pid"]
        return found

    def all(self):
        found = {"mounts": pathlib.Path("/proc/self/mounts").read_text().splitlines(), "run": run_directory()}
        for name in self.names:
            found["configfs of " + name] = {key: value for key, value in harness.configfs(name).items()
                                            if key != "UDC" or name == self.untouched}
            if name == self.untouched:
                found["record of " + name] = pathlib.Path(f"/run/ffsctl/{name}/record").read_bytes()
        for what, pid in self.pids.items():
            found[what] = stable(pid)
        for path in PLANTED.iterdir():
            st = os.stat(path)
            found[str(path)] = (attributes(path), st.st_ino, st.st_nlink, st.st_mtime_ns, path.read_bytes())
        return found

    # What is looked at

    def fail(self, what, all_recent=False):
        moves = ", ".join(self.recent) if all_recent else self.recent[-1]
        raise AssertionError(f"seed {SEED}, {self.enemy.who}, {'one of ' * all_recent}{moves}: {what}") from None

    def look_at_processes(self):
        for fd, _ in self.poll.poll(0):
            self.fail(f"{self.fds[fd]} has ended")
        if self.victim.wrong or self.victim.gone:
            self.fail(self.victim.wrong or self.victim.gone)

    def next_command(self):
        name, self.commands = self.untouched, self.commands + 1
        # Not `wait` for ready, which the enemy's own worker need not be; nor need all of status be well
        commands = [(["status", name], [0, 1]), (["restart", name, "spare"], [0]), (["wait", "--for", "configured", name], [0]),
                    (["log", name], [0])]
        if name == "y":  # x may be reloading, unbound, restarting
            commands += [(["status", "x"], range(4)), (["restart", "x"], [0, 73]), (["bind", "x"], [0, 73])]
        return Command(*commands[self.commands % len(commands)])

    def go_on_with_commands(self):
        if self.command.is_over():
            self.end_command()
            self.command = self.next_command()

    def end_command(self):
        trouble = self.command.trouble()
        if trouble:
            self.fail(trouble, True)

    def await_rest_of_x(self):
        """A reload that the member has asked for may be under way, or a restart: it refuses another one, and while it
        lasts, the worker's socket and its descriptors are not there."""
        if self.untouched != "x":
            tries = (ffsctl("restart", "x").returncode for _ in range(100))
            tap.ok(0 in tries, "x does not come to rest")

    def look_at_all(self):
        self.end_command()
        self.await_rest_of_x()
        self.look_at_processes()
        try:
            self.victim.more(1)
            harness.check_same_snapshots({**self.before}, self.all())
        except (AssertionError, OSError) as e:
            self.fail(e, True)
        self.recent.clear()

    def sizes(self):
        """Private memory and descriptors of supervisors and keepers, when nobody holds anything and no worker restarts."""
        self.end_command()  # during a restart the keeper lacks the descriptors of a worker
        self.enemy.ask(self.enemy.order(None, self.about))
        self.await_rest_of_x()
        for name in self.names:
            for text in DEAREST:
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
                    s.connect(f"/run/ffsctl/{name}/control")
                    s.send(text)
                    while s.recv(65536):
                        pass
        return {what: (private_memory_kib(pid, "Dirty"), len(harness.open_files(pid))) for what, pid in self.pids.items()
                if what.startswith(("supervisor", "keeper"))}

    def grown(self, first):
        """Who is larger than it was, in words; what is lost stays lost."""
        found = []
        for what, (memory, descriptors) in self.sizes().items():
            print(what, *first[what], memory, descriptors)
            if memory > first[what][0] + GROWTH or descriptors > first[what][1] + MORE_DESCRIPTORS:
                found.append(f"{what} has {memory} KiB and {descriptors} descriptors, not {first[what]}")
        return found

    def look_at_sizes(self, first):
        deadline = time.monotonic() + patience(SILENT)
        while found := self.grown(first):
            if time.monotonic() > deadline:
                self.fail("; ".join(found), True)
            time.sleep(0.1)

    # The moves

    def move(self, n):
        name, wrong, loot = self.enemy.ask(self.enemy.order(f"{SEED}/{self.enemy.who}/{n}", self.about))
        self.recent.append(f"move {n} {name}")
        if wrong:
            self.fail(wrong)
        if SECRET.encode() in loot:
            self.fail("has read a secret")
        if self.enemy.hung > HUNG:
            self.fail("too many moves are not over in time", True)
        return name

    def play(self):
        played, first = collections.Counter(), None
        for n in range(1, MOVES + 1):
            played[self.move(n)] += 1
            self.look_at_processes()
            self.go_on_with_commands()
            if n % (MOVES // CHECKS) == 0:
                self.look_at_all()
            if n == MOVES // 10:
                first = self.sizes()
        self.recent.append(f"move {MOVES}")
        self.look_at_sizes(first)
        print(f"seed {SEED}: {MOVES} moves, ended {self.enemy.ended} times, hung {self.enemy.hung}, {self.commands} commands, "
              f"{self.victim.rounds} round trips: {dict(played)}")

    def end(self):
        self.command.thread.join()
        self.victim.end()
        self.enemy.end()
        self.enemy.close()
        for b in self.bystanders:
            b.kill()
            b.wait()
        for fd in self.fds:
            os.close(fd)
        down(*self.names)


def play(kind):
    plant()
    shutil.copy(FFSCTL, DIRECTORY / "ffsctl")
    game = Game(kind())
    try:
        game.play()
    finally:
        game.end()
    for path in pathlib.Path("/tmp").glob("enemy-*"):
        shutil.rmtree(path)


for name_, kind_ in (("a local user", User), ("a member of the group", Member), ("a plugin in its sandbox", Plugin),
                     ("the program of a worker", Program)):
    test(f"{name_}: {MOVES} moves change nothing for others", kind_)(play)

tap.main()
