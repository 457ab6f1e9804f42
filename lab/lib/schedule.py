# SPDX-License-Identifier: GPL-2.0-or-later
"""Shares the cores between test programs, and measures how fast the machine is meanwhile.

Each program runs on one core, of which so many programs have a part. From time to time a core is
left to one small program alone (lab/speed.c), which measures what a fork and exec and what a system
call cost in the lab just then: T and the null system call. Time-outs are multiplied by how much
slower that is than on the machine on which they were chosen, and by the number of programs that
share a core. So a machine that is slow, or busy with other things, makes a run longer and no test
fail.
"""

import os
import statistics
import subprocess
import sys
import threading
import time

import cache

# The machine on which the tests' time-outs were chosen, in nanoseconds.
REFERENCE_T, REFERENCE_CALL = 6_000_000, 6_000
MEASURE_EVERY = 120  # seconds: each time a core empties first
# Boots for one measurement. T is another one in each: between 2.8 and 4.4 ms in 25 boots one after the other
# of an idle machine, so that the median of three is a matter of luck.
BOOTS = 5
# The newest samples that time-outs follow: the slowest of them counts.
RECENT = 3 * BOOTS


class Speed:
    """What was measured: one (T, null system call) for each boot, in nanoseconds."""

    def __init__(self):
        self.samples = []
        self.at = None  # when the last one was taken

    def measure(self, core, kernel):
        """Takes samples on a core that is otherwise idle. A lab that does not start is the
        tests' matter: then there is no sample."""
        # Not normal lab traffic: a fixed generous limit, so that a stuck machine ends the run
        command = [os.path.join(cache.LAB, "run"), "--kernel", kernel, "--timeout", "300", "--", cache.speed_file()]
        for _ in range(BOOTS):
            r = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               env={**os.environ, "LAB_CORE": str(core)}, text=True)
            words = r.stdout.split()
            if r.returncode != 0 or len(words) != 3:
                break
            self.samples.append((int(words[1]), int(words[2])))
        self.at = time.monotonic()

    def due(self):
        return self.at is None or time.monotonic() - self.at >= MEASURE_EVERY

    def slowness(self):
        """How many times slower than the reference, never less than 1."""
        return max([1.0] + [max(t / REFERENCE_T, call / REFERENCE_CALL) for t, call in self.samples[-RECENT:]])

    def t(self):
        """The median of T, in nanoseconds; None without a sample."""
        return statistics.median(t for t, _ in self.samples) if self.samples else None

    def call(self):
        return statistics.median(c for _, c in self.samples) if self.samples else None


def processor_time():
    """(all, stolen) of the machine's cores until now. Stolen is what a hypervisor gave to others."""
    with open("/proc/stat") as f:
        times = [int(word) for word in f.readline().split()[1:9]]  # guests are in the first two
    return sum(times), times[7]


class Schedule:
    """Runs programs, the first runnable one of the list first, on all cores.

    A program is runnable when what it needs has been given to ready(); None needs nothing.
    """

    def __init__(self, jobs, speed, kernel):
        self.cores = sorted(os.sched_getaffinity(0))
        self.jobs, self.speed, self.kernel = jobs, speed, kernel
        # Programs on one core; more cores than jobs: one each
        self.per_core = max(1, -(-jobs // len(self.cores)))
        self.free = {core: self.per_core for core in self.cores}
        self.kept = set()  # cores that get no new program: a measurement waits
        self.have = {None}
        self.changed = threading.Condition()
        self.running = {}  # {program: since}
        self.stopped, self.trouble = False, None

    def ready(self, need):
        with self.changed:
            self.have.add(need)
            self.changed.notify_all()

    def stop(self, trouble=None):
        """Nothing is started any more; run() ends with the exception, if there is one."""
        with self.changed:
            self.stopped, self.trouble = True, self.trouble or trouble
            self.changed.notify_all()

    def take(self):
        """(program, core); None when nothing is left. Called with the lock held."""
        while self.todo and not self.stopped:
            found = next((p for p in self.todo if p.needs in self.have), None)
            cores = [c for c in self.cores if self.free[c] and c not in self.kept]
            if found and cores:
                core = max(cores, key=lambda c: self.free[c])
                self.todo.remove(found)
                self.free[core] -= 1
                self.running[found] = time.monotonic()
                return found, core
            self.changed.wait()
        return None

    def measure_on(self, core):
        """When it is time for it, and something is left to run: waits until the core is idle, and measures. With the
        lock held."""
        if not self.todo or not self.speed.due() or self.kept:
            return
        self.kept.add(core)
        self.changed.wait_for(lambda: self.free[core] == self.per_core)
        self.changed.release()
        try:
            self.speed.measure(core, self.kernel)
        finally:
            self.changed.acquire()
            self.kept.discard(core)
            self.changed.notify_all()

    def patience(self):
        return self.speed.slowness() * self.per_core

    def work(self, done):
        with self.changed:
            while (taken := self.take()) is not None:
                program, core = taken
                patience = self.patience()
                self.changed.release()
                try:
                    done(program.run(core, patience))
                except BaseException as e:  # the harness itself is wrong: all the run has to end
                    self.stop(e)
                    raise
                finally:
                    self.changed.acquire()
                    self.free[core] += 1
                    del self.running[program]
                    self.changed.notify_all()
                self.measure_on(core)

    def run(self, programs, done):
        """Calls done(result) for each program, in the order in which they end."""
        self.todo = list(programs)
        threads = [threading.Thread(target=self.work, args=(done,)) for _ in range(self.jobs)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if self.trouble:
            raise self.trouble


if __name__ == "__main__":
    speed = Speed()
    speed.measure(min(os.sched_getaffinity(0)), sys.argv[1] if len(sys.argv) > 1 else "6.12")
    print("T %.2f ms, null system call %.1f µs" % (speed.t() / 1e6, speed.call() / 1e3))
