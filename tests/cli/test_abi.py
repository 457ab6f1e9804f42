#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The binary interfaces of the public headers are those of tests/abi/NAME.x86_64.abi: of libffsctl-stream, and between plugin
host and plugins. After a change that old programs and plugins do not notice, --update writes these files again; another
change needs new versions of symbols in src/stream/libffsctl-stream.map, or a new FFSCTL_PLUGIN_VERSION."""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

from paths import SRC
import tap
from tap import eq, ok, skip, test

HEADERS = {"stream": ["stream.h"], "plugin": ["plugin.h", "control.h"]}
ABI = pathlib.Path(SRC, "tests", "abi")


def objects(headers):
    """Returns C source that exports a variable of each type of the headers, and a pointer to each exported function."""
    lines, text = [], ""
    for header in headers:
        lines.append(f"#include <ffsctl/{header}>")
        text += pathlib.Path(SRC, "include/ffsctl", header).read_text(encoding="utf-8")
    for kind, name in re.findall(r"^(struct|enum) (\w+) \{$", text, re.M):
        lines.append(f"{kind} {name} type_{name};")
    if "stream.h" in headers:
        exported = pathlib.Path(SRC, "src/stream/libffsctl-stream.map").read_text(encoding="utf-8")
        for name in re.findall(r"^\t(ffsctl_\w+);$", exported, re.M):
            lines.append(f"__typeof__({name}) *function_{name};")
    return "\n".join(lines) + "\n"


def dump(name, work, change=lambda source: source):
    """Describes the interface of today's headers; returns the file. `change` plants a change into the copied headers."""
    work = pathlib.Path(work)
    include = work / "include/ffsctl"
    if not include.exists():
        include.mkdir(parents=True)
        for header in pathlib.Path(SRC, "include/ffsctl").glob("*.h"):
            (include / header.name).write_text(change(header.read_text(encoding="utf-8")), encoding="utf-8")
    (work / f"{name}.c").write_text(objects(HEADERS[name]))
    subprocess.run(["cc", "-g", "-shared", "-fPIC", f"-I{work}/include", "-o", f"{name}.so", f"{name}.c"], cwd=work, check=True)
    with open(work / f"{name}.abi", "w", encoding="utf-8") as out:
        subprocess.run(["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", f"{name}.so"], cwd=work, stdout=out,
                       check=True)
    return work / f"{name}.abi"


def compared(name, new):
    """Returns abidiff's exit status and report."""
    got = subprocess.run(["abidiff", "--no-show-locs", ABI / f"{name}.x86_64.abi", new], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    return got.returncode, got.stdout


def needs_tools():
    if platform.machine() != "x86_64":
        skip("the files are of x86-64")
    if not shutil.which("abidiff"):
        skip("abidiff is missing (abigail-tools)")


def unchanged(name):
    needs_tools()
    with tempfile.TemporaryDirectory() as work:
        status, report = compared(name, dump(name, work))
    eq(status, 0, f"if old programs do not notice this, run {sys.argv[0]} --update\n{report}\nexit status of abidiff")


for each in HEADERS:
    test(f"the interface of {', '.join(HEADERS[each])} is the one in tests/abi", each)(unchanged)


@test("members that were removed, added or changed are seen, and other numbers")
def changes_are_seen():
    needs_tools()
    for name, old, new in (("plugin", "\tuint32_t running;\n", ""),
                           ("plugin", "\tuint64_t due_ms;", "\tuint32_t due_ms;"),
                           ("plugin", "FFSCTL_LOG_NOTE = 2,", "FFSCTL_LOG_NOTE = 3,"),
                           ("stream", "struct ffsctl_stream_config {\n", "struct ffsctl_stream_config {\n\tint more;\n")):
        with tempfile.TemporaryDirectory() as work:
            status, _ = compared(name, dump(name, work, lambda text, o=old, n=new: text.replace(o, n)))
        ok(status, f"no difference after a change of {old!r}")


if sys.argv[1:] == ["--update"]:
    with tempfile.TemporaryDirectory() as directory:
        for each in HEADERS:
            shutil.copyfile(dump(each, directory), ABI / f"{each}.x86_64.abi")
    sys.exit()

tap.main()
