# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
# lab all: kernel=6.12 build=sanitize timeout=360
"""The plugin interface between ffsctl and a running worker. If a plugin does not accept an option, commands that did
not read the plugin's table before also report the position in the gadget file."""

import json
import pathlib
import subprocess
import time

import harness
import tap
from gadgets import DIRECTORY, LOOPBACK, Fifo, await_status, gadget, odd, traffic
from harness import document, down, ffsctl, must, status, up
from tap import contains, eq, ok, patience, rounds, test

harness.leaves_nothing()

SOURCESINK = 'plugin = "sourcesink"; options : { %s };'
WRONG = gadget("wrong", {"a": SOURCESINK % "pattern = 9;", "b": SOURCESINK % "patern = 1;"})
# Of the gadget file that gadget() writes
PLACES = [(":6:%d: error: option 'pattern' must be 0 to 2, not 9", "pattern = 9", 10),
          (":9:%d: error: plugin 'sourcesink' has no option 'patern'", "patern", 0)]


def sentences(path):
    lines = pathlib.Path(path).read_text().splitlines()
    for text, word, offset in PLACES:
        line = next(line for line in lines if word in line)
        yield path + text % (line.index(word) + 1 + offset)


# --- what a plugin does not take -----------------------------------------------------------------------


@test("up and run: what the plugin does not take is told as by check, with 65, and nothing is left")
def refused_option_fails_up():
    for command in ("up", "run"):
        result = must(ffsctl(command, WRONG, "--udc", "dummy_udc.0"), 65)
        for sentence in sentences(WRONG):
            eq(result.stderr.count(sentence), 1, result.stderr)
        contains(result.stderr, "\nhint: did you mean 'pattern'?\n")
        contains(result.stderr.splitlines()[-1], "worker of")
        eq(status("wrong")[0], None)


@test("up --json: they are problems, and the error is the worker's")
def refused_option_as_json():
    doc = document(must(ffsctl("up", WRONG, "--json"), 65))
    errors = [p for p in doc["problems"] if p["severity"] == "error"]
    eq([(p["file"], p["line"]) for p in errors], [(WRONG, 6), (WRONG, 9)])
    eq([e["exit"] for e in doc["errors"]], [65])


@test("up: a worker that fails for another reason is told by 76, as ever")
def other_worker_failure():
    probe = f"{harness.BUILD}/tests/lab/workers/probe.so"
    result = must(ffsctl("up", gadget("unwilling", f'plugin = "{probe}"; options : {{ fail = true; }};')), 76)
    contains(result.stderr, "told to fail")


@test("up does not ask the plugin: its table is read by the worker alone")
def up_does_not_ask_plugin():
    path = DIRECTORY / "asked"
    source = DIRECTORY / "asked.c"
    path.touch()
    path.chmod(0o666)
    source.write_text("""#include <fcntl.h>
#include <unistd.h>
#include <ffsctl/plugin.h>
__attribute__((constructor)) static void begin(void)
{ if (write(open("%s", O_WRONLY | O_APPEND), "x", 1) != 1) _exit(1); }
FFSCTL_PLUGIN = { FFSCTL_PLUGIN_HEAD, .name = "asked", .summary = "s", .framing = FFSCTL_FRAMING_STREAM };
""" % path)
    plugin = DIRECTORY / "asked.so"
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{harness.SRC}/include", "-o", plugin, source], check=True)
    up(gadget("asked", f'plugin = "{plugin}";'))
    eq(path.stat().st_size, 1)
    must(ffsctl("reload", "asked"))
    down("asked")
    eq(path.stat().st_size, 1)


@test("check and plugins need no root: the plugin is loaded by who asks, who gains nothing by it")
def check_and_plugins_without_root():
    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "capture_output": True, "text": True, "timeout": 60}
    out = must(subprocess.run([harness.FFSCTL, "plugins", "sourcesink"], check=False, **nobody)).stdout
    contains(out, "int, 0 to 2; default 0")
    for sentence in sentences(WRONG):
        contains(must(subprocess.run([harness.FFSCTL, "check", WRONG], check=False, **nobody), 65).stderr, sentence)


@test("reload: the gadget stays as it was, and the file's errors are told")
def refused_option_fails_reload():
    path = gadget("turn", {"a": LOOPBACK})
    up(path)
    pid = status("turn")[0]["functions"][0]["worker"]["pid"]
    ok(pid, "no worker")
    gadget("turn", {"a": SOURCESINK % "pattern = 9;"})
    result = must(ffsctl("reload", "turn"), 65)
    contains(result.stderr, f"{path}:6:")
    contains(result.stderr, "option 'pattern' must be 0 to 2, not 9")
    eq(status("turn")[0]["state"], "ready")
    down("turn")


# --- statistics ----------------------------------------------------------------------------------------


class Reporter:
    """A gadget whose worker reports the statistics that the test sends to it."""

    def __init__(self):
        self.fifo = Fifo("stats")
        # When the host is done with it nothing else is written to the status.
        up(gadget("reporter", odd("ready", "stats", self.fifo.path)), "--wait-host")
        self.lines = open(self.fifo.path, "w")

    def stats(self):
        return status("reporter")[0]["functions"][0]["worker"]["stats"]

    def report(self, *bodies, times=1):
        """Makes the worker report these statistics, and waits until the status file has been written."""
        path = pathlib.Path("/run/ffsctl/reporter/status")
        before_ = path.stat().st_ino
        for body in bodies:
            self.lines.write("%d %s\n" % (times, body.hex()))
        self.lines.flush()
        end = time.monotonic() + patience(30)
        while path.stat().st_ino == before_:
            ok(time.monotonic() < end, f"{path} is not written anew")
            time.sleep(0.005)

    def end(self):
        self.lines.close()
        down("reporter")


def message(text):
    return text.encode()


NONSENSE = {
    "no JSON": b"frames: 1",
    "no object": b"[1, 2]",
    "empty": b"",
    "not UTF-8": b'{"frames": "\xff\xfe"}',
    "a number that is none": b'{"frames": NaN}',
    "a key twice": b'{"a": 1, "a": 2}',
    "too deep": b'{"a": ' + b"[" * 4 + b"]" * 4 + b"}",
    "much too deep": b'{"a": ' + b"[" * 2000 + b"]" * 2000 + b"}",
    "cut off": b'{"a": 1',
    "with a NUL": b'{"a": "\\u0000"}',
}


@test("statistics: the last ones that make sense are shown, in words, in the document and by -o")
def statistics_make_sense():
    r = Reporter()
    eq(r.stats(), None)
    eq(ffsctl("status", "reporter", "-o", "echo.worker.stats").stdout, "-\n")
    r.report(message('{"frames": 12, "rate": 0.5, "who": "é\\u001b[31m", "deep": {"a": [[1]]}}'))
    shown = {"frames": 12, "rate": 0.5, "who": "é\x1b[31m", "deep": {"a": [[1]]}}
    eq(r.stats(), shown)
    contains(ffsctl("status", "reporter").stdout, '\n                 frames 12, rate 0.5, who "é\\u001B[31m", deep {"a":[[1]]}\n')
    eq(json.loads(ffsctl("status", "reporter", "-o", "echo.worker.stats").stdout), shown)
    for body in NONSENSE.values():
        r.report(body)
        eq(r.stats(), shown, body[:40])
    r.report(message('{"a": 1}'), *NONSENSE.values(), message('{"text": "%s"}' % ("x" * 4000)))
    eq(r.stats(), {"text": "x" * 4000})
    line = ffsctl("status", "reporter").stdout.splitlines()[2]
    ok(len(line) < 200 and line.endswith("..."), line)
    r.end()


@test("statistics: more than there may be of them is not looked at, and a flood costs little")
def statistics_are_bounded():
    r = Reporter()
    supervisor = status("reporter")[0]["supervisor"]
    r.report(message('{"n": 1}'))
    r.report(message('{"n": 2}'), message('{"text": "%s"}' % ("x" * 4096)), bytes(65535))
    eq(r.stats(), {"n": 2})
    r.report(message('{"text": "%s"}' % ("x" * 4000)), times=rounds(5000, 10000, 20000))
    ticks = sum(map(int, harness.stat_of(supervisor)[1][11:13]))
    r.report(*[message('{"n": %d}' % n) for n in range(1000)])
    await_status("reporter", lambda g: g["functions"][0]["worker"]["stats"] == {"n": 999}, "the last one")
    ok(ticks < 300, f"{ticks} ticks of CPU time")
    r.end()


@test("statistics: those of a worker that has ended go when the next one begins")
def statistics_end_with_worker():
    r = Reporter()
    r.report(message('{"n": 1}'))
    eq(r.stats(), {"n": 1})
    must(ffsctl("restart", "reporter"))
    eq(r.stats(), None)
    r.end()


@test("statistics of a plugin; what cannot be shown it is told at once")
def statistics_of_plugin():
    source, plugin = DIRECTORY / "stats.c", DIRECTORY / "stats.so"
    source.write_text(r"""#include <errno.h>
#include <string.h>
#include <ffsctl/plugin.h>
static int begin(struct ffsctl_host *host)
{
	static char longest[8192];
	memset(longest, ' ', sizeof(longest) - 1);
	host->call->log(host, FFSCTL_LOG_NOTE, "answers %d %d %d", host->call->stats(host, longest) == -EMSGSIZE,
			host->call->stats(host, "[]") == -EINVAL, host->call->stats(host, "{\"ok\": true}"));
	return 0;
}
FFSCTL_PLUGIN = { FFSCTL_PLUGIN_HEAD, .name = "stats", .summary = "s", .framing = FFSCTL_FRAMING_STREAM, .start = begin };
""")
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{harness.SRC}/include", "-o", plugin, source], check=True)
    up(gadget("counting", f'plugin = "{plugin}";'))
    g, _ = await_status("counting", lambda g: g["functions"][0]["worker"]["stats"], "statistics")
    eq(g["functions"][0]["worker"]["stats"], {"ok": True})
    contains(pathlib.Path("/run/ffsctl/counting/log").read_text(), "answers 1 1 0")
    down("counting")


@test("what a plugin host has moved on each endpoint, also for the next supervisor; another one begins anew")
def statistics_of_endpoints():
    def moved():
        return [e["bytes"] for e in status("flow")[0]["functions"][0]["endpoints"]]

    def await_moved(n):
        await_status("flow", lambda g: g["functions"][0]["endpoints"][1]["bytes"] == n, f"{n} bytes")
        eq(moved(), [n, n])

    path = gadget("flow", LOOPBACK)
    up(path, "--wait-host")
    eq(moved(), [None, None])
    with traffic() as t:
        t.more(20)
    first = t.rounds * t.size
    await_moved(first)
    harness.kill(status("flow")[0]["supervisor"])
    eq(moved(), [None, None])
    up(path)
    with traffic() as t:
        t.more(20)
    await_moved(first + t.rounds * t.size)
    must(ffsctl("restart", "flow"))
    eq(moved(), [None, None])
    down("flow")


tap.main()
