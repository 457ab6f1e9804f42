# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab: kernel=6.12 build=sanitize timeout=360
"""The plugin interface between ffsctl and a running worker: what a plugin does not take is told at its
place in the gadget file also by commands that do not ask plugins before."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402
import tap  # noqa: E402
from gadgets import DIRECTORY, LOOPBACK, gadget  # noqa: E402
from harness import document, down, ffsctl, must, status, up  # noqa: E402
from tap import contains, eq, ok, test  # noqa: E402

harness.leaves_nothing()

SOURCESINK = 'plugin = "sourcesink"; options : { %s };'
WRONG = gadget("wrong", {"a": SOURCESINK % "pattern = 9;", "b": SOURCESINK % "patern = 1;"})
# Of the gadget file that gadget() writes
PLACES = [(":6:%d: error: option 'pattern' is 9; it has to be from 0 to 2", "pattern = 9", 10),
          (":9:%d: error: plugin 'sourcesink' has no option 'patern' (did you mean 'pattern'?)", "patern", 0)]


def sentences(path):
    lines = pathlib.Path(path).read_text().splitlines()
    for text, word, offset in PLACES:
        line = next(line for line in lines if word in line)
        yield path + text % (line.index(word) + 1 + offset)


# --- what a plugin does not take -----------------------------------------------------------------------


@test("up and run: what the plugin does not take is told as by check, with 65, and nothing is left")
def _():
    for command in ("up", "run"):
        result = must(ffsctl(command, WRONG, "--udc", "dummy_udc.0"), 65)
        for sentence in sentences(WRONG):
            eq(result.stderr.count(sentence), 1, result.stderr)
        contains(result.stderr.splitlines()[-1], "worker of")
        eq(status("wrong")[0], None)


@test("up --json: they are problems, and the error is the worker's")
def _():
    doc = document(must(ffsctl("up", WRONG, "--json"), 65))
    errors = [p for p in doc["problems"] if p["severity"] == "error"]
    eq([(p["file"], p["line"]) for p in errors], [(WRONG, 6), (WRONG, 9)])
    eq([e["exit"] for e in doc["errors"]], [65])


@test("up: a worker that fails for another reason is told by 76, as ever")
def _():
    probe = f"{harness.BUILD}/tests/lab/probe.so"
    result = must(ffsctl("up", gadget("unwilling", f'plugin = "{probe}"; options : {{ fail = true; }};')), 76)
    contains(result.stderr, "told to fail")


@test("up does not ask the plugin: its table is read by the worker alone")
def _():
    path = DIRECTORY / "asked"
    source = DIRECTORY / "asked.c"
    path.touch()
    path.chmod(0o666)
    source.write_text("""#include <fcntl.h>
#include <unistd.h>
#include <ffsctl/plugin.h>
__attribute__((constructor)) static void begin(void)
{ if (write(open("%s", O_WRONLY | O_APPEND), "x", 1) != 1) _exit(1); }
FFSCTL_PLUGIN = { FFSCTL_PLUGIN_HEAD, .name = "asked", .summary = "s", .mode = FFSCTL_MODE_STREAM };
""" % path)
    plugin = DIRECTORY / "asked.so"
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{harness.SRC}/include", "-o", plugin, source], check=True)
    up(gadget("asked", f'plugin = "{plugin}";'))
    eq(path.stat().st_size, 1)
    must(ffsctl("reload", "asked"))
    down("asked")
    eq(path.stat().st_size, 1)


@test("check and plugins need no root: the plugin is loaded by who asks, who gains nothing by it")
def _():
    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "capture_output": True, "text": True, "timeout": 60}
    out = must(subprocess.run([harness.FFSCTL, "plugins", "sourcesink"], check=False, **nobody)).stdout
    contains(out, "int, 0 to 2; default 0")
    for sentence in sentences(WRONG):
        contains(must(subprocess.run([harness.FFSCTL, "check", WRONG], check=False, **nobody), 65).stderr, sentence)


@test("reload: the gadget stays as it was, and the file's errors are told")
def _():
    path = gadget("turn", {"a": LOOPBACK})
    up(path)
    pid = status("turn")[0]["functions"][0]["worker"]["pid"]
    ok(pid, "no worker")
    gadget("turn", {"a": SOURCESINK % "pattern = 9;"})
    result = must(ffsctl("reload", "turn"), 65)
    contains(result.stderr, f"{path}:6:")
    contains(result.stderr, "option 'pattern' is 9; it has to be from 0 to 2")
    eq(status("turn")[0]["state"], "ready")
    down("turn")


tap.main()
