#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=1200
"""What `check` accepts comes up, or fails for a reason that the kernel or the machine gives; and the file that `export` writes
of it makes the same gadget, also if a script made it in configfs. The files are generated from the table of keys
(tests/fuzz/gadget_files.h), a third of them with @include.

GENERATED_SEED repeats the files of a failure; lab/soak has others in each run."""

import json
import os
import pathlib
import re

import gadgets
import generated_files
import harness
import tap
from harness import down, ffsctl, must
from tap import eq, ok, test

harness.leaves_nothing()

SEED = int(os.environ.get("SOAK_SEED", os.environ.get("GENERATED_SEED", "1")))
FILES = tap.rounds(20, 300)
IMAGE = gadgets.DIRECTORY / "disk.img"
IMAGE.write_bytes(bytes(1 << 20))
QUEUES_MIB = 512  # of memory that functions may take for requests: the lab has 1 GiB

# The kernel sets them when a host reads the device descriptor.
SET_BY_KERNEL = {"bcdUSB", "bMaxPacketSize0"}

came_up, by_script = [], []


def up(path):
    """Returns the option that brings the gadget up; None: there is a reason why it cannot."""
    for option in (("--udc", "dummy_udc.0"), ("--no-bind", )):
        result = ffsctl("up", path, "--timeout", "30", *option)
        if result.returncode == 0:
            return option
        if generated_files.cannot_come_up(result):
            return None
        ok(generated_files.cannot_bind(result), f"up: exit {result.returncode}: {result.stderr}")
    raise AssertionError(f"it cannot be bound without a bind: {result.stderr}")


def attributes():
    return {path: value for path, value in harness.configfs("gen").items() if path not in SET_BY_KERNEL}


def export_to(path):
    result = must(ffsctl("export", "gen"))
    path.parent.mkdir(exist_ok=True)
    path.write_text(result.stdout)
    return result.stdout


# Steps of a plan that a script does by mkdir, echo and ln
BY_MKDIR = {"gadget", "config", "function", "configfs-mkdir"}
BY_ECHO = {"write", "write-attribute", "write-config-attribute", "write-config-string", "write-string", "write-text"}


def echo(text, path):
    # One write(2): some attributes return 0, after which Python would write again without end. Without a line feed, which
    # the longest strings have no room for
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, text.encode() or b"\n")
    os.close(fd)


def make_by_script(path):
    """Makes the gadget in configfs without ffsctl. Returns False, and makes nothing, if that takes more than a script."""
    plan = json.loads(ffsctl("up", "--dry-run", "--json", "--no-bind", path).stdout)["gadgets"][0]["plan"]
    if not {step["do"] for step in plan} <= BY_MKDIR | BY_ECHO | {"link"}:
        return False
    for step in plan:
        target = pathlib.Path(step["path"])
        if step["do"] in BY_MKDIR:
            target.mkdir()
        elif step["do"] in BY_ECHO:
            echo(step["value"], target)
        else:
            target.symlink_to(pathlib.Path(harness.CONFIGFS) / "gen/functions" / step["value"])
    return True


def check_script(path):
    """The export of a gadget that a script made makes the same gadget."""
    again = path.parent / "exported-script" / "gen.conf"
    try:
        if not make_by_script(path):
            return
    except OSError:
        ffsctl("down", "--force", "gen")
        raise
    before = attributes()
    export_to(again)
    must(ffsctl("down", "--force", "gen"))
    must(ffsctl("check", again))
    must(ffsctl("up", again, "--no-bind"))
    harness.check_same_snapshots({"configfs": before}, {"configfs": attributes()})
    down("gen")
    by_script.append(path)


def check(path):
    if int(path.parent.name) % 3 == 0:
        for text in (path, *path.parent.glob("gen.conf.d/*.conf")):
            generated_files.move_groups_to_includes(text)
    said = must(ffsctl("check", path)).stderr
    if sum(map(int, re.findall("takes ([0-9]+) MiB of memory for requests", said))) > QUEUES_MIB:
        return
    must(ffsctl("descriptors", path))
    option = up(path)
    came_up.append(option)
    if not option:
        return
    before, again = attributes(), path.parent / "exported" / "gen.conf"
    text = export_to(again)
    down("gen")
    must(ffsctl("up", again, "--timeout", "30", *option))
    harness.check_same_snapshots({"configfs": before}, {"configfs": attributes()})
    eq(must(ffsctl("export", "gen")).stdout, text, "the second export")
    down("gen")
    check_script(path)


for number, file in generated_files.write(SEED, FILES, gadgets.DIRECTORY, IMAGE):
    test(f"file {number} of seed {SEED}", file)(check)


@test("many files come up")
def many_come_up():
    n = sum(option is not None for option in came_up)
    # Linux 6.1 has fewer functions and attributes.
    ok(by_script, "by a script")
    ok(n > len(came_up) * (0.25 if os.environ["LAB_KERNEL"] == "6.1" else 0.7), f"{n} of {len(came_up)}")


tap.main()
