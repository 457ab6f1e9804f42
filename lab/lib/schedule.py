# SPDX-License-Identifier: GPL-2.0-or-later
"""Assigns cores to test programs, and measures the speed of the machine.

Each program runs on one core, which several programs may share. From time to time the program lab/speed.c
measures the speed of a core that no other program uses. It measures two times in the lab: T, the time of a fork and
exec, and the time of a null system call, which does nothing. Each time-out is the value for the reference machine,
multiplied by the slowness of this machine and by the number of programs on a core. So a run takes longer on a slow or
busy machine, but no test fails.
"""

import os
import statistics
import subprocess
import sys
import threading
import time

import cache

# T (the time of a fork and exec) and the time of a null system call on the reference machine, in nanoseconds. The
# tests' time-outs were chosen for the reference machine.
REFERENCE_T, REFERENCE_CALL = 6_000_000, 6_000
MEASURE_EVERY = 120  # seconds between measurements; each measurement first waits for an idle core
# Number of boots of one measurement. Each boot yields one value of T. In 25 boots on an idle machine, T was between 2.8
# and 4.4 ms, so the median of only three boots would differ too much between measurements.
BOOTS = 5
# The time-outs depend on the slowest of this number of recent samples. (Each boot yields one sample.)
RECENT = 3 * BOOTS


class Speed:
    """Measures the speed of the machine. Each boot of a lab yields one sample: (time of a fork and exec, time of a null
    system call), in nanoseconds."""

    def __init__(self):
        self.samples = []
        self.at = None  # time of the last sample

    def measure(self, core, kernel):
        """Measures samples on an idle core. If the lab does not start there is no sample, and the tests will fail, too."""
        # --timeout ends the measurement if the lab hangs. This time-out is long and fixed: it cannot be adapted to the
        # speed of the machine, as the other time-outs are, because this command measures the speed
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
        """Returns how many times slower this machine is than the reference, at least 1."""
        return max([1.0] + [max(t / REFERENCE_T, call / REFERENCE_CALL) for t, call in self.samples[-RECENT:]])

    def t(self):
        """Returns T, the median of the times of a fork and exec in all samples, in nanoseconds; None if there are no
        samples."""
        return statistics.median(t for t, _ in self.samples) if self.samples else None

    def call(self):
        return statistics.median(c for _, c in self.samples) if self.samples else None


def processor_time():
    """Returns the total time of all cores, and their steal time, which a hypervisor has given to other virtual
    machines (proc_stat(5))."""
    with open("/proc/stat") as f:
        times = [int(word) for word in f.readline().split()[1:9]]  # user and nice, the first two, include guest time
    return sum(times), times[7]


class Schedule:
    """Runs programs on all cores, in the order of the list. Skips programs that are not runnable yet.

    A program is runnable when ready() was called with its `needs`, or if its `needs` is None.
    """

    def __init__(self, jobs, speed, kernel):
        self.cores = sorted(os.sched_getaffinity(0))
        self.jobs, self.speed, self.kernel = jobs, speed, kernel
        # Number of programs on one core
        self.per_core = max(1, -(-jobs // len(self.cores)))
        self.free = {core: self.per_core for core in self.cores}
        self.kept = set()  # cores reserved for a measurement
        self.have = {None}
        self.changed = threading.Condition()
        self.running = {}  # {program: time of its start}
        self.stopped, self.trouble = False, None

    def ready(self, need):
        with self.changed:
            self.have.add(need)
            self.changed.notify_all()

    def stop(self, trouble=None):
        """Starts no more programs. run() raises the exception `trouble`, unless it is None."""
        with self.changed:
            self.stopped, self.trouble = True, self.trouble or trouble
            self.changed.notify_all()

    def take(self):
        """Waits for a runnable program and a free core, and returns both; None if no program is left. The caller holds
        the lock."""
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
        """If a measurement is due and some programs have not started yet, waits until no program runs on the core, and
        then measures the speed of the core. The caller holds the lock."""
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
                except BaseException as e:  # a bug of lab/test: end the run
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
