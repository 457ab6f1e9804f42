#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""The manual pages: mdoc without a complaint, each installed, and ffsctl(8) as ffsctl is."""

import glob
import json
import os
import re
import subprocess

from paths import BUILD, SRC
import tap

FFSCTL = os.path.join(BUILD, "ffsctl")
PAGES = sorted(glob.glob(os.path.join(SRC, "man", "*.[1-8]")))
# Of pages that are looked for where they are not installed
ELSEWHERE = re.compile(r"referenced manual not found|outdated mandoc\.db")


def stdout(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout


def lint(page):
    got = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    tap.eq([line for line in got.stdout.splitlines() if not ELSEWHERE.search(line)], [])


for path in PAGES:
    tap.test("%s has no mistake" % os.path.basename(path), path)(lint)


@tap.test("every page is installed, once")
def every_page_is_installed():
    listed = []
    for makefile in glob.glob(os.path.join(SRC, "**", "*.mk"), recursive=True) + [os.path.join(SRC, "Makefile.am")]:
        with open(makefile, encoding="utf-8") as f:
            for line in f.read().replace("\\\n", " ").splitlines():
                if line.startswith("dist_man_MANS"):
                    listed += re.findall(r"man/\S+\.[1-8]", line)
    tap.eq(sorted(listed), [os.path.relpath(p, SRC) for p in PAGES])


def source(path, begin, end):
    with open(os.path.join(SRC, path), encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"/\*.*?\*/", "", text[text.index(begin):], flags=re.S)
    return text[text.index("= {"):text.index(end)]


def drawn(heading, page="ffsctl-worker.7"):
    """A table of a manual page: {(row, column): word}."""
    with open(os.path.join(SRC, "man", page), encoding="utf-8") as f:
        lines = f.read().split(heading)[1].split(".Bd -literal\n")[1].split("\n.Ed")[0].splitlines()
    return {(row.split()[0], column): word for row in lines[1:] for column, word in zip(lines[0].split(), row.split()[1:])}


@tap.test("the fields of status -o are those of the schema, and ffsctl(8) lists them")
def fields_of_status():
    with open(os.path.join(SRC, "schemas/output.schema.json"), encoding="utf-8") as f:
        of = {name: set(part["properties"]) for name, part in json.load(f)["$defs"].items() if "properties" in part}
    offered = [line.split("\t")[0] for line in stdout(FFSCTL, "completion", "--words", "--", "status", "-o", "").splitlines()]
    tap.eq({word for word in offered if "." not in word}, of["gadget"] - {"functions", "problems", "plan", "rebind"})
    tap.eq({word[2:] for word in offered if word.count(".") == 1}, of["function"] - {"endpoints", "worker"})
    tap.eq({word[9:] for word in offered if word.count(".") == 2}, of["worker"])
    with open(os.path.join(SRC, "man/ffsctl.8"), encoding="utf-8") as f:
        listed = re.findall(r"[\w.]+", f.read().split("\n.It Cm status ")[1].split("\n.It Cm ")[0])
    tap.eq([word for word in offered if word.removeprefix("*.") not in listed], [])


@tap.test("ffsctl-worker(7) draws the table by which a worker lives")
def worker_table_is_drawn():
    events = dict(zip("START READY DIED EXIT TIMER STOP RESTART APPEARED REMOVED".split(),
                      "start ready die end time stop restart there gone".split()))
    acts = {(state, event)
            for state, row in re.findall(r"\[WORKER_(\w+)\] = \{(.*?)\n\t\}", source("src/function/worker.c", "static const action actions[", "\n};"), re.S)
            for event in re.findall(r"\[WORKER_EV_(\w+)\]", row)}
    wanted = {(state.lower(), events[event]): to.lower() if (state, event) in acts else "-"
              for state, row in re.findall(r"\[WORKER_(\w+)\] = \{(.*?)\}", source("tests/unit/function/test_worker.c", "leads_to[WORKER_STATE_COUNT]", "\n};"), re.S)
              for event, to in zip(events, re.findall(r"WORKER_(\w+)", row))}
    tap.eq(len(wanted), 81)
    tap.eq(drawn(".Ss The life of a worker"), wanted)


@tap.test("and the one of a function's link")
def link_table_is_drawn():
    rows = re.findall(r'\{ "(\w+)",\s+FFSCTL_EVENT_\w+,\s+\{ (.*?)\s*\} \}', source("src/functionfs/link_state.c", "} rows[]", "\n};"))
    wanted = {(state, event): to.split(",")[n].strip().lower()
              for event, to in rows for n, state in enumerate(("unbound", "bound", "enabled", "suspended"))}
    tap.eq(len(wanted), 24)
    tap.eq(drawn("If events are not read in time, the kernel keeps only the newest."), wanted)


def enumerators(path, name, prefix):
    with open(os.path.join(SRC, path), encoding="utf-8") as f:
        body = re.search(r"enum %s \{(.*?)\};" % name, re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S), re.S)[1]
    return [word for word in re.findall(r"\b%s([A-Z0-9_]+)" % prefix, body) if not word.endswith("COUNT")]


@tap.test("ffsctl(8) the one of the bus")
def bus_table_is_drawn():
    # What is too long for a column
    words = {"UNBOUND_EXTERNALLY": "unbound", "UDC_REMOVED": "no-udc", "REBIND_DUE": "rebind"}
    columns = {"EP0_CLOSED": "closed", "UDC_REMOVED": "removed", "REBIND_FAILED": "refused"}
    states = enumerators("src/supervisor/binding.h", "binding_state", "BINDING_")
    events = enumerators("src/supervisor/binding.h", "binding_event", "BINDING_EV_")
    acts = {(state, event): to
            for state, row in re.findall(r"\[BINDING_(\w+)\] = \{(.*?)\n\t\}", source("src/supervisor/binding_states.c", "} cells[", "\n};"), re.S)
            for event, to in re.findall(r"\[BINDING_EV_(\w+)\] = \{ \w+, BINDING_(\w+) \}", row)}
    tap.eq((len(states), len(events)), (6, 9))
    wanted = {(words.get(state, state.lower()), columns.get(event, event.lower())):
              words.get(acts[state, event], acts[state, event].lower()) if (state, event) in acts else "-"
              for state in states for event in events}
    tap.eq(drawn(".Ss The states of the bus", "ffsctl.8"), wanted)


@tap.test("ffsctl(8) the one of the gadget")
def gadget_table_is_drawn():
    with open(os.path.join(SRC, "man", "ffsctl.8"), encoding="utf-8") as f:
        rows = f.read().split(".Ss The states of a gadget")[1].split(".Bd -literal\n")[1].split("\n.Ed")[0].splitlines()
    wanted = {(state, event, to)
              for state, row in re.findall(r"\[GADGET_(\w+)\] = \{(.*?)\n\t\}", source("src/supervisor/gadget_state.c", "leads_to[", "\n};"), re.S)
              for event, to in re.findall(r"\[GADGET_EV_(\w+)\] = GADGET_(\w+)", row)}
    tap.ok(len(wanted) > 20, f"{len(wanted)} cells")
    tap.eq(sorted(tuple(row.split()) for row in rows[1:]),
           sorted(tuple(word.lower().replace("_", "-") for word in cell) for cell in wanted))


def manual():
    return stdout("mandoc", "-T", "utf8", "-O", "width=200", os.path.join(SRC, "man", "ffsctl.8")).replace(
        "\b", "\0")


def plain(text):
    """Without the overstriking that stands for bold and underlined."""
    return re.sub(".\0", "", text)


@tap.test("ffsctl(8) has every command and option of --help, and no other")
def commands_and_options():
    text = plain(manual())
    help_text = stdout(FFSCTL, "--help")
    commands = re.findall(r"^  ([a-z][a-z-]*) +[a-z]", help_text[help_text.index("commands:"):], re.M)
    tap.ok(len(commands) >= 6, "only %s" % commands)
    section = text[text.index("   Commands\n"):text.index("   Options\n")]
    tap.eq(sorted(re.findall(r"^     ([a-z][a-z-]*)(?: (?=\[|[a-z])|  +[A-Z])", section, re.M)), sorted(commands), "commands")
    wanted = set(re.findall(r"--[a-z-]+", help_text)) - {"--help"}
    for command in commands:
        options = stdout(FFSCTL, command, "--help")
        wanted |= set(re.findall(r"^ +(--[a-z-]+)", options, re.M))
    # Other programs in the examples have options of their own
    own = re.sub(r"^ *# (?!ffsctl).*", "", text, flags=re.M)
    described = set(re.findall(r"--[a-z][a-z-]*", own)) - {"--help"}
    tap.eq(sorted(described), sorted(wanted), "options")


@tap.test("ffsctl(8) has every exit code that the program can have")
def exit_codes():
    text = plain(manual())
    codes = {"EX_USAGE": 64, "EX_DATAERR": 65, "EX_NOINPUT": 66, "EX_UNAVAILABLE": 69, "EX_SOFTWARE": 70,
             "EX_OSERR": 71, "EX_CANTCREAT": 73, "EX_IOERR": 74, "EX_TEMPFAIL": 75, "EX_PROTOCOL": 76,
             "EX_NOPERM": 77}
    used = set()
    for source in glob.glob(os.path.join(SRC, "src", "**", "*.c"), recursive=True):
        with open(source, encoding="utf-8") as f:
            used |= set(re.findall(r"\bEX_[A-Z]+\b", f.read()))
    tap.eq(sorted(used - set(codes) - {"EX_OK"}), [], "codes that the design does not have")
    section = text[text.index("EXIT STATUS"):text.index("EXAMPLES")]
    tap.eq([c for c in sorted(codes.values()) if not re.search(r"^     %d +\S" % c, section, re.M)], [], "missing")


tap.main()
