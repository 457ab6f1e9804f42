#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ffsctl check: options, exit codes, and JSON that is what its schema says; also the endpoints that `descriptors` counts."""

import glob
import grp
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile

import jsonschema

from paths import BUILD, SRC
import identity
import tap

FFSCTL = os.path.join(BUILD, "ffsctl")
GOOD = sorted(glob.glob(os.path.join(SRC, "examples", "*.conf")) +
              glob.glob(os.path.join(SRC, "gadget.d", "*.conf")))
BAD = sorted(glob.glob(os.path.join(SRC, "tests", "bad", "*.conf")) +
             glob.glob(os.path.join(SRC, "tests", "bad", "*.scheme")))
SMALLEST = 'functions : { echo : { ffs : { interfaces = ( { endpoints = ( "bulk-in" ); } ); }; }; };\n'

tmp = tempfile.TemporaryDirectory()
# The programs of camera-frames.conf, exec-worker.conf and stream-echo.conf, which their reader builds.
os.mkdir(os.path.join(tmp.name, "bin"))
for name in ("blocking-echo", "camera-frames", "stream-echo"):
    with open(os.path.join(tmp.name, "bin", name), "w", encoding="utf-8") as program:
        os.chmod(program.fileno(), 0o755)
os.environ["PATH"] += ":" + os.path.join(tmp.name, "bin")


def schema(name):
    with open(os.path.join(SRC, "schemas", name), encoding="utf-8") as f:
        return json.load(f)


CHECK, GADGET = schema("check.schema.json"), schema("gadget.schema.json")
STORE = {"gadget.schema.json": GADGET, "check.schema.json": CHECK}


def validator(which):
    resolver = jsonschema.RefResolver("", which, store=STORE)
    return jsonschema.Draft202012Validator(which, resolver=resolver)


def ffsctl(*args):
    return subprocess.run([FFSCTL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", errors="replace", check=False)


def document(*args):
    return document_of(ffsctl("check", "--json", *args))


def document_of(got):
    doc = json.loads(got.stdout)
    validator(CHECK).validate(doc)
    tap.eq(got.stderr, "", "standard error")
    return doc, got.returncode


def file_with(text, name="a.conf"):
    path = os.path.join(tmp.name, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


@tap.test("the schemas are schemas")
def schemas_are_schemas():
    for which in (CHECK, GADGET):
        jsonschema.Draft202012Validator.check_schema(which)


KNOWN = {}
# The medium that users of these files must create.
IMAGE = "/var/lib/ffsctl/storage.img"
if not os.path.exists(IMAGE):
    for name in ("storage.conf", "composite.conf"):
        KNOWN[name] = [f": warning: cannot open {IMAGE}: No such file or directory"]
# The program that users of these files must install.
for name, program in (("iio.conf", "iiod"), ("mtp.conf", "umtprd")):
    if not shutil.which(program):
        KNOWN[name] = [f": warning: cannot find the program '{program}' in PATH"]


def good(path):
    got = ffsctl("check", path)
    tap.eq(got.returncode, 0, "exit status")
    remarks = re.findall(r": (?:error|warning): .*", got.stderr)
    known = KNOWN.get(os.path.basename(path), [])
    tap.eq([remark for remark in remarks if identity.has_machine_id() or "/etc/machine-id" not in remark], known,
           "errors and warnings")
    n = len(known) + identity.warnings_without_machine_id(path)
    tap.eq(got.stderr.splitlines()[-1], path + ": no errors" + (f", {n} warning" + "s" * (n > 1) if n else ""), "last line")
    doc, code = document(path)
    tap.eq(code, 0, "exit status")
    tap.eq([f["valid"] for f in doc["files"]], [True])


for example in GOOD:
    tap.test("%s is clean" % os.path.relpath(example, SRC), example)(good)


@tap.test("there are at least seven examples")
def enough_examples():
    tap.ok(len(GOOD) >= 8, "only %d" % len(GOOD))


def keys_of_schema(which, path=""):
    """Every key that the schema takes, as a path; what it takes by no name is left out."""
    for part in [which] + which.get("anyOf", []) + [c["then"] for c in which.get("allOf", [])]:
        for name, value in part.get("properties", {}).items():
            if value.get("not") != {}:
                yield path + name
                yield from keys_of_schema(value, path + name + ".")
        for inner in ("additionalProperties", "items"):
            if isinstance(part.get(inner), dict):
                yield from keys_of_schema(part[inner], path + ("*." if inner[0] == "a" else ""))


def keys_of_form(form, schema_keys, path=""):
    if isinstance(form, list):
        for item in form:
            yield from keys_of_form(item, schema_keys, path)
    elif isinstance(form, dict):
        for name, value in form.items():
            known = path + name if path + name in schema_keys else path + "*"
            yield known
            yield from keys_of_form(value, schema_keys, known + ".")


def folded(key):
    """One name for what stands in several places. Formats are in a list or, as schemes have them,
    in a group under names; endpoints are those of an interface or of an alternate setting."""
    return key.replace(".formats.*", ".formats").replace(".alternates.endpoints", ".endpoints")


@tap.test("60 good files, with every key of the schema, are taken by check and schema")
def good_files_are_taken():
    files = sorted(f for e in ("conf", "scheme") for f in glob.glob(os.path.join(SRC, "tests", "good", "*." + e)))
    tap.ok(len(files) >= 60, "only %d good files" % len(files))
    doc, code = document(*files)
    tap.eq(code, 0, "exit status")
    tap.eq([p for p in doc["problems"] if p["severity"] == "error"], [])
    wanted = set(keys_of_schema(GADGET))
    tap.ok(len(wanted) >= 250, "only %d keys" % len(wanted))
    for file in doc["files"]:
        tap.ok(validator(GADGET).is_valid(file["form"]), file["file"] + ": the schema refuses it")
    there = {k for f in doc["files"] for k in keys_of_form(f["form"], wanted)}
    tap.eq({folded(k) for k in wanted} - {folded(k) for k in there}, set(), "keys that are missing")


@tap.test("the JSON of every bad file is valid, too")
def json_of_bad_files_is_valid():
    doc, code = document(*BAD)
    tap.eq(code, 65, "exit status")
    tap.eq([f["valid"] for f in doc["files"]], [False] * len(BAD))


# What a schema can say, it says: types, ranges, words, names of keys, and more. Only what is wrong with
# these it cannot: how much of something there is, what several settings are together, what a file
# holds, which names a text may have. (Of many it knows a part.)
SCHEMA_CANNOT = {
    "_name-of-file", "bcd", "blob-os-descs", "camera-formats", "camera-twice", "config-labels",
    "configuration-languages", "device", "device-in-mount", "disk-luns", "ecm-ifname", "endpoint-one-way",
    "ethernet-addresses", "exec-as-string", "exec-empty", "ffs-of-another-type", "hid-report", "ifname-words",
    "interfaces-beyond-numbers", "io-size", "keyboard-in-two-configurations", "keyboard-name", "latin1",
    "loopback-twice", "names-of-configfs", "nested-mounts", "only-labels", "os-descs-twice", "plugin-name", "same-device",
    "same-mount", "scheme-label", "scheme-nothing", "sound-bandwidth", "sound-volume-order", "speeds", "too-many-endpoints",
    "too-many-interfaces", "udc-path", "variables", "windows-properties", "worker-of-both", "worker-of-nothing",
    "worker-variables",
}


@tap.test("the schema alone refuses every bad file whose syntax is right, with few exceptions")
def schema_refuses_bad_files():
    doc, _ = document(*BAD)
    forms = {os.path.splitext(os.path.basename(f["file"]))[0]: f["form"] for f in doc["files"]}
    with_form = {name for name, form in forms.items() if form is not None}
    taken = {name for name in with_form if validator(GADGET).is_valid(forms[name])}
    tap.eq(taken, SCHEMA_CANNOT)
    tap.ok(len(with_form - taken) >= 90, "only %d refused" % len(with_form - taken))


@tap.test("no file is told by 66, also among others, and the others are checked")
def missing_file_among_others():
    got = ffsctl("check", os.path.join(tmp.name, "none.conf"), BAD[0])
    tap.eq(got.returncode, 66, "exit status")
    tap.contains(got.stderr, "No such file or directory")
    tap.contains(got.stderr, os.path.basename(BAD[0]) + ":")
    doc, code = document(os.path.join(tmp.name, "none.conf"))
    tap.eq((code, doc["files"], [e["exit"] for e in doc["errors"]]), (66, [], [66]))


@tap.test("no file is told by 66 also behind files with errors, and behind one that lacks something here")
def missing_file_behind_errors():
    none = os.path.join(tmp.name, "none.conf")
    tap.eq(ffsctl("check", BAD[0], none).returncode, 66, "exit status")
    tap.eq(ffsctl("check", "--here", file_with(MISSING), none).returncode, 66, "exit status with --here")


@tap.test("a directory means all gadget files in it")
def directory_of_files():
    top = os.path.join(tmp.name, "dir")
    os.mkdir(top)
    got = ffsctl("check", top + "/")
    tap.eq((got.returncode, got.stderr), (66, f"ffsctl: no gadget file in {top}\nhint: the name of a gadget file ends in "
                                              "'.conf' or '.scheme'\n"))
    good = pathlib.Path(SRC, "gadget.d/loopback.conf").read_text(encoding="utf-8")
    for name, text in (("b.conf", good), ("a.scheme", good), ("a.conf", "x"), ("notes.txt", "x"), (".c.conf", "x")):
        file_with(text, f"dir/{name}")
    for path in (top, top + "/"):
        doc, code = document(path)
        tap.eq((code, [(os.path.relpath(f["file"], top), f["valid"]) for f in doc["files"]]),
               (65, [("a.conf", False), ("a.scheme", True), ("b.conf", True)]))
    tap.eq(subprocess.run([FFSCTL, "check", "dir"], cwd=tmp.name, stderr=subprocess.PIPE, check=False).returncode, 65,
           "a name that is only that of a directory")
    tap.eq(ffsctl("check", top, os.path.join(tmp.name, "none.conf")).returncode, 66)


@tap.test("--all: the gadget files in the directories of gadget files")
def all_files():
    top = os.path.join(tmp.name, "dir")
    doc, code = document_of(ffsctl("--dir", top, "check", "--all", "--json"))
    names = [os.path.relpath(f["file"], top) for f in doc["files"] if f["file"].startswith(top)]
    tap.eq((code, names), (65, ["a.conf", "b.conf"]), "the first of each name")


@tap.test("-: stdin, whose relative paths begin at the working directory")
def standard_input():
    def check(text, *args, **kwargs):
        return subprocess.run([FFSCTL, "check", *args, "-"], cwd=tmp.name, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              encoding="utf-8", check=False, **{"input": text, **kwargs})

    good = pathlib.Path(SRC, "gadget.d/loopback.conf").read_text(encoding="utf-8")
    got = check(good)
    tap.eq((got.returncode, got.stderr), (0, "-: no errors\n"))
    file = json.loads(check(good, "--json").stdout)["files"][0]
    tap.eq((file["file"], file["name"]), ("-", "stdin"))
    got = check("nonsense = 1;\n", "--format=gcc")
    tap.eq((got.returncode, "-:1:1: error: unknown key 'nonsense' in a gadget file" in got.stderr), (65, True), got.stderr)
    got = check(MISSING)
    tap.eq((got.returncode, '    2 | udc = "no-such-udc";' in got.stderr), (0, True), got.stderr)  # shows lines of what was read
    file_with(good, "included.conf")
    tap.eq(check('@include "included.conf"\n').returncode, 0)
    got = check("#" * (3 << 20))
    tap.eq((got.returncode, "larger than 1 MiB" in got.stderr), (65, True), got.stderr)
    with open(os.path.join(SRC, "examples/loopback.conf"), encoding="utf-8") as f:
        tap.eq(check(None, input=None, stdin=f).returncode, 0)
    directory = os.open(tmp.name, os.O_RDONLY)
    got = check(None, input=None, stdin=directory)
    os.close(directory)
    tap.eq((got.returncode, got.stderr), (74, "ffsctl: cannot read stdin: Is a directory\n"))


@tap.test("a file that nobody may read is told by 77")
def unreadable_file():
    path = file_with(SMALLEST, "secret.conf")
    os.chmod(path, 0)
    # Root may read everything, and another user perhaps not even start ffsctl where it lies.
    program = os.open(FFSCTL, os.O_RDONLY)
    nobody = {"user": 65534} if os.geteuid() == 0 else {}
    got = subprocess.run(["/proc/self/fd/%d" % program, "check", path], stderr=subprocess.PIPE,
                         encoding="utf-8", pass_fds=(program,), check=False, **nobody)
    os.close(program)
    tap.eq(got.returncode, 77, "exit status")
    tap.contains(got.stderr, "Permission denied")


@tap.test("a misused command is told by 64")
def misused_command():
    for args in ((), ("--format=xml", BAD[0]), ("--nonsense", BAD[0])):
        got = ffsctl("check", *args)
        tap.eq(got.returncode, 64, "exit status of %r" % (args,))
        tap.eq(got.stdout, "", "standard output")


@tap.test("warnings leave the exit status alone and are counted")
def warnings_are_counted():
    path = file_with(SMALLEST)
    got = ffsctl("check", path)
    tap.eq(got.returncode, 0, "exit status")
    tap.contains(got.stderr, path + ": warning: no ids are set")
    tap.contains(got.stderr, path + ": no errors, 1 warning\n")


MISSING = """attrs = { idVendor = 0x1209; idProduct = 1; };
udc = "no-such-udc";
functions : {
  a : {
    ffs : { mount : { uid = "no-such-user"; gid = "no-such-group"; }; interfaces = ( { } ); };
    worker : { exec = [ "no-such-program", "no-such-argument" ]; user = "no-such-worker";
               groups = [ "root", "no-such-helper" ]; };
  };
  b : {
    ffs : { interfaces = ( { } ); };
    worker : { user = "no-such-owner"; plugin = "no-such-plugin"; };
  };
  c : {
    ffs : { interfaces = ( { } ); };
    worker : { exec = [ "${dir}/no-such-file" ]; user = "root"; };
  };
};
"""
# Places in MISSING, in the order of the file.
MISSING_PLACES = ["2:7", "5:29", "5:51", "6:25", "6:73", "7:35", "11:23", "11:49", "15:25"]


def messages(text, severity):
    return re.findall(r"^\S+?:(\d+:\d+): %s: (.*)$" % severity, text, re.M)


@tap.test("what this machine lacks is warned about, in its place")
def lacking_machine_is_warned_about():
    path = file_with(MISSING)
    got = ffsctl("check", path)
    tap.eq(got.returncode, 0, "exit status")
    found = messages(got.stderr, "warning")
    tap.eq([place for place, _ in found], MISSING_PLACES)
    names = ("udc", "user", "group", "program", "worker", "helper", "owner", "plugin", "file")
    for (_, text), name in zip(found, names):
        tap.contains(text, "no-such-" + name)
    tap.contains(got.stderr, """    6 |     worker : { exec = [ "no-such-program", "no-such-argument" ]; user = "no-such-worker";
      |                         ^~~~~~~~~~~~~~~~~
""")
    tap.contains(got.stderr, path + ": no errors, 9 warnings\n")


@tap.test("a program without 'user' is warned about only where it cannot use what its function makes")
def program_without_user():
    ffs = 'ffs : { interfaces = ( { endpoints = ( "interrupt-in" ); } ); }; '
    sentence = "an allocated user id, and cannot "
    for function, warned in ((ffs, None), (ffs.replace("ffs : {", 'ffs : { device = "/dev/x";'), None), ('type = "acm"; ', None),
                             ('type = "hid"; attrs = { report_length = 8; report_desc = ( 5, 1 ); }; ', None), ('type = "printer"; ', "open the function's devices"),
                             ('type = "ncm"; ', "configure the network interface"), ('type = "midi"; ', "open the function's devices")):
        for worker, may in (('exec = [ "true" ];', True), ('exec = [ "true" ]; user = "root";', False),
                            ('exec = [ "true" ]; groups = [ 0 ];', False)):
            path = file_with("attrs = { idVendor = 0x1209; idProduct = 1; };\nfunctions : { f : { %sworker : { %s }; }; };\n" % (function, worker))
            found = [text for _, text in messages(ffsctl("check", path).stderr, "warning") if sentence in text]
            tap.eq([text.split(sentence)[1].splitlines()[0] for text in found], [warned] if warned and may else [], function + worker)


@tap.test("a program that is there is no user and no group of that name, and a user is no group")
def program_is_no_user():
    groups = {g.gr_name for g in grp.getgrall()}
    users = [p.pw_name for p in pwd.getpwall() if p.pw_name not in groups][:1]
    worker = 'ffs : { interfaces = ( { } ); }; worker : { exec = [ "sh" ]; user = "%s"; groups = [ "%s" ]; };'
    pairs = [("root", "sh"), ("sh", "root")] + [(user, user) for user in users]
    for user, group in pairs:
        path = file_with("functions : { f : { " + worker % (user, group) + " }; };\n")
        found = [text for _, text in messages(ffsctl("check", path).stderr, "warning")]
        tap.eq(len(found), 1, "%s: %r" % ((user, group), found))
        tap.contains(found[0], "user 'sh'" if user == "sh" else "group '%s'" % group)


@tap.test("--here makes it errors, and asks for a UDC")
def here_makes_errors():
    got = ffsctl("check", "--here", file_with(MISSING))
    tap.eq(got.returncode, 69, "exit status")
    tap.eq([place for place, _ in messages(got.stderr, "error")], MISSING_PLACES)
    tap.ok(got.stderr.endswith(": no errors in the file, but this system cannot run it\n"), got.stderr[-200:])
    got = ffsctl("--configfs", tmp.name, "check", "--here", file_with(MISSING), BAD[0])
    tap.eq(got.returncode, 65, "exit status beside a file with errors")
    doc, code = document("--here", file_with(MISSING))
    tap.eq(code, 69, "exit status")
    tap.eq([p["severity"] for p in doc["problems"] if "no-such" in p["text"]], ["error"] * 9)
    tap.eq([f["valid"] for f in doc["files"]], [True])


TWO_LINES = 'functions : { a : { type = "acm"; }; b : { type = "gser"; }; };\n'


@tap.test("a configuration that needs more endpoints than a UDC of the driver has is an error with --here")
def too_few_endpoints_here():
    path = file_with(TWO_LINES + 'udc : { driver = "max3420-udc"; };\n')
    words = "configuration 1 needs 3 IN and 2 OUT endpoints besides endpoint 0, but a UDC of max3420-udc has 2 IN and 1 OUT"
    tap.ok(words in [text for _, text in messages(ffsctl("check", path).stderr, "warning")])
    got = ffsctl("check", "--here", path)
    tap.eq((got.returncode, words in [text for _, text in messages(got.stderr, "error")]), (69, True), got.stderr)


@tap.test("--json: the endpoints that each configuration needs, with or without a known UDC")
def endpoints_in_document():
    two = TWO_LINES + 'configs = ( { functions = ( "a", "b" ); }, { id = 5; functions = ( "b" ); } );\n'
    needs = [{"configuration": 1, "in": 3, "out": 2, "at_least": False}, {"configuration": 5, "in": 1, "out": 1, "at_least": False}]
    for udc in ("", 'udc : { driver = "max3420-udc"; };\n'):
        doc, code = document(file_with(two + udc))
        tap.eq((code, doc["files"][0]["endpoints"]), (0, needs))


@tap.test("descriptors prints the endpoints that each configuration needs, and those of the UDC if its driver is known")
def endpoints_of_descriptors():
    words = "configuration 1 needs 3 IN and 2 OUT endpoints besides endpoint 0"
    for udc, has in (("", ""), ("dwc2", "; a UDC of dwc2 has at most 15 IN and 15 OUT"), ("omap_udc", ""), ("other", ""),
                     ("max3420-udc", "; a UDC of max3420-udc has 2 IN and 1 OUT")):
        path = file_with(TWO_LINES + (f'udc : {{ driver = "{udc}"; }};\n' if udc else ""))
        got = ffsctl("descriptors", path)
        tap.eq((got.returncode, [line for line in got.stdout.splitlines() if "needs" in line]), (0, [words + has]))
        tap.eq(json.loads(ffsctl("descriptors", "--json", path).stdout)["endpoints"],
               [{"configuration": 1, "in": 3, "out": 2, "at_least": False}])


@tap.test("a source of an address that is missing: a warning, and an error of --here")
def address_source_is_missing():
    path = file_with('attrs = { idVendor = 0x1209; idProduct = 1; };\nfunctions : { n : { type = "ncm"; attrs : {\n'
                     'dev_addr : { from = "file:no-such-id"; }; host_addr : { from = "file:/etc/passwd"; }; }; }; };\n')
    words = [("3:1", f"cannot read the source of 'dev_addr' from {tmp.name}/no-such-id: No such file or directory")]
    tap.eq(messages(ffsctl("check", path).stderr, "warning"), words)
    tap.ok(words[0] in messages(ffsctl("check", "--here", path).stderr, "error"))


# A key of 8 bits
REPORT = bytes.fromhex("05 01 09 06 a1 01 09 01 15 00 25 01 75 08 95 01 81 02 c0")


@tap.test("files that attributes name: the medium of a drive and a report descriptor")
def files_of_attributes():
    with tempfile.TemporaryDirectory() as beside:
        path = f"{beside}/x.conf"
        pathlib.Path(path).write_text(
            'attrs = { idVendor = 0x1209; idProduct = 1; };\nfunctions : {\n'
            '  d : { type = "mass_storage"; attrs : { luns = ( { file = "a.img"; }, { file = ""; },\n'
            '    { file = "/no-such-directory/b.img"; } ); }; };\n'
            '  h : { type = "hid"; attrs : { report_desc = "%s/r.bin"; report_length = 1; }; };\n};\n' % beside)
        words = [("3:53", f"cannot open {beside}/a.img: No such file or directory"),
                 ("4:7", "cannot open /no-such-directory/b.img: No such file or directory"),
                 ("5:33", f"cannot open {beside}/r.bin: No such file or directory")]
        got = ffsctl("check", path)
        tap.eq((got.returncode, messages(got.stderr, "warning")), (0, words))
        tap.eq(got.stderr.count("hint: create it before 'ffsctl up', or remove 'file': then the drive has no medium\n"), 2)
        got = ffsctl("check", "--here", path)
        tap.eq((got.returncode, [m for m in messages(got.stderr, "error") if m in words]), (69, words))
        pathlib.Path(beside, "a.img").write_bytes(bytes(512))
        pathlib.Path(beside, "r.bin").write_bytes(REPORT)
        tap.eq(messages(ffsctl("check", path).stderr, "warning"), words[1:2])


@tap.test("a report descriptor in a file: a warning about what hosts refuse, which is an error of --here, or misread")
def report_descriptor_in_a_file():
    path = file_with('attrs = { idVendor = 0x1209; idProduct = 1; };\nfunctions : { h : { type = "hid";\n'
                     '  attrs : { report_desc = "/%s/report.bin"; report_length = 8; }; }; };\n' % tmp.name.strip("/"))
    report = pathlib.Path(tmp.name, "report.bin")
    for data, words in ((b"\x05\x01\x09\x06\xa1\x01\x81\x02", "byte 4: this Collection has no End Collection (HID 1.11, 6.2.2.6)"),
                        (b"\x05\x01\xc0", "byte 2: this End Collection ends no Collection (HID 1.11, 6.2.2.6)"),
                        (b"\x05", "byte 0: this item ends 1 byte beyond the end of the report descriptor (HID 1.11, 6.2.2.2)")):
        report.write_bytes(data)
        found = [("3:13", f"{tmp.name}/report.bin, {words}")]
        tap.eq(messages(ffsctl("check", path).stderr, "warning"), found)
        tap.ok(found[0] in messages(ffsctl("check", "--here", path).stderr, "error"), words)
    report.write_bytes(REPORT[:-1] + b"\xc0\x05\x01")
    found = [("3:13", f"{tmp.name}/report.bin, byte {len(REPORT)}: no main item follows: the items from here have no effect (HID 1.11, 6.2.2.7)")]
    for here in ((), ("--here",)):
        tap.eq([m for m in messages(ffsctl("check", *here, path).stderr, "warning") if m[0] == "3:13"], found)
    report.write_bytes(REPORT)
    tap.eq(messages(ffsctl("check", path).stderr, "warning"), [], "no problem")
    report.unlink()
    os.mkfifo(report)
    tap.eq(messages(ffsctl("check", path).stderr, "warning"), [], "a FIFO is not opened")


@tap.test("-v prints how many endpoints each configuration needs, and the drivers of hosts")
def endpoints_with_verbose():
    path = os.path.join(SRC, "examples/interrupt.conf")
    printed = ffsctl("check", "-v", path).stderr
    tap.contains(printed, f"{path}: configuration 1 needs 3 IN and 2 OUT endpoints besides endpoint 0\n{path}: the drivers")
    tap.contains(printed, f"\n{path}: no errors")
    tap.eq("endpoints besides" in ffsctl("check", path).stderr, False, "without -v")


@tap.test("--here reports what is missing beside the UDC, too")
def here_without_udc():
    path = file_with('attrs = { idVendor = 0x1209; idProduct = 1; };\nudc = "no-such-udc";\n'
                     'functions : { d : { type = "mass_storage"; attrs : { luns = ( { file = "/no-such-image"; } ); }; };\n'
                     '  e : { ffs : { interfaces = ( { } ); }; worker : { exec = [ "no-such-program" ]; user = "root"; }; }; };\n')
    got = ffsctl("check", "--here", path)
    tap.eq((got.returncode, [place for place, _ in messages(got.stderr, "error")]), (69, ["2:7", "3:65", "4:62"]))
    anywhere = ffsctl("--configfs", tmp.name, "check", "--here", file_with(pathlib.Path(path).read_text().replace('udc = "no-such-udc";', "")))
    found = re.findall(r": error: (.*)", anywhere.stderr)
    tap.eq(anywhere.returncode, 69, "exit status")
    tap.ok(any("no-such-image" in text for text in found) and any("no-such-program" in text for text in found), anywhere.stderr)


@tap.test("gadgets to switch to: beside the file or in --dir, or that is said")
def gadgets_to_switch_to():
    with tempfile.TemporaryDirectory() as beside, tempfile.TemporaryDirectory() as named:
        for path in (f"{beside}/one.conf", f"{named}/two.scheme"):
            pathlib.Path(path).write_text("")
        pathlib.Path(beside, "x.conf").write_text(
            'attrs = { idVendor = 0x1209; idProduct = 1; };\n'
            'switch_to = [ "one", "two", "no-such-gadget" ];\nfunctions : { l : { type = "acm"; }; };\n')
        words = [("2:29", f"cannot find gadget file 'no-such-gadget' beside {beside}/x.conf or in the directories that 'ffsctl up' searches")]
        tap.eq(messages(ffsctl("--dir", named, "check", f"{beside}/x.conf").stderr, "warning"), words)
        tap.ok(words[0] in messages(ffsctl("--dir", named, "check", "--here", f"{beside}/x.conf").stderr, "error"))
        shutil.copy(f"{beside}/x.conf", named)  # by its name: only there
        found = messages(ffsctl("--dir", named, "check", "x").stderr, "warning")
        tap.eq([place for place, _ in found], ["2:15", "2:29"])


@tap.test("-q leaves only diagnostics")
def quiet_leaves_diagnostics():
    tap.eq(ffsctl("-q", "check", os.path.join(SRC, "gadget.d", "serial.conf")).stderr, "")


@tap.test("a name is looked up in --dir")
def name_in_directory():
    got = ffsctl("--dir", os.path.join(SRC, "gadget.d"), "check", "loopback")
    tap.eq(got.returncode, 0, "exit status")
    tap.contains(got.stderr, "gadget.d/loopback.conf: no errors")


@tap.test("colours come with --color=always, and never in --format=gcc")
def colours():
    bad = os.path.join(SRC, "tests", "bad", "unknown-key.conf")
    tap.contains(ffsctl("--color=always", "check", bad).stderr, "\033[1;31merror:\033[0m")
    tap.ok("\033" not in ffsctl("--color=always", "check", "--format=gcc", bad).stderr, "colours")
    tap.ok("\033" not in ffsctl("check", bad).stderr, "colours without a terminal")


@tap.test("a terminal is sent no control characters of the file")
def no_control_characters():
    path = file_with('name = "\033]0;owned\007";\n' + SMALLEST)
    got = ffsctl("check", path)
    tap.eq(got.returncode, 65, "exit status")
    tap.eq([c for c in got.stderr if ord(c) < 32 and c != "\n"], [], "control characters")


@tap.test("an error in an included file is told with that file's name and line")
def error_in_included_file():
    file_with("functions : {\n  x : { ffs : { intefaces = ( ); }; };\n};\n", "part.inc")
    path = file_with('# one\n@include "part.inc"\n')
    got = ffsctl("check", path)
    tap.contains(got.stderr, os.path.join(tmp.name, "part.inc") + ":2:17: error: unknown key 'intefaces'")


tap.main()
