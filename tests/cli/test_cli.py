#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The front end, to the byte: help, versions, misuse, and where words and data go."""

import os
import pty
import subprocess
import tempfile

from paths import BUILD, SRC
import tap
from tap import contains, eq, ok, test

FFSCTL = os.path.join(BUILD, "ffsctl")
HAVE = ("up, run, down, reload, restart, reexec, bind, unbind, wait, status, log, check, descriptors, export, list, plugins, "
        "udc, features, schema, completion")
world = tempfile.TemporaryDirectory()
WORLD = ("--run-dir", os.path.join(world.name, "run"), "--configfs", os.path.join(world.name, "config"))


def run(*args, env=None, stderr=subprocess.PIPE, stdout=subprocess.PIPE):
    """(exit code, stdout, stderr) of ffsctl in the directory of the sources, found by its path."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", **(env or {})}
    # What the sanitizers are told is no part of what is tested
    environment.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    got = subprocess.run([FFSCTL, *args], cwd=SRC, env=environment, stdout=stdout, stderr=stderr,
                         stdin=subprocess.DEVNULL, encoding="utf-8", check=False)
    return got.returncode, got.stdout, got.stderr


HELP = """\
usage: ffsctl [-v|-q] [--color=WHEN] COMMAND [OPTIONS] [GADGET...]

USB gadgets from files: made, served and taken away.

  ffsctl check gadget.conf      is the file right?
  ffsctl up gadget.conf         bring it up
  ffsctl status                 how is it?
  ffsctl down gadget.conf       take it away

commands:
  up         bring a gadget up and leave a supervisor in the background
  run        bring a gadget up and supervise it in the foreground, until TERM
  down       take gadgets down: unbind, stop, unmount, remove
  reload     make a gadget that is up what its file says now
  restart    start a function's worker anew, without a disconnect
  reexec     after an upgrade: supervisors become this program, all else stays
  bind       put a gadget that is up on the bus
  unbind     take a gadget off the bus; all else of it stays
  wait       return when a gadget is ready, configured by its host, or disconnected
  status     every gadget on the machine, also those of others, and how it is
  log        print what has happened to a gadget, and what its workers have printed
  check      every error and warning of a gadget file
  descriptors what a host will see of a gadget file, field by field
  export     a gadget file from what is in configfs now, whoever made it
  list       the gadget files that have a name, and the state of their gadgets
  plugins    the plugins that are installed, or all that one of them declares
  udc        the USB device controllers of the machine, and who is on them
  features   what this kernel's FunctionFS can do, and what brings the rest
  schema     the JSON Schema of gadget files, or of what --json prints
  completion the script that completes our command lines in a shell

options:
  -v, --verbose       say each step, too
  -q, --quiet         say nothing but errors
  --color=WHEN        auto, always or never
  --dir DIR           look for gadget files here first
  --configfs DIR      where configfs is mounted (/sys/kernel/config)
  --run-dir DIR       where the state is kept (/run/ffsctl)
  --version

'ffsctl COMMAND --help' tells a command's options; ffsctl(8) tells the rest.
"""


@test("--help, on stdout, with 0")
def help_on_stdout():
    eq(run("--help"), (0, HELP, ""))
    eq(run("-h"), (0, HELP, ""))


@test("--version")
def version_on_stdout():
    eq(run("--version"), (0, "ffsctl 0.1.0\n", ""))


def command_help(command, text):
    for option in ("--help", "-h"):
        eq(run(command, option), (0, text, ""))


OPTIONS_OF_BOTH = """\
  --name N            the gadget's name, in place of the file's
  --dry-run           print the plan and change nothing
  --json              one JSON document on stdout
  --udc NAME          the UDC to bind to
  --timeout S         seconds to come up in (30)
  --no-bind           make everything, but do not go on the bus
  --hold S            seconds that workers outlive a supervisor that dies (10)
  --group GROUP       who is in it may give the supervisor commands, too
"""

for name, expected in {
    "up": "usage: ffsctl up [OPTIONS] GADGET | --all\n\nbring a gadget up and leave a supervisor in the background\n\n"
          + OPTIONS_OF_BOTH + "  --all               every gadget file that has a name and autostart = true\n"
          "  --wait-udc[=S]      wait for a UDC to appear (30)\n"
          "  --wait-host[=S]     return only when a host has configured the gadget (30)\n",
    "run": "usage: ffsctl run [OPTIONS] GADGET\n\nbring a gadget up and supervise it in the foreground, until TERM\n\n"
           + OPTIONS_OF_BOTH + "  --notify-fd N       write a newline to this descriptor when the gadget is up\n"
           "  --wait-udc[=S]      wait no longer than that for a UDC (for ever without it)\n",
    "down": "usage: ffsctl down GADGET... | --all\n\ntake gadgets down: unbind, stop, unmount, remove\n\n"
            "  --all               every gadget of ours\n"
            "  --force             also one that ffsctl has not made, or has no record of\n"
            "  --json              one JSON document on stdout\n",
    "reload": "usage: ffsctl reload [OPTIONS] GADGET\n\nmake a gadget that is up what its file says now\n\n"
              "  --name N            the gadget that the file at a path is for\n"
              "  --dry-run           print what would change, and change nothing\n"
              "  --json              one JSON document on stdout\n"
              "  --timeout S         seconds that it may take (30), and the way back again\n",
    "restart": "usage: ffsctl restart GADGET [FUNCTION]\n\nstart a function's worker anew, without a disconnect\n",
    "reexec": "usage: ffsctl reexec GADGET... | --all\n\nafter an upgrade: supervisors become this program, all else stays\n\n"
              "  --all               every gadget of ours\n",
    "bind": "usage: ffsctl bind GADGET [UDC]\n\nput a gadget that is up on the bus\n\n"
            "  --udc NAME          the UDC to bind to, as a second word is\n",
    "unbind": "usage: ffsctl unbind GADGET\n\ntake a gadget off the bus; all else of it stays\n",
    "wait": "usage: ffsctl wait GADGET [--for CONDITION] [--timeout S]\n\n"
            "return when a gadget is ready, configured by its host, or disconnected\n\n"
            "  --for CONDITION     ready, configured or disconnected (ready)\n"
            "  --timeout S         wait so long, also for one that is not up yet; then 75\n",
    "log": "usage: ffsctl log GADGET\n\nprint what has happened to a gadget, and what its workers have printed\n",
    "status": "usage: ffsctl status [GADGET...]\n\nevery gadget on the machine, also those of others, and how it is\n\n"
              "  --json              one JSON document on stdout\n"
              "  --watch             again at each change, until Ctrl-C: on a terminal in place, with what\n"
              "                      workers move; else a line for each change, with --json a document\n"
              "  -o FIELD[,FIELD...] bare values, a line for each gadget, with tabs between; '-' is none\n\n"
              "fields: name, file, state, udc, udc_state, speed, since, supervisor; with a function's\n"
              "label and a dot: type, instance, mount, device, ifname, keeper, worker.state,\n"
              "worker.pid and so on; '*.device' prints a line for each function\n\n"
              "exit status for one gadget: 0 up and ready, 1 degraded, 3 not up, 4 cannot tell;\n"
              "without an argument: 0 unless one of ours is degraded\n",
    "check": "usage: ffsctl check FILE... [--here] [--json | --format=gcc]\n\n"
             "every error and warning of a gadget file\n\n"
             "  --here              users, programs, plugins, a UDC and kernel features must be there\n"
             "  --json              one JSON document on stdout\n"
             "  --format=gcc        one line a message, as compilers print them\n",
    "features": "usage: ffsctl features [--json]\n\n"
                "what this kernel's FunctionFS can do, and what brings the rest\n\n"
                "  --json              one JSON document on stdout\n\n"
                "It tries on a gadget of its own, which is gone afterwards; needs root.\n"
                "'doctor' is another name for it.\n",
    "list": "usage: ffsctl list\n\nthe gadget files that have a name, and the state of their gadgets\n\n"
            "Each line is the name, the state, the path and those of drop-ins. Besides the\n"
            "states of status there are errors (see 'ffsctl check') and unread (it cannot be\nopened).\n",
    "plugins": "usage: ffsctl plugins [PLUGIN] [--json]\n\nthe plugins that are installed, or all that one of them "
               "declares\n\n"
               "  --json              one JSON document on stdout\n"
               "\n"
               "A plugin is a name, as worker.plugin has it, or a path. It is loaded in a process\n"
               "without privileges, and only asked what it declares.\n",
    "udc": "usage: ffsctl udc [--json]\n\nthe USB device controllers of the machine, and who is on them\n\n"
           "  --json              one JSON document on stdout\n",
    "completion": "usage: ffsctl completion bash|fish|zsh\n\n"
                  "the script that completes our command lines in a shell\n\n"
                  "for this shell alone: source <(ffsctl completion bash)\n"
                  "'make install' puts all of them where shells look for them\n",
    "schema": "usage: ffsctl schema [NAME]\n\nthe JSON Schema of gadget files, or of what --json prints\n\n"
              "names: gadget (a gadget file as JSON, if none is given); check, features, output,\n"
              "plugins and udc (what --json of commands prints); ffsbench, plugin, worker-config\n",
}.items():
    test(f"{name} --help", name, expected)(command_help)


@test("no command: where help is, 64")
def no_command():
    eq(run(), (64, "", "ffsctl: what shall be done? (see 'ffsctl --help')\n"))


@test("an unknown command names those that there are")
def unknown_command():
    eq(run("frobnicate"), (64, "", f"ffsctl: there is no command 'frobnicate'; there are {HAVE}\n"))


def misused(args, text):
    eq(run(*args), (64, "", text))


BAD_OPTION = ("ffsctl: {0}: the option '{1}' is not one it knows, or lacks its value, or is not in this version "
              "(see 'ffsctl {0} --help')\n")
UNKNOWN_GLOBAL = "ffsctl: the option '{}' is not one ffsctl knows, or lacks its value (see 'ffsctl --help')\n"
for words, text in (
    (("up",), "ffsctl: up: it takes one gadget file or name (see 'ffsctl up --help')\n"),
    (("up", "a", "b"), "ffsctl: up: it takes one gadget file or name (see 'ffsctl up --help')\n"),
    (("run",), "ffsctl: run: it takes one gadget file or name (see 'ffsctl run --help')\n"),
    (("descriptors",), "ffsctl: descriptors: name one gadget file (see 'ffsctl descriptors --help')\n"),
    (("descriptors", "--speed", "low", "x"),
     "ffsctl: descriptors: a speed is full, high or super (see 'ffsctl descriptors --help')\n"),
    (("descriptors", "--kernel", "new", "x"),
     "ffsctl: descriptors: 'new' is no release of Linux, like 6.12 (see 'ffsctl descriptors --help')\n"),
    (("export",), "ffsctl: export: name one gadget (see 'ffsctl export --help')\n"),
    (("export", "a", "b"), "ffsctl: export: name one gadget (see 'ffsctl export --help')\n"),
    (("down",), "ffsctl: down: it takes either gadgets or --all (see 'ffsctl down --help')\n"),
    (("down", "--all", "x"), "ffsctl: down: it takes either gadgets or --all (see 'ffsctl down --help')\n"),
    (("reload",), "ffsctl: reload: it takes one gadget (see 'ffsctl reload --help')\n"),
    (("reload", "x", "--name", "y"), "ffsctl: reload: --name goes with a path (see 'ffsctl reload --help')\n"),
    (("reload", "x", "--timeout", "soon"),
     "ffsctl: reload: --timeout takes a number of seconds, not 'soon' (see 'ffsctl reload --help')\n"),
    (("restart",), "ffsctl: restart: it takes a gadget and perhaps one of its functions (see 'ffsctl restart --help')\n"),
    (("check",), "ffsctl: check: name a gadget file (see 'ffsctl check --help')\n"),
    (("up", "x", "--timeout", "soon"),
     "ffsctl: up: --timeout takes a number of seconds, not 'soon' (see 'ffsctl up --help')\n"),
    (("up", "x", "--timeout=-1"), "ffsctl: up: --timeout takes a number of seconds, not '-1' (see 'ffsctl up --help')\n"),
    (("up", "x", "--timeout=nan"),
     "ffsctl: up: --timeout takes a number of seconds, not 'nan' (see 'ffsctl up --help')\n"),
    (("up", "x", "--no-bind", "--wait-host"),
     "ffsctl: up: --no-bind and --wait-host exclude each other (see 'ffsctl up --help')\n"),
    (("run", "x", "--wait-host"),
     "ffsctl: run: it does not return, so it cannot wait for a host first (see 'ffsctl run --help')\n"),
    *((("run", "x", "--notify-fd", fd),
       f"ffsctl: run: --notify-fd takes an open descriptor from 3 on, not '{fd}' (see 'ffsctl run --help')\n")
      for fd in ("", "one", "1", "-1", "77", "4294967299")),
    (("up", "x", "--notify-fd=3"), BAD_OPTION.format("up", "--notify-fd=3")),
    (("up", "--nonsense", "x"), BAD_OPTION.format("up", "--nonsense")),
    (("up", "--all", "x"), "ffsctl: up: it takes either one gadget or --all (see 'ffsctl up --help')\n"),
    (("up", "--all", "--udc", "x"),
     "ffsctl: up: --name and --udc are for one gadget, not for --all (see 'ffsctl up --help')\n"),
    (("run", "--all"), BAD_OPTION.format("run", "--all")),
    (("up", "x", "--group"), BAD_OPTION.format("up", "--group")),
    (("up", "x", "--group", "no such"), "ffsctl: up: unknown group 'no such' (see 'ffsctl up --help')\n"),
    (("up", "x", "--udc"), BAD_OPTION.format("up", "--udc")),
    (("down", "--all", "--force"),
     "ffsctl: down: --force is for gadgets that are named, not for --all (see 'ffsctl down --help')\n"),
    (("status", "-o", "udc", "--watch"),
     "ffsctl: status: -o and --watch exclude each other (see 'ffsctl status --help')\n"),
    (("restart", "x", "--json"), BAD_OPTION.format("restart", "--json")),
    (("check", "x", "--hex"), BAD_OPTION.format("check", "--hex")),
    (("bind",), "ffsctl: bind: it takes a gadget and perhaps a UDC (see 'ffsctl bind --help')\n"),
    (("bind", "x", "y", "z"), "ffsctl: bind: it takes a gadget and perhaps a UDC (see 'ffsctl bind --help')\n"),
    (("bind", "x", "y", "--udc", "z"), "ffsctl: bind: it takes a gadget and perhaps a UDC (see 'ffsctl bind --help')\n"),
    (("unbind",), "ffsctl: unbind: it takes one gadget (see 'ffsctl unbind --help')\n"),
    (("unbind", "x", "y"), "ffsctl: unbind: it takes one gadget (see 'ffsctl unbind --help')\n"),
    (("wait",), "ffsctl: wait: it takes one gadget (see 'ffsctl wait --help')\n"),
    (("wait", "x", "--for", "godot"),
     "ffsctl: wait: --for takes ready, configured or disconnected, not 'godot' (see 'ffsctl wait --help')\n"),
    (("wait", "x", "--timeout", "soon"),
     "ffsctl: wait: --timeout takes a number of seconds, not 'soon' (see 'ffsctl wait --help')\n"),
    (("log",), "ffsctl: log: it takes one gadget (see 'ffsctl log --help')\n"),
    (("log", "x", "y"), "ffsctl: log: it takes one gadget (see 'ffsctl log --help')\n"),
    (("log", "-f", "x"), BAD_OPTION.format("log", "-f")),
    (("status", "-o"), BAD_OPTION.format("status", "-o")),
    (("status", "-o", "udc", "--json"),
     "ffsctl: status: -o and --json exclude each other (see 'ffsctl status --help')\n"),
    *((("status", "-o", f"udc,{field}", "x"),
       f"ffsctl: status: -o knows no field '{field}' (see 'ffsctl status --help')\n")
      for field in ("colour", "", ".device", "echo.", "echo.colour", "echo.worker.colour", ".worker.pid", "worker.pid.x",
                    "echo.worker")),
    (("list", "x"), "ffsctl: list: it takes no gadget (see 'ffsctl list --help')\n"),
    (("list", "--json"), BAD_OPTION.format("list", "--json")),
    (("udc", "x"), "ffsctl: udc: it takes no gadget (see 'ffsctl udc --help')\n"),
    (("completion",), "ffsctl: completion: it takes one shell: bash, fish or zsh (see 'ffsctl completion --help')\n"),
    (("completion", "csh"), "ffsctl: completion: there is completion for bash, fish and zsh, not for 'csh' "
                            "(see 'ffsctl completion --help')\n"),
    (("schema", "a", "b"), "ffsctl: schema: it takes one name at most (see 'ffsctl schema --help')\n"),
    (("schema", "x"), "ffsctl: schema: there is no schema 'x'; there are check, descriptors, features, ffsbench, gadget, output, "
                      "plugin, plugins, udc, worker-config (see 'ffsctl schema --help')\n"),
    (("--nonsense", "up", "x"), UNKNOWN_GLOBAL.format("--nonsense")),
    (("-x", "up"), UNKNOWN_GLOBAL.format("-x")),
    (("--dir",), UNKNOWN_GLOBAL.format("--dir")),
    (("--run-dir", "run", "status"), "ffsctl: --run-dir takes an absolute path, not 'run'\n"),
    (("--configfs", "", "status"), "ffsctl: --configfs takes an absolute path, not ''\n"),
    (("--color=pink", "check", "x"), "ffsctl: --color takes auto, always or never, not 'pink'\n"),
):
    test("misuse: %s" % " ".join(words), words, text)(misused)


# --- words and data -----------------------------------------------------------------------------

BAD = "tests/bad/unknown-key.conf"


@test("a file that is not there: 66, one sentence")
def missing_file():
    for command in ("up", "run", "check"):
        code, out, err = run(*WORLD, command, "nonexistent/x.conf")
        eq((code, out), (66, ""))
        eq(err, "ffsctl: cannot open nonexistent/x.conf: No such file or directory\n")
    code, out, err = run(*WORLD, "--dir", "examples", "up", "nonexistent")
    eq((code, out), (66, ""))
    ok(err.startswith("ffsctl: there is no gadget file 'nonexistent' in examples, "), err)


@test("a path that is no gadget's: 66 if there is no file, 65 if it is no gadget file, for every command")
def path_of_no_gadget():
    for command in ("down", "reload", "restart", "reexec", "bind", "unbind", "wait", "log", "export"):
        code, out, err = run(*WORLD, command, "./nosuch.conf")
        eq((code, out, "cannot open ./nosuch.conf: No such file or directory" in err), (66, "", True), f"{command}: {err}")
        code, out, err = run(*WORLD, command, "/etc/passwd")
        eq((code, out, "/etc/passwd" in err), (65, "", True), f"{command}: {err}")
    eq(run(*WORLD, "down", "./nosuch.conf")[2], "ffsctl: cannot open ./nosuch.conf: No such file or directory; "
       "'ffsctl status' lists the gadgets that are up\n")
    eq(run(*WORLD, "down", BAD)[2], f"ffsctl: cannot take a gadget's name from {BAD}: it has errors; "
       f"'ffsctl check {BAD}' prints them\n")
    for path in ("./nosuch.conf", "/etc/passwd"):
        code, out, err = run(*WORLD, "status", path)
        eq((code, out, path in err), (4, "", True), err)


@test("what is not up is no error of down, and told by 3 of status")
def down_and_status_of_nothing():
    eq(run(*WORLD, "down", "x"), (0, "", "ffsctl: x: is not up\n"))
    eq(run(*WORLD, "down", "x", "y"), (0, "", "ffsctl: x: is not up\nffsctl: y: is not up\n"))
    eq(run(*WORLD, "down", "--all"), (0, "", "ffsctl: no gadget of ours is up\n"))
    eq(run(*WORLD, "status", "x"), (3, "x: down\n", ""))
    eq(run(*WORLD, "status", "x", "y", "-o", "name,state,udc,echo.device"), (3, "x\tdown\t-\t-\ny\tdown\t-\t-\n", ""))
    eq(run(*WORLD, "status", "x", "-o", "*.device"), (3, "", ""))
    eq(run(*WORLD, "status"), (0, "", "ffsctl: no gadget is up on this machine\n"))


@test("-q says nothing but errors, wherever it is asked for among the global options")
def quiet_says_errors_only():
    eq(run("-q", *WORLD, "down", "x"), (0, "", ""))
    eq(run(*WORLD, "--quiet", "down", "--all"), (0, "", ""))
    eq(run("-q", *WORLD, "status"), (0, "", ""))
    eq(run("-q", *WORLD, "up", "--dry-run", "--no-bind", "examples/loopback.conf")[::2], (0, ""))
    code, _, err = run("-q", *WORLD, "up", "tests/bad/unknown-key.conf")
    eq(code, 65)
    contains(err, "error: unknown key")
    eq(run("-q", "check", "nonexistent/x.conf")[2],
       "ffsctl: cannot open nonexistent/x.conf: No such file or directory\n")


@test("reload, restart, reexec, bind, unbind and wait of what is not up: 69")
def commands_need_a_gadget():
    for command in ("reload", "restart", "bind", "unbind", "wait"):
        eq(run(*WORLD, command, "x"), (69, "", "ffsctl: 'x' has no supervisor: it is not up, or was killed; see 'ffsctl status'\n"))


@test("wait --timeout of what does not come up in that time: 75")
def wait_times_out():
    for seconds in ("0", "0.05"):
        eq(run(*WORLD, "wait", "x", "--timeout", seconds),
           (75, "", "ffsctl: 'x' has no supervisor: it is not up, or was killed; see 'ffsctl status'\n"))


ESCAPE = "\033["


def on_terminal(*args, env):
    """What a terminal gets on stderr."""
    reader, writer = pty.openpty()
    code = run(*args, env=env, stderr=writer)[0]
    os.close(writer)
    text = b""
    while True:
        try:
            part = os.read(reader, 65536)
        except OSError:  # EIO: the other side is closed
            break
        if not part:
            break
        text += part
    os.close(reader)
    eq(code, 65)
    return text.decode()


@test("colours: on a terminal that has them, unless NO_COLOR or --color says otherwise")
def colours_on_terminal():
    xterm = {"TERM": "xterm"}
    for args, env, coloured in (
        ((), xterm, True),
        ((), {}, False),
        ((), {"TERM": "dumb"}, False),
        ((), {**xterm, "NO_COLOR": "1"}, False),
        ((), {**xterm, "NO_COLOR": ""}, True),  # no-color.org: when present and not empty
        (("--color=never",), xterm, False),
        (("--color=auto",), xterm, True),
        (("--color=always",), {"NO_COLOR": "1"}, True),
    ):
        eq(ESCAPE in on_terminal(*args, "check", BAD, env=env), coloured, f"colours with {args} {env}")


@test("colours: none into a file or pipe, unless asked for; never in data")
def no_colours_in_data():
    for command in ("check", "up"):
        ok(ESCAPE not in run(*WORLD, command, BAD, env={"TERM": "xterm"})[2], "colours in a pipe")
        contains(run(*WORLD, "--color=always", command, BAD)[2], ESCAPE)
    ok(ESCAPE not in run("--color=always", "check", "--json", BAD)[1], "colours in JSON")


@test("what cannot be written to stdout is told by 74")
def stdout_cannot_be_written():
    for args in (("check", "--json", "examples/loopback.conf"), ("status", "x"), ("status", "x", "--json"),
                 ("down", "x", "--json"), ("--help",), ("--version",), ("up", "--help"),
                 ("up", "--dry-run", "--no-bind", "examples/loopback.conf"), ("schema",), ("udc", "--json"),
                 ("--dir", "examples", "list"),
                 ("up", "--dry-run", "--no-bind", "--json", "examples/loopback.conf")):
        with open("/dev/full", "w") as full:
            code, _, err = run("-q", *WORLD, *args, stdout=full)
        eq((code, err), (74, "ffsctl: cannot write all of it to stdout\n"), " ".join(args))
    with open("/dev/full", "w") as full:
        eq(run("check", "--json", BAD, stdout=full)[0], 65, "what was there before stays")


tap.main()
