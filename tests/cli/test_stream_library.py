# SPDX-License-Identifier: GPL-2.0-or-later
"""libffsctl-stream for those who link it: its symbols stay, with their versions; nothing else is seen
of it; header, map, manual and library have the same calls."""

import os
import re
import subprocess

from paths import BUILD, SRC
from tap import contains, eq, main, ok, test

LIBRARY = os.path.join(BUILD, "libffsctl-stream.so.1")


def read(path):
    with open(os.path.join(SRC, path), encoding="utf-8") as f:
        return f.read()


def output(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout


def exported():
    lines = output("nm", "-D", "--defined-only", "--with-symbol-versions", LIBRARY).splitlines()
    return sorted(line.split()[2] for line in lines if line.split()[1] != "A")


CALLS = sorted(name.split("@@")[0] for name in exported())


SYMBOLS = "packaging/debian/libffsctl-stream1.symbols"


@test(f"exactly the symbols of {SYMBOLS}, with their versions, each the default one of its call")
def exact_symbols():
    first, *lines = read(SYMBOLS).splitlines()
    soname = first.split()[0]
    symbols = [line.split()[0] for line in lines]
    versions = {symbol for symbol in symbols if symbol.split("@")[0] == symbol.split("@")[1]}
    eq(exported(), sorted(symbol.replace("@", "@@") for symbol in set(symbols) - versions))
    contains(output("readelf", "-d", LIBRARY), f"Library soname: [{soname}]")
    eq(os.path.basename(LIBRARY), soname)


@test("every call is in the header, and no other")
def every_call_in_header():
    header = re.sub(r"/\*.*?\*/", "", read("include/ffsctl/stream.h"), flags=re.S)
    eq(sorted(set(re.findall(r"\b(ffsctl_stream_\w+)\(", header))), CALLS)


@test("ffsctl-stream(3) has every call, and every member of the configuration")
def manual_has_every_call():
    page = read("man/ffsctl-stream.3")
    eq(sorted(set(re.findall(r"\bffsctl_stream_\w+", page)) - {"ffsctl_stream_config"}), CALLS)
    body = re.search(r"struct ffsctl_stream_config \{(.*?)\n\};", read("include/ffsctl/stream.h"), re.S).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    members = re.findall(r"\(\*(\w+)\)\(|(\w+);", body)
    eq(len(members), 11)
    for member in ("".join(m) for m in members):
        ok(re.search(r"^\.(It )?(Fa|Fn) .*\b%s\b" % member, page, re.M), f"the page has no {member}")


@test("ffsctl-stream(3) has every engine that needs no device, and no other")
def manual_has_every_engine():
    item = read("man/ffsctl-stream.3").split("\n.It Fa engine\n")[1].split("\n.It Fa ")[0]
    rows = re.findall(r"^\tENGINE\(\w+, (\w+), (\w+),", read("src/stream/engines.h"), re.M)
    ok(len(rows) >= 3, rows)
    eq(sorted(set(re.findall(r"^\.It Ql (\w+)", item, re.M)) - {"auto"}),
       sorted(name for name, needs in rows if needs != "STREAM_NEEDS_DMABUF"))


@test("it needs libaio and the C library only, and takes nothing from the program")
def needs_only_libaio():
    sanitizers = ("libasan", "libubsan", "libgcov", "libgcc")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", LIBRARY))
    libaio, libc, *rest = [n for n in needed if not n.startswith(sanitizers)]
    eq(libaio, "libaio.so.1")
    ok(libc in ("libc.so.6", "libc.so"), libc)  # of glibc, of musl
    eq([n for n in rest if not n.startswith("ld-linux-")], [])  # with arm64's stack protector
    eq([s for s in output("nm", "-D", "--undefined-only", LIBRARY).split() if "ffsctl" in s], [])


main()
