#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line, to the byte: help, versions, misuse, and where words and data go."""

import glob
import json
import os
import pathlib
import pty
import re
import subprocess
import tempfile

from paths import BUILD, SRC, VERSION
import identity
import tap
from tap import contains, eq, ok, test

FFSCTL = os.path.join(BUILD, "ffsctl")
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

Creates, supervises and removes USB gadgets described by files.

  ffsctl check gadget.conf      check the file
  ffsctl up gadget.conf         bring the gadget up
  ffsctl status                 print its status
  ffsctl down gadget.conf       take it down

commands:
  up           bring a gadget up and leave a supervisor in the background
  run          bring a gadget up and supervise it in the foreground, until
               SIGTERM
  down         take gadgets down: unbind, stop, unmount, remove
  reload       apply the changes of a gadget file to its gadget
  restart      restart the workers of a gadget or of one function, without a
               disconnect
  reexec       make supervisors execute this version of ffsctl, without a
               disconnect
  bind         bind a gadget that is up to a UDC
  unbind       unbind a gadget and leave it up
  wait         wait until a gadget is ready, configured by its host, or
               disconnected
  status       print the status of all gadgets in configfs
  log          print the log of a gadget, with the output of its workers
  trace        print what the host asks of a gadget, and what it gets, until
               Ctrl-C
  check        print all errors and warnings of a gadget file
  descriptors  predict the descriptors that a host will read
  export       print a gadget file for any gadget in configfs
  list         list the gadget files in the directories, and the states of
               their gadgets
  plugins      list the installed plugins, or print the declaration of one
  doctor       print what keeps this system from being a gadget, and how to
               mend it
  selftest     test a UDC with its driver, step by step, and write a report
  udc          list the USB device controllers, and the gadgets bound to them
  features     list the features of this kernel's FunctionFS, and how to get
               the others
  schema       print the JSON Schema of gadget files, or of --json output
  completion   print the completion script for a shell
  help         print the help of ffsctl, or of a command
  version      print the version of ffsctl

options:
  -v, --verbose       print each step
  -q, --quiet         print only errors
  --color=WHEN        auto, always or never
  --dir DIR           search gadget files in DIR first
  --configfs DIR      mount point of configfs (/sys/kernel/config)
  --run-dir DIR       run directory, with the state (/run/ffsctl)
  --version

'ffsctl help COMMAND' lists the options of a command. -v and -q may also
follow the command. See also ffsctl(8).
"""


@test("--help, on stdout, with 0")
def help_on_stdout():
    eq(run("--help"), (0, HELP, ""))
    eq(run("-h"), (0, HELP, ""))


@test("help: that of ffsctl, or of the command")
def help_command():
    eq(run("help"), (0, HELP, ""))
    for command in re.findall(r"^  ([a-z][a-z-]*)  +[a-z]", HELP[HELP.index("commands:"):HELP.index("options:")], re.M):
        eq(run("help", command), run(command, "--help"), command)


@test("each line of each --help fits on a terminal of 80 columns")
def help_fits():
    """The last column stays free."""
    commands = [line.split("\t")[0] for line in run("completion", "--words", "--", "")[1].splitlines()]
    ok(len(commands) >= 20, commands)
    texts = {" ".join(words): run(*words)[1] for words in [("--help",)] + [(command, "--help") for command in commands]}
    texts["ffsctl-worker"] = subprocess.run([os.path.join(BUILD, "ffsctl-worker"), "--help"], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                                            check=False).stdout
    eq([name for name, text in texts.items() if "usage: " not in text], [])
    eq([(name, line) for name, text in texts.items() for line in text.splitlines() if len(line) > 79], [])


@test("--version, version")
def version_on_stdout():
    eq(run("--version"), (0, f"ffsctl {VERSION}\n", ""))
    eq(run("version"), (0, f"ffsctl {VERSION}\n", ""))


@test("README and doc/features.md name this version, NEWS has it or what comes after it on top")
def version_of_documents():
    texts = {name: pathlib.Path(SRC, name).read_text(encoding="utf-8") for name in ("README.md", "doc/features.md", "NEWS")}
    short = VERSION.rsplit(".", 1)[0]
    for name in ("README.md", "doc/features.md"):
        eq(re.search(r"\b[Vv]ersion (\d+\.\d+)\b", texts[name])[1], short, name)
    first, *others = re.findall(r"^## (.+)$", texts["NEWS"], re.M)
    released = others[0] if first == "Unreleased" else first
    ok(re.fullmatch(re.escape(VERSION) + r" - \d{4}-\d\d-\d\d", released), released)


def command_help(command, text):
    for option in ("--help", "-h"):
        eq(run(command, option), (0, text, ""))


for name, expected in {
    "up": "usage: ffsctl up [OPTIONS] GADGET | --all\n"
          "\n"
          "bring a gadget up and leave a supervisor in the background\n"
          "\n"
          "  --name N            name of the gadget, instead of the name in the file\n"
          "  --dry-run           print the plan and change nothing\n"
          "  --json              one JSON document on stdout\n"
          "  --udc NAME          the UDC to bind to\n"
          "  --timeout S         fail if the gadget is not up after S seconds (30)\n"
          "  --no-bind           create everything, but do not bind to a UDC\n"
          "  --hold S            seconds that workers continue after the supervisor died\n"
          "                      (10)\n"
          "  --group GROUP       also allow members of GROUP to control the gadget\n"
          "  --all               all gadget files in the directories with autostart = true\n"
          "  --wait-udc[=S]      wait at most S seconds for a UDC to appear (30)\n"
          "  --wait-host[=S]     wait at most S seconds for a host to configure the gadget\n"
          "                      (30)\n",
    "run": "usage: ffsctl run [OPTIONS] GADGET\n"
           "\n"
           "bring a gadget up and supervise it in the foreground, until SIGTERM\n"
           "\n"
           "  --name N            name of the gadget, instead of the name in the file\n"
           "  --dry-run           print the plan and change nothing\n"
           "  --json              one JSON document on stdout\n"
           "  --udc NAME          the UDC to bind to\n"
           "  --timeout S         fail if the gadget is not up after S seconds (30)\n"
           "  --no-bind           create everything, but do not bind to a UDC\n"
           "  --hold S            seconds that workers continue after the supervisor died\n"
           "                      (10)\n"
           "  --group GROUP       also allow members of GROUP to control the gadget\n"
           "  --notify-fd N       write a newline to file descriptor N when the gadget is\n"
           "                      up\n"
           "  --wait-udc[=S]      wait at most S seconds for a UDC (default: no limit)\n",
    "down": "usage: ffsctl down GADGET... | --all\n"
            "\n"
            "take gadgets down: unbind, stop, unmount, remove\n"
            "\n"
            "  --all               all gadgets of ffsctl\n"
            "  --force             also take down gadgets without a record\n"
            "  --json              one JSON document on stdout\n",
    "reload": "usage: ffsctl reload [OPTIONS] GADGET\n"
              "\n"
              "apply the changes of a gadget file to its gadget\n"
              "\n"
              "  --name N            name of the gadget, if GADGET is the path of a file\n"
              "  --dry-run           print the changes and apply none\n"
              "  --json              one JSON document on stdout\n"
              "  --timeout S         seconds for the reload, and for its undo (30)\n"
              "  --force-eject       eject media that the host has locked, and lose data that\n"
              "                      the host has not written yet\n",
    "restart": "usage: ffsctl restart GADGET [FUNCTION]\n"
               "\n"
               "restart the workers of a gadget or of one function, without a disconnect\n",
    "reexec": "usage: ffsctl reexec GADGET... | --all\n"
              "\n"
              "make supervisors execute this version of ffsctl, without a disconnect\n"
              "\n"
              "  --all               all gadgets of ffsctl\n",
    "bind": "usage: ffsctl bind GADGET [UDC]\n"
            "\n"
            "bind a gadget that is up to a UDC\n"
            "\n"
            "  --udc NAME          the UDC to bind to, same as the argument UDC\n",
    "unbind": "usage: ffsctl unbind GADGET\n"
              "\n"
              "unbind a gadget and leave it up\n",
    "wait": "usage: ffsctl wait GADGET [--for CONDITION] [--timeout S] [--json]\n"
            "\n"
            "wait until a gadget is ready, configured by its host, or disconnected\n"
            "\n"
            "  --for CONDITION     ready, configured or disconnected (ready)\n"
            "  --timeout S         wait at most S seconds, also for a gadget that is not up;\n"
            "                      then exit 75\n"
            "  --json              one JSON document on stdout\n",
    "export": "usage: ffsctl export GADGET [--json]\n"
              "\n"
              "print a gadget file for any gadget in configfs\n"
              "\n"
              "  --json              one JSON document on stdout\n",
    "log": "usage: ffsctl log [-f] [-n LINES] GADGET\n"
           "\n"
           "print the log of a gadget, with the output of its workers\n"
           "\n"
           "  -f                  print new lines, too, until the gadget is down\n"
           "  -n LINES            print only this number of the last lines\n",
    "trace": "usage: ffsctl trace [-w FILE] [--json] [--timeout SECONDS] [GADGET]\n"
             "\n"
             "print what the host asks of a gadget, and what it gets, until Ctrl-C\n"
             "\n"
             "  -w FILE             write the requests to FILE, too, for Wireshark\n"
             "  --json              one JSON document on stdout for each request\n"
             "  --timeout SECONDS   end after this time\n",
    "status": "usage: ffsctl status [GADGET...]\n"
              "\n"
              "print the status of all gadgets in configfs\n"
              "\n"
              "  --json              one JSON document on stdout\n"
              "  --watch             print the status again at each change, until Ctrl-C\n"
              "                      terminal: the current status, with data rates\n"
              "                      otherwise: a line, or with --json a document, per change\n"
              "  -o FIELD[,FIELD...] print these fields, separated by tabs, a line per gadget\n"
              "                      ('-': the field has no value)\n"
              "\n"
              "fields: name file state udc udc_state speed configured_by since supervisor\n"
              "after a function's label and a dot:\n"
              "  label type instance mount device ifname left_out keeper\n"
              "after a function's label and '.worker.':\n"
              "  state pid engine restarts last_exit ready_since stats\n"
              "'*' in place of the label prints a line for each function, as in '*.device'\n"
              "\n"
              "exit status for one gadget: 0 up and ready, 1 degraded, 3 not up, 4 unknown;\n"
              "without an argument: 0 unless a gadget of ffsctl is degraded\n",
    "check": "usage: ffsctl check FILE... | --all [--here] [--json | --format=gcc]\n"
             "\n"
             "print all errors and warnings of a gadget file\n"
             "\n"
             "  --all               all gadget files in the directories of gadget files\n"
             "  --here              fail if this system lacks a user, program, plugin, file,\n"
             "                      UDC or kernel feature\n"
             "  --json              one JSON document on stdout\n"
             "  --format=gcc        one line per message, as compilers print them\n"
             "\n"
             "FILE is a name, a path, a directory with gadget files, or '-' for stdin.\n",
    "features": "usage: ffsctl features [--json]\n"
                "\n"
                "list the features of this kernel's FunctionFS, and how to get the others\n"
                "\n"
                "  --json              one JSON document on stdout\n"
                "\n"
                "Probes the features with a temporary gadget; needs root.\n",
    "doctor": "usage: ffsctl doctor [--root DIR] [--json]\n"
              "\n"
              "print what keeps this system from being a gadget, and how to mend it\n"
              "\n"
              "  --root DIR          check the files of a system below DIR: /sys, /proc, /etc,\n"
              "                      /lib\n"
              "  --json              one JSON document on stdout\n"
              "\n"
              "Changes nothing, and needs root only for the features of FunctionFS. The\n"
              "commands that it prints are for root. The exit status is 69 if there is a\n"
              "problem.\n",
    "selftest": "usage: ffsctl selftest [OPTIONS]\n"
                "\n"
                "test a UDC with its driver, step by step, and write a report\n"
                "\n"
                "  --udc NAME          the UDC to test\n"
                "  --unbind            unbind the gadget that is bound to it, for the test only\n"
                "  --ask               ask to unplug the cable, and to plug it in again\n"
                "  --only ROUND        only basics, an engine or a type of function; repeatable\n"
                "  --output FILE       the file of the report (ffsctl-selftest-DRIVER-DATE.txt)\n"
                "  --wait-host S       seconds until a host must configure a gadget (10)\n"
                "  --wait-ffsbench S   seconds until 'ffsbench selftest' on the host must begin\n"
                "                      (10)\n"
                "  --restore           only put right what a killed selftest has left\n"
                "\n"
                "Needs root, and changes nothing for good. The report has no serial numbers, MAC\n"
                "addresses or host names.\n",
    "list": "usage: ffsctl list [--json]\n"
            "\n"
            "list the gadget files in the directories, and the states of their gadgets\n"
            "\n"
            "  --json              one JSON document on stdout\n"
            "\n"
            "Prints name, state, path and the paths of drop-ins. The description below them\n"
            "is the first sentence of the file's comment, or the product string. The state\n"
            "is one that 'ffsctl status' prints, or 'errors' (see 'ffsctl check'), or\n"
            "'unread' (the file cannot be opened).\n",
    "plugins": "usage: ffsctl plugins [PLUGIN] [--json]\n"
               "\n"
               "list the installed plugins, or print the declaration of one\n"
               "\n"
               "  --json              one JSON document on stdout\n"
               "\n"
               "PLUGIN is a name, as in the key worker.plugin, or a path. An unprivileged\n"
               "process loads the plugin and reads its declaration.\n",
    "udc": "usage: ffsctl udc [--json]\n"
           "\n"
           "list the USB device controllers, and the gadgets bound to them\n"
           "\n"
           "  --json              one JSON document on stdout\n",
    "completion": "usage: ffsctl completion bash|fish|zsh\n"
                  "\n"
                  "print the completion script for a shell\n"
                  "\n"
                  "for the current shell: source <(ffsctl completion bash)\n"
                  "'make install' installs the scripts for all shells\n",
    "help": "usage: ffsctl help [COMMAND]\n"
            "\n"
            "print the help of ffsctl, or of a command\n",
    "version": "usage: ffsctl version\n"
               "\n"
               "print the version of ffsctl\n",
    "schema": "usage: ffsctl schema [NAME]\n"
              "\n"
              "print the JSON Schema of gadget files, or of --json output\n"
              "\n"
              "names: gadget (the default: a gadget file as a JSON document); check,\n"
              "descriptors, doctor, export, features, list, output, plugins and udc (output of\n"
              "--json); ffsbench, plugin, worker-config\n",
}.items():
    test(f"{name} --help", name, expected)(command_help)


@test("no command: where help is, 64")
def no_command():
    eq(run(), (64, "", "ffsctl: no command given\nhint: see 'ffsctl --help'\n"))


@test("an unknown command, with the one that is probably meant")
def unknown_command():
    eq(run("frobnicate"), (64, "", "ffsctl: unknown command 'frobnicate'\nhint: see 'ffsctl --help'\n"))
    eq(run("stauts"), (64, "", "ffsctl: unknown command 'stauts'\nhint: did you mean 'status'?\n"))


def misused(args, text):
    eq(run(*args), (64, "", text))


UNKNOWN_OPTION = "ffsctl: {0}: unknown option '{1}'\nhint: see 'ffsctl {0} --help'\n"
NEEDS_VALUE = "ffsctl: {0}: option '{1}' needs a value\nhint: see 'ffsctl {0} --help'\n"
TAKES_NO_VALUE = "ffsctl: {0}: option '{1}' takes no value\nhint: see 'ffsctl {0} --help'\n"
UNKNOWN_GLOBAL = "ffsctl: unknown option '{}'\nhint: see 'ffsctl --help'\n"
for words, text in (
    (("up",), "ffsctl: up: expected one gadget file or name\nhint: see 'ffsctl up --help'\n"),
    (("up", "a", "b"), "ffsctl: up: expected one gadget file or name\nhint: see 'ffsctl up --help'\n"),
    (("run",), "ffsctl: run: expected one gadget file or name\nhint: see 'ffsctl run --help'\n"),
    (("descriptors",), "ffsctl: descriptors: expected one gadget file\nhint: see 'ffsctl descriptors --help'\n"),
    (("descriptors", "--speed", "low", "x"),
     "ffsctl: descriptors: --speed must be full, high or super\nhint: see 'ffsctl descriptors --help'\n"),
    (("descriptors", "--kernel", "new", "x"),
     "ffsctl: descriptors: --kernel must be a release like 6.12, not 'new'\nhint: see 'ffsctl descriptors --help'\n"),
    (("export",), "ffsctl: export: expected one gadget\nhint: see 'ffsctl export --help'\n"),
    (("export", "a", "b"), "ffsctl: export: expected one gadget\nhint: see 'ffsctl export --help'\n"),
    (("down",), "ffsctl: down: expected gadgets or --all\nhint: see 'ffsctl down --help'\n"),
    (("down", "--all", "x"), "ffsctl: down: expected gadgets or --all\nhint: see 'ffsctl down --help'\n"),
    (("reload",), "ffsctl: reload: expected one gadget\nhint: see 'ffsctl reload --help'\n"),
    (("reload", "x", "--name", "y"), "ffsctl: reload: --name needs the path of a file\nhint: see 'ffsctl reload --help'\n"),
    (("reload", "x", "--timeout", "soon"),
     "ffsctl: reload: --timeout takes a number of seconds, not 'soon'\nhint: see 'ffsctl reload --help'\n"),
    (("restart",), "ffsctl: restart: expected a gadget and optionally one of its functions\nhint: see 'ffsctl restart --help'\n"),
    (("check", "--all", "x"), "ffsctl: check: expected gadget files or --all\nhint: see 'ffsctl check --help'\n"),
    (("check", "--json", "--format=gcc", "examples/loopback.conf"),
     "ffsctl: check: --json and --format exclude each other\nhint: see 'ffsctl check --help'\n"),
    (("check",), "ffsctl: check: expected a gadget file\nhint: see 'ffsctl check --help'\n"),
    (("up", "x", "--timeout", "soon"),
     "ffsctl: up: --timeout takes a number of seconds, not 'soon'\nhint: see 'ffsctl up --help'\n"),
    (("up", "x", "--timeout=-1"), "ffsctl: up: --timeout takes a number of seconds, not '-1'\nhint: see 'ffsctl up --help'\n"),
    (("up", "x", "--timeout=nan"),
     "ffsctl: up: --timeout takes a number of seconds, not 'nan'\nhint: see 'ffsctl up --help'\n"),
    (("up", "x", "--no-bind", "--wait-host"),
     "ffsctl: up: --no-bind and --wait-host exclude each other\nhint: see 'ffsctl up --help'\n"),
    (("run", "x", "--wait-host"),
     "ffsctl: run: unknown option '--wait-host'\nhint: see 'ffsctl run --help'\n"),
    (("up", "x", "--wait-host", "5"),
     "ffsctl: up: the value of '--wait-host' must follow '='\nhint: write '--wait-host=5'\n"),
    (("up", "--wait-udc", "2.5", "x"),
     "ffsctl: up: the value of '--wait-udc' must follow '='\nhint: write '--wait-udc=2.5'\n"),
    (("up", "x", "--wait-h", "5"),
     "ffsctl: up: the value of '--wait-host' must follow '='\nhint: write '--wait-host=5'\n"),
    (("up", "--all", "--wait-udc", "5"),
     "ffsctl: up: the value of '--wait-udc' must follow '='\nhint: write '--wait-udc=5'\n"),
    (("run", "x", "--wait-udc", "5"),
     "ffsctl: run: the value of '--wait-udc' must follow '='\nhint: write '--wait-udc=5'\n"),
    (("up", "x", "--dryrun"), "ffsctl: up: unknown option '--dryrun'\nhint: did you mean '--dry-run'?\n"),
    (("check", "-json", "x"), "ffsctl: check: unknown option '-json'\nhint: did you mean '--json'?\n"),
    (("check", "--here", "-json", "x"), "ffsctl: check: unknown option '-json'\nhint: did you mean '--json'?\n"),
    (("down", "--hlep"), "ffsctl: down: unknown option '--hlep'\nhint: did you mean '--help'?\n"),
    (("status", "-xh"), UNKNOWN_OPTION.format("status", "-xh")),
    (("status", "-ox", "-y"), "ffsctl: status: unknown field 'x'\nhint: see 'ffsctl status --help'\n"),
    (("check", "x", "--dir", "y"), "ffsctl: check: option '--dir' must precede the command\nhint: write it before 'check'\n"),
    (("list", "--color=never"), "ffsctl: list: option '--color' must precede the command\nhint: write it before 'list'\n"),
    (("--json", "status"), "ffsctl: option '--json' must follow the command\nhint: write it after 'status'\n"),
    (("--udc", "x", "up", "y"), "ffsctl: option '--udc' must follow the command\nhint: write it after 'up'\n"),
    (("-o", "udc", "status"), "ffsctl: option '-o' must follow the command\nhint: write it after 'status'\n"),
    (("--json",), "ffsctl: option '--json' must follow the command\nhint: see 'ffsctl --help'\n"),
    (("--json", "restart"), "ffsctl: option '--json' must follow the command\nhint: see 'ffsctl --help'\n"),
    (("--verbose=1", "up"), "ffsctl: option '--verbose' takes no value\nhint: see 'ffsctl --help'\n"),
    (("--colour=never", "up"), "ffsctl: unknown option '--colour'\nhint: did you mean '--color'?\n"),
    (("help", "up", "down"), "ffsctl: help: expected at most one command\nhint: see 'ffsctl help --help'\n"),
    (("help", "dwon"), "ffsctl: unknown command 'dwon'\nhint: did you mean 'down'?\n"),
    (("version", "up"), "ffsctl: version: expected no arguments\nhint: see 'ffsctl version --help'\n"),
    *((("run", "x", "--notify-fd", fd),
       f"ffsctl: run: --notify-fd takes an open file descriptor above 2, not '{fd}'\nhint: see 'ffsctl run --help'\n")
      for fd in ("", "one", "1", "-1", "77", "4294967299")),
    (("up", "x", "--notify-fd=3"), UNKNOWN_OPTION.format("up", "--notify-fd")),
    (("up", "x", "--notify-fd", "3"), UNKNOWN_OPTION.format("up", "--notify-fd")),
    (("up", "x", "--json=yes"), TAKES_NO_VALUE.format("up", "--json")),
    (("up", "--nonsense", "x"), UNKNOWN_OPTION.format("up", "--nonsense")),
    (("up", "--all", "x"), "ffsctl: up: expected one gadget or --all\nhint: see 'ffsctl up --help'\n"),
    (("up", "--all", "--name", "x"), "ffsctl: up: --name and --all exclude each other\nhint: see 'ffsctl up --help'\n"),
    (("up", "--all", "--udc", "x"),
     "ffsctl: up: --udc and --all exclude each other\nhint: see 'ffsctl up --help'\n"),
    (("run", "--all"), UNKNOWN_OPTION.format("run", "--all")),
    (("up", "x", "--group"), NEEDS_VALUE.format("up", "--group")),
    (("up", "x", "--group", "no such"), "ffsctl: up: unknown group 'no such'\nhint: see 'ffsctl up --help'\n"),
    (("up", "x", "--udc"), NEEDS_VALUE.format("up", "--udc")),
    (("down", "--all", "--force"),
     "ffsctl: down: --force and --all exclude each other\nhint: see 'ffsctl down --help'\n"),
    (("status", "-o", "udc", "--watch"),
     "ffsctl: status: -o and --watch exclude each other\nhint: see 'ffsctl status --help'\n"),
    (("restart", "x", "--json"), UNKNOWN_OPTION.format("restart", "--json")),
    (("check", "x", "--hex"), UNKNOWN_OPTION.format("check", "--hex")),
    (("bind",), "ffsctl: bind: expected a gadget and optionally a UDC\nhint: see 'ffsctl bind --help'\n"),
    (("bind", "x", "y", "z"), "ffsctl: bind: expected a gadget and optionally a UDC\nhint: see 'ffsctl bind --help'\n"),
    (("bind", "x", "y", "--udc", "z"), "ffsctl: bind: expected a gadget and optionally a UDC\nhint: see 'ffsctl bind --help'\n"),
    (("unbind",), "ffsctl: unbind: expected one gadget\nhint: see 'ffsctl unbind --help'\n"),
    (("unbind", "x", "y"), "ffsctl: unbind: expected one gadget\nhint: see 'ffsctl unbind --help'\n"),
    (("wait",), "ffsctl: wait: expected one gadget\nhint: see 'ffsctl wait --help'\n"),
    (("wait", "x", "--for", "godot"),
     "ffsctl: wait: --for takes ready, configured or disconnected, not 'godot'\nhint: see 'ffsctl wait --help'\n"),
    (("wait", "x", "--timeout", "soon"),
     "ffsctl: wait: --timeout takes a number of seconds, not 'soon'\nhint: see 'ffsctl wait --help'\n"),
    (("log",), "ffsctl: log: expected one gadget\nhint: see 'ffsctl log --help'\n"),
    (("log", "x", "y"), "ffsctl: log: expected one gadget\nhint: see 'ffsctl log --help'\n"),
    (("log", "-xf", "x"), UNKNOWN_OPTION.format("log", "-xf")),
    (("log", "-fx", "x"), UNKNOWN_OPTION.format("log", "-x")),
    (("log", "-n"), NEEDS_VALUE.format("log", "-n")),
    (("log", "x", "-n", "-1"), "ffsctl: log: -n takes a number of lines, not '-1'\nhint: see 'ffsctl log --help'\n"),
    (("log", "x", "-n", ""), "ffsctl: log: -n takes a number of lines, not ''\nhint: see 'ffsctl log --help'\n"),
    (("trace", "x", "y"), "ffsctl: trace: expected at most one gadget\nhint: see 'ffsctl trace --help'\n"),
    (("trace", "--timeout", "soon"),
     "ffsctl: trace: --timeout takes a number of seconds, not 'soon'\nhint: see 'ffsctl trace --help'\n"),
    (("trace", "-w"), NEEDS_VALUE.format("trace", "-w")),
    (("status", "-o"), NEEDS_VALUE.format("status", "-o")),
    (("status", "-o", "udc", "--json"),
     "ffsctl: status: -o and --json exclude each other\nhint: see 'ffsctl status --help'\n"),
    *((("status", "-o", f"udc,{field}", "x"),
       f"ffsctl: status: unknown field '{field}'\nhint: see 'ffsctl status --help'\n")
      for field in ("colour", "", ".device", "echo.", "echo.colour", "echo.worker.colour", ".worker.pid", "worker.pid.x",
                    "echo.worker")),
    (("list", "x"), "ffsctl: list: expected no arguments\nhint: see 'ffsctl list --help'\n"),
    (("udc", "x"), "ffsctl: udc: expected no arguments\nhint: see 'ffsctl udc --help'\n"),
    (("completion",), "ffsctl: completion: expected one shell: bash, fish or zsh\nhint: see 'ffsctl completion --help'\n"),
    (("completion", "csh"), "ffsctl: completion: unknown shell 'csh': it must be bash, fish or zsh\n"
                            "hint: see 'ffsctl completion --help'\n"),
    (("schema", "a", "b"), "ffsctl: schema: expected at most one name\nhint: see 'ffsctl schema --help'\n"),
    (("schema", "x"), "ffsctl: schema: unknown schema 'x': it must be one of check, descriptors, doctor, export, features, ffsbench, gadget, list, output, "
                      "plugin, plugins, trace, udc, worker-config\nhint: see 'ffsctl schema --help'\n"),
    (("--nonsense", "up", "x"), UNKNOWN_GLOBAL.format("--nonsense")),
    (("-x", "up"), UNKNOWN_GLOBAL.format("-x")),
    (("--dir",), "ffsctl: option '--dir' needs a value\nhint: see 'ffsctl --help'\n"),
    (("--run-dir", "run", "status"), "ffsctl: --run-dir takes an absolute path, not 'run'\nhint: see 'ffsctl --help'\n"),
    (("--configfs", "", "status"), "ffsctl: --configfs takes an absolute path, not ''\nhint: see 'ffsctl --help'\n"),
    (("--color=pink", "check", "x"), "ffsctl: --color takes auto, always or never, not 'pink'\nhint: see 'ffsctl --help'\n"),
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
    ok(err.startswith("ffsctl: cannot find gadget file 'nonexistent' in examples, "), err)


@test("a path that is no gadget's: 66 if there is no file, 65 if it is no gadget file, for every command")
def path_of_no_gadget():
    for command in ("down", "reload", "restart", "reexec", "bind", "unbind", "wait", "log", "export"):
        code, out, err = run(*WORLD, command, "./nosuch.conf")
        eq((code, out, "cannot open ./nosuch.conf: No such file or directory" in err), (66, "", True), f"{command}: {err}")
        code, out, err = run(*WORLD, command, "/etc/passwd")
        eq((code, out, "/etc/passwd" in err), (65, "", True), f"{command}: {err}")
    eq(run(*WORLD, "down", "./nosuch.conf")[2], "ffsctl: cannot open ./nosuch.conf: No such file or directory\nhint: "
       "'ffsctl status' lists the gadgets that are up\n")
    eq(run(*WORLD, "down", BAD)[2], f"ffsctl: cannot read the gadget's name in {BAD}: the file has errors\nhint: "
       f"'ffsctl check {BAD}' prints them\n")
    for path in ("./nosuch.conf", "/etc/passwd"):
        code, out, err = run(*WORLD, "status", path)
        eq((code, out, path in err), (4, "", True), err)


@test("what is not up is no error of down, and told by 3 of status")
def down_and_status_of_nothing():
    eq(run(*WORLD, "down", "x"), (0, "", "ffsctl: x: is not up\n"))
    eq(run(*WORLD, "down", "x", "y"), (0, "", "ffsctl: x: is not up\nffsctl: y: is not up\n"))
    eq(run(*WORLD, "down", "--all"), (0, "", "ffsctl: no gadget of ffsctl is up\n"))
    eq(run(*WORLD, "status", "x"), (3, "x: down\n", ""))
    eq(run(*WORLD, "status", "x", "y", "-o", "name,state,udc,echo.device"), (3, "x\tdown\t-\t-\ny\tdown\t-\t-\n", ""))
    eq(run(*WORLD, "status", "x", "-o", "*.device"), (3, "", ""))
    eq(run(*WORLD, "status"), (0, "", "ffsctl: no gadget is up\n"))


@test("-q says nothing but errors, wherever it is asked for among the global options")
def quiet_says_errors_only():
    eq(run("-q", *WORLD, "down", "x"), (0, "", ""))
    eq(run(*WORLD, "--quiet", "down", "--all"), (0, "", ""))
    eq(run("-q", *WORLD, "status"), (0, "", ""))
    eq(run("-q", *WORLD, "up", "--dry-run", "--no-bind", "examples/loopback.conf")[::2], (0, ""))
    code, _, err = run("-q", *WORLD, "up", "tests/bad/unknown-key.conf")
    eq(code, 65)
    contains(err, "error: unknown key")
    eq(run(*WORLD, "down", "-q", "x"), (0, "", ""))
    eq(run(*WORLD, "down", "x", "--quiet"), (0, "", ""))
    eq(run("-q", *WORLD, "down", "x", "-v"), (0, "", "ffsctl: x: is not up\n"), "the last one")
    eq(run(*WORLD, "down", "--", "x", "-q")[0], 64, "behind --, it is the name of a gadget")
    eq(run(*WORLD, "status", "-o", "-q")[2], "ffsctl: status: unknown field '-q'\nhint: see 'ffsctl status --help'\n",
       "the value of an option")
    eq(run("-q", "check", "nonexistent/x.conf")[2],
       "ffsctl: cannot open nonexistent/x.conf: No such file or directory\n")


@test("reload, restart, reexec, bind, unbind and wait of what is not up: 69")
def commands_need_a_gadget():
    for command in ("reload", "restart", "bind", "unbind", "wait"):
        eq(run(*WORLD, command, "x"), (69, "", "ffsctl: 'x' is not up\nhint: see 'ffsctl status'\n"))


@test("wait --timeout of what does not come up in that time: 75")
def wait_times_out():
    for seconds in ("0", "0.05"):
        eq(run(*WORLD, "wait", "x", "--timeout", seconds),
           (75, "", "ffsctl: 'x' is not up\nhint: see 'ffsctl status'\n"))


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


@test("descriptors: the standards do not refuse what only the chosen kernel refuses")
def standards_are_not_a_kernel():
    code, out, _ = run("descriptors", "--kernel", "6.1", "tests/good/firmware-update.conf")
    eq(code, 0)
    findings = [line.strip() for line in out.split("what is written to FunctionFS for 'dfu'\n")[1].splitlines()]
    eq([line.split()[0] for line in findings], ["6.1-stock", "6.1-patched", "the"])
    for line in findings[:2]:
        contains(line, "a descriptor of type 0x21 in an interface of another class")
    eq(findings[2].split(": ")[0], "the standards    both")


@test("a closed stdout is an error of the commands that print something")
def closed_stdout():
    for args, code in ((("version",), 74), (("schema",), 74), (("status", "x", "--json"), 74), (("down", "x"), 0)):
        got = subprocess.run(["sh", "-c", '"$@" >&-', "sh", FFSCTL, "-q", *WORLD, *args], stderr=subprocess.PIPE, cwd=SRC,
                             encoding="utf-8", check=False)
        eq((got.returncode, got.stderr), (code, "ffsctl: cannot write all output to stdout\n" if code else ""), args)


@test("up --dry-run without a UDC: the plan, and why up would fail")
def dry_run_without_udc():
    bind = ("up", "--dry-run", "examples/loopback.conf", "--udc", "none.0")
    code, out, err = run(*WORLD, *bind)
    eq((code, err), (0, "ffsctl: loopback: 'up' would fail now: no UDC 'none.0'\n"))
    ok(re.search(r"^ *\d+ bind  .*/UDC = none\.0  \[undo: unbind\]$", out, re.M), out)
    code, out, err = run("-q", *WORLD, *bind, "--json")
    eq((code, err, json.loads(out)["gadgets"][0]["plan"][-1]["value"]), (0, "", "none.0"))
    if not os.path.isdir("/sys/class/udc") or not os.listdir("/sys/class/udc"):
        contains(run(*WORLD, *bind[:3])[1], "/UDC = any  ")


@test("up --dry-run makes a plan of every good file")
def dry_run_of_good_files():
    for path in sorted(glob.glob(os.path.join(SRC, "tests/good/*.conf"))):
        code, out, err = run(*WORLD, "up", "--dry-run", "--no-bind", path)
        # What this machine lacks (programs, users, files) is no error of the file
        eq((code in (0, 66, 67, 69), bool(out)), (True, code == 0), f"{path}: {code}: {err}")


@test("a language without text is a directory, and nothing is written to it")
def dry_run_of_languages_without_text():
    _, out, _ = run(*WORLD, "up", "--dry-run", "--no-bind", "tests/good/languages-without-text.conf")
    eq(re.findall(r"(\w+) +/\S+?((?:/configs/c\.1)?/strings/\S+)", out),
       [("mkdir", "/strings/0x409"), ("mkdir", "/strings/0x407"), ("mkdir", "/configs/c.1/strings/0x409"),
        ("mkdir", "/configs/c.1/strings/0x407")])


@test("descriptors --kernel of a release that is not known says so")
def descriptors_of_unknown_kernel():
    for release, kernel in (("5.10", "6.1"), ("6.1", None), ("6.1.90-x", None), ("6.10", "6.1"), ("6.12.48", None), ("6.17", "6.12"),
                            ("6.18.26", None), ("7.0", "6.18")):
        code, out, err = run("descriptors", "--kernel", release, "gadget.d/loopback.conf")
        eq((code, err), (0, f"ffsctl: Linux {release} is unknown: these are the descriptors of Linux {kernel}\n" if kernel else ""))
        contains(out, f"as Linux {kernel or release[:4].rstrip('.')} makes it")


@test("descriptors decodes a report descriptor: a built-in one, bytes, and a file")
def descriptors_of_reports():
    def decoded(report_desc, files=()):
        with tempfile.TemporaryDirectory() as directory:
            for name, data in files:
                with open(os.path.join(directory, name), "wb") as file:
                    file.write(data)
            path = os.path.join(directory, "hid.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write('attrs : { idVendor = 0x1209; idProduct = 1; };\n'
                           'functions : { h : { type = "hid"; attrs : { report_length = 8; report_desc = %s; }; }; };\n'
                           % report_desc)
            code, out, err = run("descriptors", "--speed", "high", path)
            eq(code, 0)
            _, _, text = out.partition("\nreport descriptor of 'h', ")
            lines = [re.sub(" +", " ", line).strip() for line in text.strip().splitlines()]
            return lines, err.replace(directory, "DIR")

    mouse, _ = decoded('"mouse"')
    eq(mouse[0], "52 bytes")
    for line in ("09 02 Usage (Mouse)", "a1 00 Collection (Physical)", "15 81 Logical Minimum (-127)",
                 "25 7f Logical Maximum (127)", "81 06 Input (Data, Variable, Relative)",
                 "longest input report: 4 bytes"):
        ok(line in mouse, f"{line} in {mouse}")
    keyboard, _ = decoded('"keyboard"')
    eq((keyboard[0], keyboard[-2:]), ("61 bytes", ["longest input report: 8 bytes", "longest output report: 1 byte"]))
    eq(decoded('"gamepad"')[0][-1], "longest input report: 7 bytes")
    data = bytes.fromhex("05 0c 0b 39000100 09 e9 a1 01 16 00ff 26 ff00 a4 35 ff 05 09 46 ff00 b4 45 ff 0901 8502"
                         "fe 01 00 aa 7501 9508 b2 4201 0c c0")
    lines = """05 0c Usage Page (Consumer)|0b 39 00 01 00 Usage (Hat Switch)|09 e9 Usage (0xe9)
        a1 01 Collection (Application)|16 00 ff Logical Minimum (-256)|26 ff 00 Logical Maximum (255)|a4 Push
        35 ff Physical Minimum (-1)|05 09 Usage Page (Button)|46 ff 00 Physical Maximum (255)|b4 Pop
        45 ff Physical Maximum (255)|09 01 Usage (Consumer Control)
        85 02 Report ID (2)|fe 01 00 aa long item of 4 bytes|75 01 Report Size (1)|95 08 Report Count (8)
        b2 42 01 Feature (Data, Variable, Absolute, Null State, Buffered Bytes)|0c unknown item|c0 End Collection
        byte 32: this is a long item, and Linux refuses descriptors with long items (hid_open_report in hid-core.c)
        longest feature report: 2 bytes"""
    expected = [line.strip() for line in lines.replace("|", "\n").splitlines()]
    eq(decoded('"./report"', [("report", data)])[0], [f"{len(data)} bytes", *expected])
    eq(decoded('"./report"', [("report", b"\x75\x08\xc0\x05\x01\x26\xff")])[0],
       ["7 bytes", "75 08 Report Size (8)", "c0 End Collection", "05 01 Usage Page (Generic Desktop)",
        "byte 2: this End Collection ends no Collection (HID 1.11, 6.2.2.6)",
        "byte 5: this item ends 1 byte beyond the end of the report descriptor (HID 1.11, 6.2.2.2)"])
    eq(decoded('"05 01 09 06 a1 01 09 01 15 00 25 01 75 01 95 07 81 02 c0"')[0][-3:],
       ["c0 End Collection",
        "byte 16: this is the last field of a report of 7 bits: Windows refuses reports that do not fill bytes "
        "(HID 1.11, 8.4; HIDP_GETCOLDESC_BYTE_ALLIGN)",
        "longest input report: 1 byte"])
    eq(decoded('"./missing"'),
       ([], "ffsctl: cannot read the report descriptor of 'h' from DIR/./missing: No such file or directory\n"))


@test("descriptors: an address that this system makes from a file, or the reason why it cannot")
def descriptors_of_address():
    with tempfile.TemporaryDirectory() as directory:
        path, source = os.path.join(directory, "net.conf"), os.path.join(directory, "id")
        with open(path, "w", encoding="utf-8") as file:
            file.write('attrs : { idVendor = 0x1209; idProduct = 1; };\n'
                       'functions : { f : { type = "ecm"; attrs : { host_addr : { from = "file:id"; }; }; }; };\n')
        with open(source, "w", encoding="utf-8") as file:
            file.write("A-17\n")
        address = identity.address("net", "ecm.f", "host_addr", b"A-17").replace(":", "").upper()
        contains(run("descriptors", path)[1], f'"{address}" (from {source} of this machine)')
        os.unlink(source)
        code, out, err = run("descriptors", path)
        eq((code, err), (0, f"ffsctl: cannot read the source of 'host_addr' from {source}: No such file or directory\n"))
        contains(out, f"(from {source}, not readable here)")


@test("what cannot be written to stdout is told by 74")
def stdout_cannot_be_written():
    for args in (("check", "--json", "examples/loopback.conf"), ("status", "x"), ("status", "x", "--json"),
                 ("down", "x", "--json"), ("--help",), ("--version",), ("up", "--help"),
                 ("up", "--dry-run", "--no-bind", "examples/loopback.conf"), ("schema",), ("udc", "--json"),
                 ("--dir", "examples", "list"),
                 ("up", "--dry-run", "--no-bind", "--json", "examples/loopback.conf")):
        with open("/dev/full", "w") as full:
            code, _, err = run("-q", *WORLD, *args, stdout=full)
        eq((code, err), (74, "ffsctl: cannot write all output to stdout\n"), " ".join(args))
    with open("/dev/full", "w") as full:
        eq(run("check", "--json", BAD, stdout=full)[0], 65, "what was there before stays")


tap.main()
