#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=600 parts=2
# lab all: kernel=6.12,6.1 timeout=600 parts=2
# lab all: kernel=6.12 build=sanitize timeout=400 parts=2
"""Each change of a reload fails: the old gadget is restored. If an undo fails, too, both failures are reported. If the
supervisor is killed at a change, the next command removes everything."""

import contextlib
import errno
import functools
import os
import pathlib
import re
import select

import gadgets
import harness
import tap
from faults import KERNEL_REFUSED, errno_of, first_of_each, must_be_down, must_be_leftover
from gadgets import LOOPBACK, gadget, worker
from harness import document, down, ffsctl, must, check_same_snapshots, snapshot, status
from tap import contains, eq, ok

TOP = pathlib.Path(harness.CONFIGFS, "x")
SLEEP = worker(exec=["/bin/sleep", "100000"], ready="started")
IMAGES = [gadgets.DIRECTORY / name for name in ("a.img", "b.img")]
for path in IMAGES:
    path.write_bytes(bytes(1 << 20))


def write(name, functions, more, kernel, product, attrs=""):
    """Returns the text of a gadget file. `kernel`: kernel functions, which follow the other functions."""
    text = pathlib.Path(gadget(name, functions, more)).read_text().rstrip()
    ok(text.endswith("};"))
    text = text[:-2] + kernel + "};\n"
    text = re.sub(r'product = "[^"]*"', f'product = "{product}"', text).replace("idProduct = 0x0104;",
                                                                                f"idProduct = 0x0104; {attrs}")
    return text


def disk(n, more="", attrs=""):
    return f'disk : {{ type = "mass_storage"; attrs : {{ {attrs} luns = ( {{ file = "{IMAGES[n]}"; {more} }} ); }}; }};\n'


OLD = write("x", {"a": LOOPBACK, "b": SLEEP, "gone": SLEEP}, "", disk(0) + 's : { type = "SourceSink"; };\n', "old",
            "bcdDevice = 0x0777;")
# A little of everything
NEW = write("x", {"new": SLEEP, "a": SLEEP, "b": SLEEP}, 'max_speed = "high";',
            disk(1, "ro = true;") + 't : { type = "acm"; };\n', "new")
NEW = NEW.replace("b : { ffs : { interfaces = ( { endpoints = ( \"bulk-out\", \"bulk-in\" )",
                  "b : { ffs : { interfaces = ( { endpoints = ( \"bulk-in\", \"bulk-out\" )")
# What does not leave the bus
LIVE = OLD.replace("a.img", "b.img").replace('plugin = "loopback"', 'plugin = "loopback"; io = { depth = 3; }')
ok(len({OLD, NEW, LIVE}) == 3)
FILE = gadgets.DIRECTORY / "x.conf"


def values():
    """Returns everything in configfs about the gadget, with the order of its links."""
    found = {}
    for d, dirs, files in os.walk(TOP):
        for file in files:
            path = pathlib.Path(d, file)
            try:
                found[str(path)] = path.read_bytes()
            except OSError as e:
                found[str(path)] = e.errno
        for name in dirs:
            if pathlib.Path(d, name).is_symlink():
                found[os.path.join(d, name)] = os.readlink(os.path.join(d, name))
    for name in ("bcdUSB", "bMaxPacketSize0"):
        found.pop(str(TOP / name))
    return found


class State:
    def __init__(self):
        self.values = values()
        self.links = [str(i) for c in harness.device() for i in c]
        self.record = pathlib.Path("/run/ffsctl/x/record").read_text()
        shown, code = status("x")
        eq((shown["state"], code, shown["problems"]), ("ready", 0, []))
        self.keepers = {f["label"]: f["keeper"] for f in shown["functions"]}
        self.shown = [(f["label"], f["type"], f["mount"], f["worker"] and f["worker"]["state"]) for f in shown["functions"]]


def up(text, fault):
    FILE.write_text(text)
    with harness.configured():
        must(ffsctl("up", FILE, fault=fault))


def plan_of(before, after):
    up(before, None)
    FILE.write_text(after)
    plan = document(must(ffsctl("reload", "x", "--dry-run", "--json")))["gadgets"][0]["plan"]
    down("x")
    eq([c["n"] for c in plan], list(range(1, len(plan) + 1)), "numbers of changes")
    return plan


SANITIZED = "ASAN_OPTIONS" in os.environ
WAYS = {"there": (OLD, NEW), "back": (NEW, OLD), "live": (OLD, LIVE)}
PLANS = {way: plan_of(*texts) for way, texts in WAYS.items()}
ok(len(PLANS["there"]) > 40, "little of everything")
ok(not any(c["do"] == "unbind" for c in PLANS["live"]), "it leaves the bus")


FEWER = "configfs/an-empty-value-does-not-come-back: each kind of change has a test"


def each(title, *ways):
    """Registers a test for each change of each way; lab/test has the first of each kind, and of every
    second kind where somebody is killed. The other kernel and build go one way only; sanitizers see the first of each kind, and have nothing to find in
    what is killed."""

    def register(function):
        if SANITIZED and "is killed" in title:
            return function
        cases = [(way, change) for way in ways for change in PLANS[way]
                 if way != "back" or (os.environ["LAB_KERNEL"] == "6.12" and not SANITIZED)]
        if SANITIZED:
            cases = first_of_each(cases)
        chosen = first_of_each(cases)
        if "is killed" in title:
            chosen = chosen[::2]
        for way, change in cases:
            name = f"{way}: change {change['n']} ({change['do']} {os.path.basename(change['path'])}) {title}"

            @functools.wraps(function)
            def run(way=way, change=change):
                before = snapshot()
                try:
                    function(way, change)
                    check_same_snapshots(before, snapshot())
                finally:
                    ffsctl("down", "x")

            tap.test(name, only_all=None if (way, change) in chosen else FEWER)(run)
        return function

    return register


def sentence(change, word, error):
    return f"cannot {word} {change['path']}: {os.strerror(error)}"


@each("fails", *WAYS)
def change_fails(way, change):
    old, new = WAYS[way]
    error = errno_of(change)
    up(old, f"reload-fail={change['n']}:{error}")
    before = State()
    FILE.write_text(new)
    leaves = PLANS[way][0]["do"] == "unbind" and change["n"] > 1
    with harness.configured() if leaves else contextlib.nullcontext():
        result = must(ffsctl("reload", "x"), KERNEL_REFUSED)
    contains(result.stderr, sentence(change, change["do"], error) + "; 'x' is as it was before")
    after = State()
    for what in ("values", "links", "record", "shown"):
        eq(getattr(after, what), getattr(before, what), what)
    eq(after.keepers["a"], before.keepers["a"], "keeper of the one that stays")
    FILE.write_text(old)
    contains(must(ffsctl("up", FILE)).stderr, "up already")
    down("x")


def broken(way, change, word):
    """`up`, after which in a reload the last change fails, and something happens on the way back from this one."""
    old, new = WAYS[way]
    last = PLANS[way][-1]
    up(old, f"reload-fail={last['n']}:{errno.ENOSPC},{word}={change['n']}" + (f":{errno_of(change)}" if "fail" in word else ""))
    FILE.write_text(new)


@each("fails on the way back, too", "there", "live")
def way_back_fails(way, change):
    if change == PLANS[way][-1]:
        return  # the item was not made
    broken(way, change, "back-fail")
    result = must(ffsctl("reload", "x"), KERNEL_REFUSED)
    last = PLANS[way][-1]
    contains(result.stderr, sentence(last, last["do"], errno.ENOSPC) + "; not all steps could be undone: " +
             sentence(change, change["undo"], errno_of(change)))
    contains(result.stderr, "'ffsctl down x' removes what is left")
    shown, code = status("x")
    eq((shown["state"], code), ("degraded", 1))
    contains(shown["problems"][0]["text"], "not all steps could be undone")
    contains(must(ffsctl("reload", "x"), 73).stderr, "take it down, then up again")
    down("x")


def must_die():
    supervisor = os.pidfd_open(status("x")[0]["supervisor"])
    contains(must(ffsctl("reload", "x"), KERNEL_REFUSED).stderr, "ended before it replied")
    select.select([supervisor], [], [])
    os.close(supervisor)
    must_be_leftover("x")


def killed(way, fault):
    old, new = WAYS[way]
    up(old, fault)
    FILE.write_text(new)
    must_die()


def cleared():
    contains(down("x").stderr, "x: down (its supervisor had died")
    must_be_down("x")


@each("is killed before", "there")
def killed_before_change(way, change):
    killed(way, f"reload-kill-before={change['n']}")
    cleared()


@each("is killed after", "back", "live")
def killed_after_change(way, change):
    killed(way, f"reload-kill-after={change['n']}")
    if change["n"] % 2:
        cleared()
        return
    contains(must(ffsctl("up", FILE)).stderr, "x: clearing what a dead supervisor has left")
    eq(status("x")[1], 0, "exit status of status")
    down("x")


@each("is killed before it is taken back", "there", "live")
def killed_before_undo(way, change):
    if change != PLANS[way][-1]:
        broken_and_killed(way, change, "back-kill-before")


@each("is killed after it was taken back", "back")
def killed_after_undo(way, change):
    if change != PLANS[way][-1]:
        broken_and_killed(way, change, "back-kill-after")


def broken_and_killed(way, change, word):
    broken(way, change, word)
    must_die()
    cleared()


tap.main()
