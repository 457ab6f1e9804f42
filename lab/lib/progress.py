# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows the progress of steps that take long, such as the build of a kernel, and stores their durations.

If the output is a terminal, a line is redrawn each second: step, percent, time left. Otherwise a line is printed at the
start of a step, and one at its end. Percent and time left are computed from the duration of the step's last run, which
is stored in the lab's cache. If the step has never run, only the elapsed time is shown.
"""

import json
import os
import sys
import threading
import time

import cache

DURATIONS = "durations.json"
DURATIONS_LOCK = threading.Lock()
QUICK = 5  # seconds; a step that is shorter than this prints no second line


def history():
    """Returns {step: seconds of its last run}."""
    try:
        return json.loads(cache.read(os.path.join(cache.root(), DURATIONS)))
    except (FileNotFoundError, ValueError):
        return {}


def remember(took):
    """Stores the durations `took`, {step: seconds}. Threads of one process may call this at the same time. If two
    processes store durations at the same time, only those of the last one are kept."""
    if not took:
        return
    os.makedirs(cache.root(), exist_ok=True)
    path = os.path.join(cache.root(), DURATIONS)
    new = "%s.%d" % (path, os.getpid())
    with DURATIONS_LOCK:
        with open(new, "w") as f:
            json.dump({**history(), **took}, f, indent=0, sort_keys=True)
        os.rename(new, path)


def duration(seconds):
    seconds = int(seconds + 0.5)
    return "%d s" % seconds if seconds < 120 else "%d min %02d s" % divmod(seconds, 60)


class Line:
    """A line that is redrawn on a terminal. Does nothing if the output is not a terminal."""

    def __init__(self, stream):
        self.stream, self.shown = stream, False
        self.lock = threading.RLock()
        self.tty = stream.isatty()

    def draw(self, text):
        if not self.tty:
            return
        with self.lock:
            try:
                # 0 means that the terminal does not know its width
                columns = os.get_terminal_size(self.stream.fileno()).columns or 80
            except OSError:
                columns = 80
            self.stream.write("\r\033[K" + text[:columns - 1])
            self.stream.flush()
            self.shown = True

    def clear(self):
        with self.lock:
            if self.shown:
                self.stream.write("\r\033[K")
                self.stream.flush()
                self.shown = False


class Step:
    """A step that takes long: `with Step("lab/setup", "6.12 normal kernel"): …`."""

    def __init__(self, who, what, stream=None):
        self.who, self.what = who, what
        self.stream = stream or sys.stderr
        self.line = Line(self.stream)
        self.expected = history().get(what)
        self.ended = threading.Event()

    def say(self, text):
        self.stream.write("%s: %s\n" % (self.who, text))
        self.stream.flush()

    def state(self):
        took = time.monotonic() - self.start
        if not self.expected:
            return "%s: %s, %s so far" % (self.who, self.what, duration(took))
        percent = min(99, int(100 * took / self.expected))
        left = self.expected - took
        return "%s: %s %d%%, %s" % (self.who, self.what, percent,
                                    duration(left) + " left" if left >= 1 else "almost done")

    def redraw(self):
        while not self.ended.wait(1):
            self.line.draw(self.state())

    def __enter__(self):
        self.start = time.monotonic()
        if self.line.tty:
            self.thread = threading.Thread(target=self.redraw, daemon=True)
            self.thread.start()
        else:
            self.say(self.what + (" (%s the last time)" % duration(self.expected) if self.expected else ""))
        return self

    def __exit__(self, kind, value, trace):
        took = time.monotonic() - self.start
        self.ended.set()
        if self.line.tty:
            self.thread.join()
            self.line.clear()
        if kind is None:
            remember({self.what: round(took, 1)})
            if took >= QUICK or self.line.tty:
                self.say("%s: %s" % (self.what, duration(took)))
