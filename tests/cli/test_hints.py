#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a newcomer writes, and the hint that says what to write instead."""

import os
import pathlib
import pty
import subprocess
import tempfile

from paths import BUILD
import tap
from tap import contains, eq, ok, test

FFSCTL = os.path.join(BUILD, "ffsctl")
IDS = "attrs = { idVendor = 0x1209; idProduct = 1; };\n"
tmp = tempfile.TemporaryDirectory()
HERE = pathlib.Path(tmp.name)
WORLD = ("--run-dir", f"{HERE}/run", "--configfs", f"{HERE}/configfs")
pathlib.Path(HERE, "configfs/usb_gadget").mkdir(parents=True)


def run(*words):
    return subprocess.run([FFSCTL, *words], cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8", check=False)


def check(text):
    """Returns what `check` prints of a gadget file with this text, without the lines of the file."""
    pathlib.Path(HERE, "g.conf").write_text(text, encoding="utf-8")
    return "".join(line for line in run("check", "g.conf").stderr.splitlines(True) if " | " not in line)


def program(*words):
    """Returns the warning and the hint about the program of a worker."""
    lines = check(IDS + 'functions = { a = { type = "acm"; worker = { user = "root"; exec = [ %s ]; }; }; };\n' %
                  ", ".join('"%s"' % word for word in words)).splitlines()
    return [line.split(": warning: ")[-1] for line in lines if ": warning: " in line or line.startswith("hint: ")]


def write(name, text, mode):
    path = HERE / name
    path.write_text(text, encoding="utf-8", newline="")
    path.chmod(mode)


@test("arguments in the string of the program")
def arguments_in_one_string():
    eq(program("python3 upper.py"), ["cannot find the program 'python3 upper.py' in PATH",
                                     'hint: arguments are separate strings: exec = [ "python3", "upper.py" ]'])
    eq(program("./meter --fast  -x")[1], 'hint: arguments are separate strings: exec = [ "%s/./meter", "--fast", "-x" ]' %
       HERE)
    eq(program("sh", "-c", "sleep 1; exit"), [])


@test("a program beside the gadget file, without ./")
def program_beside():
    write("meter", "#!/bin/sh\n", 0o755)
    eq(program("meter"), ["cannot find the program 'meter' in PATH", 'hint: "./meter" is the file beside the gadget file'])
    eq(program("./meter"), [])


@test("a program that cannot be executed: its mode, its first line, a directory")
def program_not_executable():
    write("script", "#!/bin/sh\n", 0o644)
    denied = f"cannot execute {HERE}/./script: Permission denied"
    eq(program("./script"), [denied, f"hint: 'chmod +x {HERE}/./script' makes it executable"])
    eq(program("${dir}/script"), [denied.replace("/./", "/"), f"hint: 'chmod +x {HERE}/script' makes it executable"])
    write("script", "print(1)\n", 0o644)
    eq(program("./script"), [denied, "hint: a script needs a first line such as #!/bin/sh"])
    write("script", "\x7fELF", 0o644)
    eq(program("./script"), [denied, f"hint: 'chmod +x {HERE}/./script' makes it executable"])
    pathlib.Path(HERE, "directory").mkdir()
    eq(program("./directory"), [f"cannot execute {HERE}/./directory: Permission denied", "hint: it is a directory"])
    eq(program("./nothing"), [f"cannot execute {HERE}/./nothing: No such file or directory"])


@test("keys as other programs write them")
def keys_in_other_styles():
    for word in ("vendorId", "VendorID", "vendor_id", "idvendor", "IDVENDOR", "vid", "vendor"):
        said = check("attrs = { %s = 1; };\n" % word)
        contains(said, "hint: did you mean 'idVendor'?", word)
    for word in ("productId", "pid", "id_product"):
        contains(check("attrs = { %s = 1; };\n" % word), "hint: did you mean 'idProduct'?", word)
    for word in ("serialNumber", "serial_number", "serial"):
        contains(check('strings = ( { %s = "1"; } );\n' % word), "hint: did you mean 'serialnumber'?", word)


@test("the name of a gadget file in the current directory")
def file_in_current_directory():
    pathlib.Path(HERE, "meter.conf").write_text(IDS, encoding="utf-8")
    for command in (("check",), ("up",), ("run",), ("descriptors",)):
        got = run(*WORLD, *command, "meter")
        eq(got.returncode, 66, command)
        contains(got.stderr, "ffsctl: cannot find gadget file 'meter' in ")
        contains(got.stderr, "\nhint: a file in the current directory needs its path: './meter.conf'\n")


@test("a gadget that is not up is not said to lack a supervisor")
def gadget_is_down():
    for command in ("reload", "restart", "bind", "unbind", "reexec", "wait"):
        got = run(*WORLD, command, "meter")
        eq((got.returncode, got.stderr), (69, "ffsctl: 'meter' is not up\nhint: see 'ffsctl status'\n"), command)


@test("list in a pipe prints whole descriptions, and on a terminal what fits")
def list_in_a_pipe():
    directory = HERE / "gadget.d"
    directory.mkdir()
    words = "A description that is much longer than the line of a terminal, and that a program which reads it needs whole"
    (directory / "long.conf").write_text(f"# {words}.\n{IDS}functions = {{ a = {{ type = \"acm\"; }}; }};\n")
    contains(run(*WORLD, "--dir", str(directory), "list").stdout, words)
    ours, theirs = pty.openpty()
    subprocess.run([FFSCTL, *WORLD, "--dir", str(directory), "list"], stdout=theirs, stderr=subprocess.DEVNULL, check=False)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    ok(words[:40] in shown and words not in shown, shown)


@test("doctor: the command for a missing medium makes it; that for a virtual UDC names it")
def doctor_commands():
    directory = HERE / "media.d"
    directory.mkdir()
    medium = HERE / "not yet/stick.img"
    (directory / "stick.conf").write_text(
        IDS + f'functions = {{ s = {{ type = "mass_storage"; attrs = {{ luns = ( {{ file = "{medium}"; }} ); }}; }}; }};\n')
    said = run(*WORLD, "--dir", str(directory), "doctor").stdout
    commands = [line.strip()[2:] for line in said.splitlines() if line.strip().startswith("# ") and str(HERE) in line]
    eq(len(commands), 2, said)
    for command in commands:
        subprocess.run(["sh", "-c", command], check=True)
    eq(medium.stat().st_size, 64 << 20)
    ok(f"{directory}/stick.conf" not in run(*WORLD, "--dir", str(directory), "doctor").stdout, "it is made")


tap.main()
