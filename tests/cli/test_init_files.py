#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""The files of init/ as linters see them, also those of service managers that the lab does not have.
What the others do is in tests/lab/system/test_init.py and test_systemd.py."""

import pathlib
import re
import shutil
import subprocess
import tempfile

from paths import BUILD, SRC
from tap import eq, main, test


def path(name):
    """A file of init/, made or not."""
    return next(p for p in (pathlib.Path(tree, "init", name) for tree in (BUILD, SRC)) if p.exists())


def printed(*words, code=0, **kwargs):
    got = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False, **kwargs)
    eq((got.returncode, got.stdout if got.returncode != code else ""), (code, ""), " ".join(map(str, words)))
    return got.stdout


# Of the last two the shell is not their own: names are set for who reads the file, and "local" is known
for shell, names, more in (("sh", ("s6/run", "s6/finish", "runit/run", "runit/check", "runit/finish", "sysvinit/ffsctl"), ()),
                           ("dash", ("openrc/ffsctl", "procd/ffsctl"), ("-e", "SC2034"))):
    for name in names:

        @test(f"{name} has no mistake", shell, name, more)
        def no_mistake(shell, name, more):
            eq(printed("shellcheck", "-s", shell, "-S", "warning", *more, path(name)), "")


@test("init.mk lists each file of init/, as a script if it is one")
def every_file_is_listed():
    text = pathlib.Path(SRC, "init", "init.mk").read_text().replace("\\\n", "")
    listed = {kind: sorted(re.search(rf"^init_{kind} = (.*)", text, re.M)[1].split()) for kind in ("scripts", "data")}
    there = {"scripts": [], "data": []}
    for file in sorted(pathlib.Path(SRC, "init").glob("*/*.in")):
        there["scripts" if file.read_text().startswith("#!") else "data"].append(f"init/{file.parent.name}/{file.stem}")
    eq(listed, there)


def unit(directory):
    """As one of its instances is installed; what it starts is there."""
    file = pathlib.Path(directory, "ffsctl@loopback.service")
    file.write_text(re.sub(r"/\S+/ffsctl (?=run|reload)", f"{BUILD}/ffsctl ", path("ffsctl@.service").read_text()))
    return file


@test("the unit is one, as systemd-analyze verifies it")
def systemd_verifies_unit():
    with tempfile.TemporaryDirectory() as directory:
        eq(printed("systemd-analyze", "verify", "--man=no", unit(directory)), "")


@test("the unit's bounding set has the capabilities that the supervisor keeps, and no other")
def unit_capabilities():
    source = pathlib.Path(SRC, "src/supervisor/privileges.c").read_text()
    kept = re.search(r"#define OUR_CAPABILITIES(.*?)\n#", source, re.S)[1]
    bounding = re.search(r"^CapabilityBoundingSet=(.*)$", path("ffsctl@.service").read_text(), re.M)[1]
    eq(sorted(bounding.split()), sorted("CAP_" + name for name in re.findall(r"CAPABILITY\((\w+)\)", kept)))


@test("the unit's exposure is not above what init/README.md says")
def unit_exposure():
    most = float(re.search(r"exposure of (\d+\.\d)", path("README.md").read_text())[1])
    with tempfile.TemporaryDirectory() as directory:
        printed("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={most * 10:.0f}", unit(directory))


@test("procd is told of each gadget that is enabled, and reloads them by HUP")
def procd_enables_and_reloads():
    # What rc.common and procd.sh bring, with two gadgets configured, the second of which is off
    calls = """
        config_load() { [ "$1" = ffsctl ]; }
        config_foreach() { for section in one two; do "$1" "$section"; done; }
        config_get() { export "$1=gadget-$2"; }
        config_get_bool() { case $2 in one) export "$1=1" ;; *) export "$1=0" ;; esac; }
        for call in procd_open_instance procd_set_param procd_close_instance procd_send_signal procd_add_reload_trigger; do
            eval "$call() { echo ${call#procd_} \\"\\$@\\"; }"
        done
        rc_procd() { "$@"; }
    """
    said = printed(shutil.which("dash"), "-c", f'{calls} . "$0"; reload_service; service_triggers', path("procd/ffsctl"))
    eq(re.sub(r"\S+/ffsctl run", "ffsctl run", said), """open_instance gadget-one
set_param command ffsctl run gadget-one
set_param respawn 3600 1 5
set_param term_timeout 60
set_param stdout 1
set_param stderr 1
close_instance
send_signal ffsctl
add_reload_trigger ffsctl
""")


# Of a process, as dinit-service(5) has them
DINIT = """type command working-dir run-as env-file restart smooth-recovery restart-delay restart-limit-interval
restart-limit-count start-timeout stop-timeout depends-on depends-ms waits-for waits-for.d term-signal ready-notification
logfile options""".split()


@test("dinit's description has properties of dinit's, one a line, and the descriptor that it names")
def dinit_description():
    lines = [line for line in path("dinit/ffsctl-loopback").read_text().splitlines() if not line.startswith("#")]
    properties = dict(re.fullmatch(r"([a-z.-]+) = (\S.*)", line).groups() for line in lines)
    eq(len(properties), len(lines), "properties")
    eq([name for name in properties if name not in DINIT], [])
    eq(properties["type"], "process")
    eq(properties["ready-notification"], "pipefd:" + re.search(r"--notify-fd (\d+) ", properties["command"])[1])


main()
