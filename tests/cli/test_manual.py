#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""The manual pages: mdoc without a complaint, each installed and listed, with examples that ffsctl accepts; and ffsctl(8)
as ffsctl is."""

import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

from paths import BUILD, SRC
import identity
import tap
import tree

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


def groff(page, *options):
    return subprocess.run(["groff", "-mdoc", "-Tutf8", *options, page], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", env={**os.environ, "GROFF_NO_SGR": "1"}, check=True)


def warnings_of_groff(page):
    if not shutil.which("groff"):
        tap.skip("groff is not installed")
    tap.eq(groff(page, "-ww").stderr.splitlines(), [])


def lost_arguments(text):
    """Quotes and parentheses without text, which mdoc prints for an argument such as "(" or "." that it takes for
    punctuation."""
    return re.findall(r".*(?:‘\s*’|“\s*”|(?<!\w)\((?:‘’)?\)(?! permits nothing)|(?:^|\s)[’”](?:\s|$)).*", text)


def arguments(page):
    tap.eq(lost_arguments(plain(stdout("mandoc", "-T", "utf8", page).replace("\b", "\0"))), [], "mandoc")
    if shutil.which("groff"):
        tap.eq(lost_arguments(plain(groff(page, "-P-c").stdout.replace("\b", "\0"))), [], "groff")


def too_wide(page):
    """The lines that do not fit on a terminal of 80 columns, as man(1) formats a page for it."""
    texts = {"mandoc": stdout("mandoc", "-T", "utf8", "-O", "width=78", page)}
    if shutil.which("groff"):
        texts["groff"] = groff(page, "-P-c", "-rLL=78n").stdout
    return [(name, line) for name, text in texts.items() for line in plain(text.replace("\b", "\0")).splitlines() if len(line) > 80]


def width(page):
    tap.eq(too_wide(page), [])


for path in PAGES:
    tap.test("%s fits on a terminal of 80 columns" % os.path.basename(path), path)(width)
    tap.test("%s has no mistake" % os.path.basename(path), path)(lint)
    tap.test("groff accepts %s" % os.path.basename(path), path)(warnings_of_groff)
    tap.test("%s has no quotes without text" % os.path.basename(path), path)(arguments)


@tap.test("a planted argument that mdoc takes for punctuation is found")
def planted_argument_is_found():
    with tempfile.NamedTemporaryFile("w", suffix=".5") as page:
        page.write(".Dd November 23, 2026\n.Dt X 5\n.Os\n.Sh NAME\n.Nm x\n.Nd x\n.Sh DESCRIPTION\nA list\n.Ql ( )\nis empty.\n")
        page.flush()
        tap.ok(lost_arguments(plain(stdout("mandoc", "-T", "utf8", page.name).replace("\b", "\0"))))


@tap.test("a planted line of 81 columns is found, and one of 80 is not")
def planted_width_is_found():
    with tempfile.NamedTemporaryFile("w", suffix=".5") as page:
        page.write(".Dd November 23, 2026\n.Dt X 5\n.Os\n.Sh NAME\n.Nm x\n.Nd x\n.Sh DESCRIPTION\nA table\n"
                   ".Bd -literal\n%s\n%s\n.Ed\n" % ("\\('e" * 75, "y" * 76))
        page.flush()
        tap.eq({line.strip() for _, line in too_wide(page.name)}, {"y" * 76})


def text_of(page):
    with open(os.path.join(SRC, "man", page), encoding="utf-8") as f:
        return f.read()


def examples_of(page):
    """The gadget files among the examples of a page."""
    blocks = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", text_of(page), re.M | re.S)
    return [block.replace("\\&", "").replace("\\(dq", '"').replace("\\e", "\\") for block in blocks
            if re.search(r"^functions ?[:=]", block, re.M)]


def check_example(example):
    """Returns the errors and warnings. An example that begins with the path of a drop-in changes that gadget file."""
    drop_in = re.match(r"# /etc/ffsctl/gadget\.d/(\S+\.conf)\.d/(\S+)\n", example)
    with tempfile.TemporaryDirectory() as directory:
        file = os.path.join(directory, drop_in[1] if drop_in else "gadget.conf")
        if drop_in:
            shutil.copy(os.path.join(SRC, "gadget.d", drop_in[1]), file)
            os.mkdir(file + ".d")
        with open(os.path.join(file + ".d", drop_in[2]) if drop_in else file, "w", encoding="utf-8") as f:
            f.write(example)
        for name in ("disk.img", "echo.py"):
            with open(os.path.join(directory, name), "w", encoding="utf-8") as f:
                os.chmod(f.fileno(), 0o755)
                f.truncate(512 if name == "disk.img" else 0)  # the kernel refuses a medium without a sector
        got = subprocess.run([FFSCTL, "check", "--format=gcc", file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    messages = [line for line in got.stdout.splitlines() if re.search(r": (?:error|warning): ", line)]
    return got.returncode, [line for line in messages if identity.has_machine_id() or "/etc/machine-id" not in line]


@tap.test("each gadget file in a manual page is accepted")
def examples_are_accepted():
    found = {os.path.basename(page): examples_of(os.path.basename(page)) for page in PAGES}
    tap.ok(len(found["ffsctl-functions.5"]) >= 5 and len(found["ffsctl-gadget.5"]) >= 5, str({k: len(v) for k, v in found.items()}))
    for page, examples in found.items():
        for example in examples:
            status, messages = check_example(example)
            tap.eq((page, status, [line for line in messages if ": error: " in line]), (page, 0, []), example)
            # An example that is a file to copy, with its name, is without warnings, too
            if re.match(r"# [\w-]+\.conf\n", example):
                tap.eq((page, messages), (page, []), example)


@tap.test("the examples show a keyboard, a camera, a sound card, a drive and a WinUSB device")
def examples_of_types():
    complete = [e for page in ("ffsctl-functions.5", "ffsctl-gadget.5") for e in examples_of(page) if re.match(r"# [\w-]+\.conf\n", e)]
    tap.eq([word for word in ('type = "hid"', 'type = "uvc"', 'type = "uac2"', 'type = "mass_storage"', "winusb = ")
            if not any(word in example for example in complete)], [])


@tap.test("ffsctl-gadget(5) lists the gadget files that are installed")
def installed_gadgets_are_listed():
    names = {os.path.basename(path).removesuffix(".conf") for path in glob.glob(os.path.join(SRC, "gadget.d", "*.conf"))}
    listed = re.search(r"^The gadget files (.*?)\sare installed in\n", text_of("ffsctl-gadget.5"), re.M | re.S)
    tap.eq(set(re.findall(r"[\w-]+", listed[1])) - {"and"}, names)


@tap.test("each page is listed in README, in the site, and in the pages that it belongs to")
def pages_are_listed():
    names = {os.path.basename(path) for path in PAGES}
    with open(os.path.join(SRC, "README.md"), encoding="utf-8") as f:
        readme = re.search(r"^\| (`man .*?) \|", f.read(), re.M)[1]
    tap.eq(set(re.findall(r"(?:man )?([\w-]+)`", readme)), {name[:-2] for name in names}, "README")
    with open(os.path.join(SRC, "doc", "make-site"), encoding="utf-8") as f:
        tap.eq(set(re.findall(r'"([\w-]+\.[1-8])"', re.search(r"^MANUALS = .*", f.read(), re.M)[0])), names, "the site")
    also = {f"{name[:-2]} {name[-1]}" for name in names} - {"ffsctl 8"}
    tap.eq(set(re.findall(r"^\.Xr (\S+ \d)", text_of("ffsctl.8").split(".Sh SEE ALSO")[1].split(".Sh")[0], re.M)), also, "ffsctl(8)")


@tap.test("the pages for users and for worker authors have HISTORY and BUGS, in the order of mdoc(7)")
def sections():
    order = ["SEE ALSO", "STANDARDS", "HISTORY", "BUGS"]
    for page in ("ffsctl.8", "ffsctl-gadget.5", "ffsctl-functions.5", "ffsctl-worker.7"):
        found = [s for s in re.findall(r"^\.Sh (.*)", text_of(page), re.M) if s in order]
        tap.eq((page, [s for s in found if s != "STANDARDS"]), (page, ["SEE ALSO", "HISTORY", "BUGS"]))
        tap.eq(found, [s for s in order if s in found], page)


@tap.test("every page is installed, once")
def every_page_is_installed():
    listed = []
    for makefile in tree.files("**/*.mk", "Makefile.am"):
        for line in tree.read(makefile).replace("\\\n", " ").splitlines():
            if line.startswith("manual_pages"):
                listed += re.findall(r"man/\S+\.[1-8]", line)
    tap.eq(sorted(listed), [os.path.relpath(p, SRC) for p in PAGES])


def source(path, begin, end):
    with open(os.path.join(SRC, path), encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"/\*.*?\*/", "", text[text.index(begin):], flags=re.S)
    return text[text.index("= {"):text.index(end)]


def drawn(heading, page="ffsctl-worker.7"):
    """A table of a manual page: {(row, column): word}. An empty line is between its parts, which have columns of their
    own."""
    with open(os.path.join(SRC, "man", page), encoding="utf-8") as f:
        parts = f.read().split(heading)[1].split(".Bd -literal\n")[1].split("\n.Ed")[0].split("\n\n")
    cells = [((row.split()[0], column), word) for heads, *rows in map(str.splitlines, parts)
             for row in rows for column, word in zip(heads.split(), row.split()[1:], strict=True)]
    tap.eq(len(dict(cells)), len(cells), "cells that are drawn once")
    return dict(cells)


@tap.test("the fields of status -o are those of the schema, and ffsctl(8) lists them")
def fields_of_status():
    with open(os.path.join(SRC, "schemas/output.schema.json"), encoding="utf-8") as f:
        of = {name: set(part["properties"]) for name, part in json.load(f)["$defs"].items() if "properties" in part}
    offered = [line.split("\t")[0] for line in stdout(FFSCTL, "completion", "--words", "--", "status", "-o", "").splitlines()]
    tap.eq({word for word in offered if "." not in word}, of["gadget"] - {"functions", "problems", "plan", "rebind", "rebound"})
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
    rows = {"EP0_CLOSED": "closed", "RECONNECT": "crashed", "UDC_REMOVED": "removed", "REBIND_FAILED": "refused"}
    states = enumerators("src/supervisor/binding.h", "binding_state", "BINDING_")
    events = enumerators("src/supervisor/binding.h", "binding_event", "BINDING_EV_")
    acts = {(state, event): to
            for state, row in re.findall(r"\[BINDING_(\w+)\] = \{(.*?)\n\t\}", source("src/supervisor/binding_states.c", "} cells[", "\n};"), re.S)
            for event, to in re.findall(r"\[BINDING_EV_(\w+)\] = \{ \w+, BINDING_(\w+) \}", row)}
    tap.eq((len(states), len(events)), (6, 10))
    wanted = {(rows.get(event, event.lower()), words.get(state, state.lower())):
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
    tap.eq(sorted(re.findall(r"^     ([a-z][a-z-]*)(?: (?=\[|[a-z])|  +[A-Z]|$)", section, re.M)), sorted(commands), "commands")
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
    for source in tree.files("src/**/*.c"):
        used |= set(re.findall(r"\bEX_[A-Z]+\b", tree.read(source)))
    tap.eq(sorted(used - set(codes) - {"EX_OK"}), [], "codes that the design does not have")
    section = text[text.index("EXIT STATUS"):text.index("EXAMPLES")]
    tap.eq([c for c in sorted(codes.values()) if not re.search(r"^     %d +\S" % c, section, re.M)], [], "missing")


tap.main()
