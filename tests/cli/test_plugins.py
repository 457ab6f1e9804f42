# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain,sanitize
"""Plugins as a stranger builds them: one compiler call against the header alone. What they declare
comes out of ffsctl-worker --describe, and what cannot be used is refused with a sentence."""

import glob
import json
import os
import re
import socket
import subprocess
import tempfile

import jsonschema

from paths import BUILD, SRC
from tap import contains, eq, main, sanitized, test

WORKER = os.path.join(BUILD, "ffsctl-worker")
CC, CXX = (os.environ.get(name, default).split() for name, default in (("CC", "cc"), ("CXX", "c++")))
HEAD = '#include <ffsctl/plugin.h>\n'
TABLE = HEAD + 'FFSCTL_PLUGIN = { %s, .name = "x", .summary = "s", .framing = FFSCTL_FRAMING_STREAM, %s };\n'
GOOD = "FFSCTL_PLUGIN_HEAD"
tmp = tempfile.TemporaryDirectory()


def man_example(page):
    """The last literal block of a page that is a C file."""
    with open(os.path.join(SRC, "man", page)) as f:
        blocks = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed", f.read(), re.S | re.M)
    return [b for b in blocks if "#include" in b][-1].replace("\\en", "\\n")


def build(source):
    """Compiles as ffsctl-plugin(3) says; the header is the only thing of ours it may find."""
    with tempfile.TemporaryDirectory() as include:
        os.symlink(os.path.abspath(os.path.join(SRC, "include/ffsctl")), include + "/ffsctl")
        d = tempfile.mkdtemp(dir=tmp.name)
        with open(d + "/x.c", "w") as f:
            f.write(source)
        subprocess.run([*CC, "-Wall", "-Werror", "-shared", "-fPIC", "-o", "x.so", "x.c"], cwd=d,
                       env={"PATH": os.environ["PATH"], "CPATH": include}, check=True)
    return d + "/x.so"


def describe(plugin):
    p = subprocess.run([WORKER, "--describe", plugin], capture_output=True, text=True)
    return p.returncode, p.stdout, p.stderr


def good(plugin):
    status, out, err = describe(plugin)
    eq((status, err), (0, ""))
    value = json.loads(out)
    with open(os.path.join(SRC, "schemas/plugin.schema.json")) as f:
        jsonschema.Draft202012Validator(json.load(f)).validate(value)
    return value["plugin"]


def bad(source, text):
    status, out, err = describe(build(source))
    eq((status, out), (125, ""), err)
    contains(err, text)
    eq(err.count("\n"), 1 + text.count("\n"), "lines on stderr")


@test("loopback says what it is")
def loopback_describes_itself():
    p = good(os.path.join(BUILD, "src/plugins/loopback.so"))
    eq((p["name"], p["mode"], p["needs"], p["options"]), ("loopback", "message", [], []))
    eq((p["size"], p["depth"], p["out_length"]), (65536, 8, 0))


def declared_options(plugin):
    """{name: (type, required, default, choices)}. Where "not set" must be told from the default, the table has no
    default, and the description names it."""
    def default(option):
        described = re.search(r"(\S+) (?:if not set|\(default\))", option["doc"])
        return option["default"] or (described[1] if described else None)
    return {o["name"]: (o["type"], o["required"], default(o), o.get("choices", [])) for o in plugin["options"]}


def documented_options(page):
    """{plugin: {option: (type, required, default, text)}} of the section PLUGINS."""
    found, plugin = {}, None
    for item in re.split(r"^(?=\.It |\.Ss )", page.split("\n.Sh PLUGINS\n")[1].split("\n.Sh ")[0], flags=re.M):
        head, _, text = item.partition("\n")
        option = re.fullmatch(r"\.It Cm (\w+(?: , Cm \w+)*) Pq (\w+)(, required)?", head)
        if option:
            default = re.search(r"^Default: (\S+)\.$", text, re.M)
            for word in option[1].split(" , Cm "):
                found[plugin][word] = (option[2], bool(option[3]), default and default[1], text)
        else:
            named = re.fullmatch(r"\.(?:It Cm|Ss The plugin) (\w+)", head)
            plugin = named[1] if named else plugin
            found.setdefault(plugin, {})
    return found


@test("ffsctl-gadget(5) has every plugin and option, with type, default and choices, and no other")
def manual_has_every_option():
    with open(os.path.join(SRC, "man", "ffsctl-gadget.5"), encoding="utf-8") as f:
        documented = documented_options(f.read())
    documented.pop(None)  # what is before the first
    plugins = (good(path) for path in sorted(glob.glob(os.path.join(BUILD, "src/plugins/*.so"))))
    declared = {plugin["name"]: declared_options(plugin) for plugin in plugins}
    eq(sum(map(len, declared.values())) > 15, True, "options")
    eq({plugin: {word: option[:3] for word, option in options.items()} for plugin, options in documented.items()},
       {plugin: {word: option[:3] for word, option in options.items()} for plugin, options in declared.items()})
    eq([(plugin, word, choice) for plugin, options in declared.items() for word, option in options.items()
        for choice in option[3] if not re.search(r"\b%s\b" % choice, documented[plugin][word][3])], [], "choices")


@test("the example of ffsctl-plugin(3) is a plugin")
def manual_example_is_plugin():
    source = man_example("ffsctl-plugin.3")
    p = good(build(source))
    eq((p["name"], p["mode"]), ("count", "message"))
    # "A plugin of 30 lines is possible"
    eq(len([l for l in source.splitlines() if l.strip(" \t{}")]) <= 35, True)


@test("a plugin needs no symbol from anyone but the C library")
def needs_only_c_library():
    out = subprocess.run(["nm", "-D", "--undefined-only", build(man_example("ffsctl-plugin.3"))],
                         capture_output=True, text=True, check=True).stdout
    ours = [l for l in out.split() if "ffsctl" in l or "stream_" in l]
    eq(ours, [])


@test("options, needs and defaults come out as they were declared")
def options_needs_defaults():
    options = """static const char *const few[] = { "a", "b", 0 };
static const struct ffsctl_option o[] = {
	{ .name = "s", .type = FFSCTL_OPTION_STRING, .choices = few, .default_value = "a" },
	{ .name = "i", .type = FFSCTL_OPTION_INT, .required = 1, .min = -5, .max = 5, .doc = "int" },
	{ .name = "z", .type = FFSCTL_OPTION_SIZE, .default_value = "64K" }, { 0 } };
"""
    table = TABLE % (GOOD, ".options = o, .needs = FFSCTL_NEED_NETWORK | FFSCTL_NEED_FILES, "
                           ".transfer_size = 512, .transfers_per_endpoint = 2, .out_transfer_length = 256")
    p = good(build(HEAD + options + table))
    eq(p["needs"], ["network", "files"])
    eq((p["size"], p["depth"], p["out_length"]), (512, 2, 256))
    eq(p["options"], [
        {"name": "s", "type": "string", "required": False, "default": "a", "doc": "",
         "choices": ["a", "b"]},
        {"name": "i", "type": "int", "required": True, "default": None, "doc": "int", "min": -5,
         "max": 5},
        {"name": "z", "type": "size", "required": False, "default": "64K", "doc": ""},
    ])


@test("a table that is shorter than ours counts as zero behind its end")
def short_table_is_zero_filled():
    size = ".version = 1, .size = __builtin_offsetof(struct ffsctl_plugin, transfer_size)"
    p = good(build(TABLE % (size, ".transfer_size = 4096, .transfers_per_endpoint = 99")))
    eq((p["size"], p["depth"]), (65536, 8))


@test("what is no plugin, or one of another version, is refused with a sentence")
def no_plugin_is_refused():
    bad("int x;", "it has no symbol ffsctl_plugin")
    bad(TABLE % (".version = 2, .size = sizeof(struct ffsctl_plugin)", ""),
        "was built for version 2 of the plugin interface, this ffsctl-worker has version 1\nhint: build the plugin again")
    bad(TABLE % (".version = 1, .size = 8", ""), "is too short: 8 bytes")
    bad(HEAD + "FFSCTL_PLUGIN = { FFSCTL_PLUGIN_HEAD, .summary = \"s\" };", "has no name")
    bad(HEAD + 'FFSCTL_PLUGIN = { FFSCTL_PLUGIN_HEAD, .name = "x", .summary = "s" };',
        "neither stream nor message mode")
    bad(HEAD + 'static const struct ffsctl_option o[] = { { .name = "s", .type = 99 }, { 0 } };\n'
        + TABLE % (GOOD, ".options = o"), "has the unknown type 99")
    status, _, err = describe("/nowhere.so")
    eq(status, 125)
    contains(err, "cannot load plugin /nowhere.so")
    bad(HEAD + 'static const struct ffsctl_option o[] = { { .name = "\\xff", .type = FFSCTL_OPTION_INT }, { 0 } };\n'
        + TABLE % (GOOD, ".options = o"), "not UTF-8")
    bad(HEAD + 'static const struct ffsctl_option o[] = { { .name = "s", .type = FFSCTL_OPTION_INT, '
        '.default_value = "many" }, { 0 } };\n' + TABLE % (GOOD, ".options = o"), "default of option 's'")
    bad(HEAD + 'static const struct ffsctl_option o[] = { { .name = "s", .type = FFSCTL_OPTION_INT }, '
        '{ .name = "s", .type = FFSCTL_OPTION_BOOL }, { 0 } };\n' + TABLE % (GOOD, ".options = o"),
        "has two options 's'")


def work(path, plugin=None, packet=None, size=0, options=None):
    """(exit status, stderr) of a worker with one IN endpoint, whose supervisor has just gone. What it loads
    is `plugin`, handed to it as a descriptor; None: `path`."""
    config = os.path.join(tmp.name, "config.json")
    with open(config, "w") as f:
        json.dump({"ffsctl": {"schema": 1}, "gadget": "g", "function": "f", "mount": "/nowhere",
                   "endpoints": [{"name": "ep1-in", "file": "ep1", "address": 0x81, "type": "bulk", "direction": "in",
                                  "packet": packet or {"high": 512}}],
                   "engine": "auto", "size": size, "depth": 0, "options": options or {}}, f)
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.close()
    with theirs:
        p = subprocess.run(["sh", "-c", 'LISTEN_PID=$$ exec "$0" "$1" 3<"$2" 4<&0 5<>/dev/null 6<"$3"',
                            WORKER, path, config, plugin or "/dev/null"], stdin=theirs, capture_output=True, text=True,
                           env={**os.environ, "LISTEN_FDS": "4" if plugin else "3",
                                "LISTEN_FDNAMES": "config:control:ep1-in" + (":plugin" if plugin else "")})
    return p.returncode, p.stderr


@test("a worker loads the plugin that was handed to it: it need not be able to walk to the file")
def plugin_by_descriptor():
    good = build(TABLE % (GOOD, ""))
    refusal = "plugin x: unknown option 'none'"  # by which it shows that it was loaded
    for path, plugin in ((good, None), ("/nowhere.so", good)):
        status, err = work(path, plugin, options={"none": 1})
        eq(status, 125, err)
        contains(err, refusal)
    status, err = work("/nowhere.so", options={"none": 1})
    eq(status, 125, err)
    contains(err, "cannot load plugin /nowhere.so")


@test("a worker refuses buffers that hold no packet of one of the speeds, whichever it is")
def buffers_hold_no_packet():
    plugin = build(TABLE % (GOOD, ""))
    sizes = {"full": 64, "high": 512, "super": 1024}
    for packet, size, least in ((sizes, 1023, 1024), ({"full": 64, "high": 512}, 100, 512), ({"full": 64}, 10, 64)):
        status, err = work(plugin, packet=packet, size=size)
        eq((status, err), (125, f"x: error: io.size is {size}, less than a packet of endpoint ep1-in ({least})\n"))


def compiled(compiler, source, suffix):
    path = os.path.join(tmp.name, "header" + suffix)
    with open(path, "w") as f:
        f.write(source)
    p = subprocess.run([*compiler, "-shared", "-fPIC", "-Werror", "-I", os.path.join(SRC, "include"), "-o",
                        os.path.join(tmp.name, "header.so"), path], capture_output=True, text=True)
    eq((p.returncode, p.stderr), (0, ""), " ".join(compiler))
    return os.path.join(tmp.name, "header.so")


@test("the headers are C99, and C++; a plugin in C++ is one")
def headers_are_c99_and_cpp():
    strict = ["-Wall", "-Wextra", "-Wpedantic"]
    headers = "".join("#include <ffsctl/%s>\n" % h for h in sorted(os.listdir(os.path.join(SRC, "include/ffsctl"))))
    with open(os.path.join(SRC, "examples/plugin-template/mine.c")) as f:
        template = f.read()
    eq(good(compiled([*CC, "-std=c99", *strict], headers + template, ".c"))["name"], "mine")
    for h in os.listdir(os.path.join(SRC, "include/ffsctl")):  # each by itself
        compiled([*CC, "-std=c99", *strict], "#include <ffsctl/%s>\nextern int x;\nint x;\n" % h, ".c")
        compiled([*CXX, "-std=c++11", *strict], "#include <ffsctl/%s>\nint x;\n" % h, ".cc")
    plugin = """static void done(ffsctl_host *host, ffsctl_transfer *t) { host->call->release_transfer(host, t); }
FFSCTL_PLUGIN = { FFSCTL_PLUGIN_HEAD, .name = "plus", .summary = "s", .framing = FFSCTL_FRAMING_STREAM, .done = done };
"""
    eq(good(compiled([*CXX, "-std=c++20", "-Wall"], headers + plugin, ".cc"))["name"], "plus")


def public_names(header):
    """Members of its structs, callbacks and calls among them, and the values of its enums."""
    with open(os.path.join(SRC, "include/ffsctl", header)) as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    for kind, body in re.findall(r"^(struct|enum) \w+ \{\n(.*?)^\};", text, re.S | re.M):
        if kind == "enum":
            yield from re.findall(r"^\s*(\w+) =", body, re.M)
        for member in body.split(";") if kind == "struct" else ():
            names = re.search(r"\(\*(\w+)\)\(", member)
            yield from [names.group(1)] if names else re.findall(r"\*?\b(\w+)(?=\s*(?:,|$))", member.strip())


@test("ffsctl-plugin(3) has every struct's every member, and every value")
def manual_has_every_member():
    with open(os.path.join(SRC, "man/ffsctl-plugin.3")) as f:
        page = set(re.findall(r"\w+", f.read()))
    names = set(public_names("plugin.h"))
    eq(len(names) > 85, True, names)
    eq(sorted(names - page), [])


# --- ffsctl plugins ---

FFSCTL = os.path.join(BUILD, "ffsctl")
SANITIZED = sanitized()


def ffsctl(*args, **kwargs):
    p = subprocess.run([FFSCTL, *args], capture_output=True, text=True, errors="replace", timeout=60, **kwargs)
    return p.returncode, p.stdout, p.stderr


def schema(name):
    with open(os.path.join(SRC, "schemas", name)) as f:
        return json.load(f)


def document(*args, status=0):
    got, out, err = ffsctl("plugins", *args, "--json")
    eq((got, err), (status, ""))
    which = schema("plugins.schema.json")
    store = {"plugin.schema.json": schema("plugin.schema.json")}
    jsonschema.Draft202012Validator(which, resolver=jsonschema.RefResolver("", which, store=store)).validate(json.loads(out))
    return json.loads(out)


@test("plugins lists what is installed: name, summary, path")
def lists_installed_plugins():
    listed = document()
    eq([p["plugin"] for p in listed["plugins"]], sorted(f[:-3] for f in os.listdir(os.path.join(BUILD, "src/plugins"))
                                                        if f.endswith(".so")))
    status, out, err = ffsctl("plugins")
    eq((status, err), (0, ""))
    eq(len(out.splitlines()), len(listed["plugins"]))
    for p, line in zip(listed["plugins"], out.splitlines()):
        eq(line.split()[0], p["plugin"])
        contains(line, p["declares"]["summary"])
        contains(line, p["path"])


@test("plugins NAME shows all that it declares")
def shows_one_plugin():
    p = document("sourcesink")["plugins"][0]
    eq(p["declares"], good(p["path"]))
    _, out, _ = ffsctl("plugins", "sourcesink")
    for text in ("sourcesink: ", p["path"], "stream", "65536 bytes", "8 transfers", "int, 0 to 2; default 0",
                 p["declares"]["options"][0]["doc"]):
        contains(out, text)
    options = """static const char *const few[] = { "a", "b", 0 };
static const struct ffsctl_option o[] = {
	{ .name = "s", .type = FFSCTL_OPTION_STRING, .choices = few, .required = 1, .doc = "first\\nline\\033[31m" },
	{ 0 } };
"""
    path = build(HEAD + options + TABLE % (GOOD, ".options = o, .needs = FFSCTL_NEED_NETWORK | FFSCTL_NEED_PROGRAMS,"
                                                 ".out_transfer_length = 1024"))
    _, out, err = ffsctl("plugins", os.path.basename(path) + "/../x.so", cwd=os.path.dirname(path))
    contains(err, "cannot find plugin")
    _, out, err = ffsctl("plugins", "./x.so", cwd=os.path.dirname(path))
    for text in ("network, programs", "1024 bytes each", "string: a, b; required", "first?line?[31m"):
        contains(out, text)
    eq(document(path)["plugins"][0]["path"], path)


@test("a plugin that is not there is told by 69, in the document, too")
def missing_plugin():
    status, out, err = ffsctl("plugins", "no-such")
    eq((status, out), (69, ""))
    contains(err, "cannot find plugin 'no-such'")
    eq([e["exit"] for e in document("no-such", status=69)["errors"]], [69])
    eq(ffsctl("plugins", "a", "b")[0], 64)


CONSTRUCTOR = """#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
__attribute__((constructor)) static void begin(void) { %s }
"""


def hostile(code):
    return build(CONSTRUCTOR % code + TABLE % (GOOD, ""))


@test("a plugin that hangs, dies, lies or floods as it is loaded costs that plugin, not ffsctl")
def plugin_misbehaves_while_loading():
    for code, text in (
            ("abort();", "by signal 6 (Aborted)"),
            ("_exit(0);", "cannot read the declaration"),
            ("_exit(9);", "the plugin host exited with 9"),
            ("write(4, \"{}\", 2); _exit(0);", "cannot read the declaration"),
            ("for (;;) { char b[4096] = \"\"; if (write(4, b, sizeof(b)) < 0) _exit(1); }", "its declaration has more than"),
            ("signal(SIGTERM, SIG_IGN); for (;;) pause();", "not loaded within 5 s"),
    ):
        status, out, err = ffsctl("plugins", hostile(code))
        eq((status, out), (69, ""), code)
        contains(err, text)
    # What it prints is no table, and what it says on stderr is not heard if all is well.
    good_all_the_same = document(hostile('puts("{}"); fprintf(stderr, "%04096d", 1); fprintf(stderr, "%04096d", 2);'))
    eq(good_all_the_same["plugins"][0]["declares"]["name"], "x")


@test("a plugin is loaded with no privilege, variable, descriptor or child to be had")
def loaded_without_privileges():
    path = hostile("""
        extern char **environ;
        int fds = 0, i;
        for (i = 3; i < 64; i++) fds += lseek(i, 0, SEEK_CUR) >= 0 || errno != EBADF;
        fprintf(stderr, "ffsctl-worker: uid %d child %d new %d bound %d variables %d fds %d\\n", (int)geteuid(),
                (int)fork(), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_CAPBSET_READ, 21, 0, 0, 0),
                environ[0] != 0, fds);
        _exit(125);""")
    _, _, err = ffsctl("plugins", path, env={"SECRET": "x"})
    said = re.search(r"uid (\d+) child (-?\d+) new (\d) bound (\d) variables (\d) fds (\d+)", err).groups()
    # The plugin itself, by which it is loaded (and loading opens it again), and the pipe of its answer.
    root = os.geteuid() == 0
    eq(said[0], "65534" if root else str(os.geteuid()))
    eq(said[1], "-1" if not SANITIZED else said[1])
    eq((said[2], said[4]), ("1", "1" if SANITIZED else "0"))
    eq(said[3], "0" if root else said[3])
    eq(int(said[5]) <= 3, True, err)


# --- ffsctl check ---

HEADER = "attrs = { idVendor = 0x1209; idProduct = 1; };\nfunctions : {\n"
FUNCTION = """  %s : { ffs : { interfaces = ( { endpoints = ( "bulk-in", "bulk-out" ); } ); };
    worker : { %s };
  };
"""


def check(*workers, args=()):
    path = os.path.join(tmp.name, "checked.conf")
    with open(path, "w") as f:
        f.write(HEADER + "".join(FUNCTION % (chr(97 + i), w) for i, w in enumerate(workers)) + "};\n")
    status, _, err = ffsctl("check", "--format=gcc", *args, path)
    return status, re.findall(r"^\S+?:(\d+:\d+): (error|warning): (.*)$", err, re.M)


@test("check: options that a plugin does not take are errors at their places, all of them in one run")
def check_refuses_options():
    status, said = check(
        'plugin = "sourcesink"; options : { patern = 1; pattern = "x"; }; io : { size = 16; };',
        'plugin = "loopback"; options : { pattern = 1; }; reddy = 1;',
        'plugin = "sourcesink"; options : { pattern = 9; };',
        'plugin = "sourcesink"; options : { pattern = 2; };')
    eq(status, 65)
    eq(said, [
        ("4:51", "error", "plugin 'sourcesink' has no option 'patern'; did you mean 'pattern'?"),
        ("4:73", "error", "option 'pattern' must be an integer"),
        ("4:95", "error", "'size' must be at least a packet of this function, 1024 bytes"),
        ("7:49", "error", "plugin 'loopback' has no options"),
        ("7:65", "error", "unknown key 'reddy' in 'worker'; did you mean 'ready'?"),
        ("10:61", "error", "option 'pattern' must be 0 to 2, not 9"),
    ])


EVERY_TYPE = HEAD + """static const char *const few[] = { "red", "green", 0 };
static const struct ffsctl_option o[] = {
	{ .name = "text", .type = FFSCTL_OPTION_STRING, .choices = few },
	{ .name = "flag", .type = FFSCTL_OPTION_BOOL },
	{ .name = "ratio", .type = FFSCTL_OPTION_FLOAT },
	{ .name = "room", .type = FFSCTL_OPTION_SIZE, .min = 1024, .max = 1 << 20 },
	{ .name = "path", .type = FFSCTL_OPTION_STRING, .required = 1 }, { 0 } };
""" + TABLE % (GOOD, ".options = o, .transfer_size = 512, .out_transfer_length = 512")


@test("check: each type, choices, what is required, and sizes that a plugin cannot do with")
def check_types_and_sizes():
    path = build(EVERY_TYPE)
    worker = 'plugin = "%s"; ' % path
    status, said = check(
        worker + 'io : { size = 1024; }; options : { text = "blue"; flag = 1; ratio = "1"; room = 5; path = 7; };',
        worker + 'io : { size = 1024; };',
        worker + 'io : { size = 1024; }; options : { text = "green"; flag = true; ratio = 1; room = "64K"; path = ""; };',
        worker + 'options : { path = "x"; };',
        worker + 'io : { size = 1024; }; options : { text = "blue\\x1b"; path = ( ); flag = { }; };')
    eq(status, 65)
    eq([(place.split(":")[0], text) for place, _, text in said], [
        ("4", "option 'text' cannot be 'blue'; use 'red' or 'green'"),
        ("4", "option 'flag' must be true or false"),
        ("4", "option 'ratio' must be a number"),
        ("4", "option 'room' must be 1024 to 1048576, not 5"),
        ("4", "option 'path' must be a string"),
        ("7", "plugin '%s' needs the option 'path'" % path),
        ("13", "plugin '%s' has buffers of 512 bytes, but packets of this function have 1024; set 'io.size'" % path),
        ("16", "option 'text' cannot be 'blue?'; use 'red' or 'green'"),
        ("16", "option 'path' must be a string"),
        ("16", "option 'flag' must be true or false"),
    ])


@test("check: a plugin that is not here, or cannot be loaded, is a warning, and an error with --here")
def check_plugin_missing():
    broken = build("int x;")
    workers = ('plugin = "no-such"; options : { any = 1; };', 'plugin = "%s"; options : { any = 1; };' % broken)
    status, said = check(*workers)
    eq((status, [(place, severity) for place, severity, _ in said]), (0, [("4:25", "warning"), ("7:25", "warning")]))
    contains(said[0][2], "cannot find plugin 'no-such'")
    contains(said[1][2], "it has no symbol ffsctl_plugin")
    status, said = check(*workers, args=["--here"])
    eq([severity for _, severity, text in said if "plugin" in text], ["error", "error"])


@test("check: one child for each plugin, however many workers and files name it")
def check_one_child_per_plugin():
    path, times = os.path.join(tmp.name, "many.conf"), os.path.join(tmp.name, "times")
    # A plugin may read: each load takes a byte
    os.mkfifo(times)
    os.chmod(times, 0o644)
    os.chmod(tmp.name, 0o755)
    fifo = os.open(times, os.O_RDWR | os.O_NONBLOCK)
    os.write(fifo, b"12345678")
    plugin = hostile('char c; if (read(open("%s", O_RDONLY), &c, 1) != 1) abort();' % times)
    with open(path, "w") as f:
        f.write(HEADER + "".join(FUNCTION % ("f%d" % i, 'plugin = "%s"' % plugin) for i in range(4)) + "};\n")
    status, _, err = ffsctl("check", path, path)
    eq((status, err.count("no errors"), os.read(fifo, 100)), (0, 2, b"2345678"))
    os.close(fifo)


@test("check: OUT transfers that dmabuf copies on some kernels are a warning")
def check_dmabuf_copies():
    fixed = build(EVERY_TYPE.replace("transfer_size = 512, .out_transfer_length = 512", "transfer_size = 1024, .out_transfer_length = 1024"))
    status, said = check('plugin = "loopback"; io : { engine = "dmabuf"; };',
                         'plugin = "%s"; options : { path = ""; }; io : { engine = "dmabuf"; };' % fixed,
                         'plugin = "%s"; options : { path = ""; }; io : { size = 1023; };' % fixed,
                         'plugin = "%s"; options : { path = ""; }; io : { size = 1024; };' % fixed)
    eq((status, said), (65, [
        ("4:53", "warning", "kernels without ffsctl's patches copy OUT transfers: plugin 'loopback' does not declare their length "
                            "(out_transfer_length), which engine \"dmabuf\" needs there"),
        ("10:%d" % (said[1:] and int(said[1][0].split(":")[1])), "error",
         "'size' must be at least a packet of this function, 1024 bytes"),
    ]))


@test("check: what a gadget file allows and the plugin does not declare has no effect, which is a warning")
def check_allow_closes():
    status, said = check('plugin = "loopback"; allow = ( "files", "network" );', 'plugin = "bridge"; allow = ( "files" );',
                         'plugin = "loopback"; allow = ();')
    eq((status, [(place.split(":")[0], severity, text) for place, severity, text in said if "has no effect" in text]), (0, [
        ("4", "warning", "\"%s\" has no effect: plugin 'loopback' does not declare that it needs this permission" % word)
        for word in ("files", "network")]))


@test("check: what has no room in the mount's memory with engine mmap is a warning")
def check_mmap_room():
    status, said = check('plugin = "loopback"; io : { engine = "mmap"; depth = 256; };',
                         'plugin = "loopback"; io : { engine = "mmap"; };',
                         'plugin = "loopback"; io : { depth = 256; };',
                         'plugin = "no-such"; io : { engine = "mmap"; size = 1048576; depth = 9; };')
    eq(status, 0)
    eq([s for s in said if "cannot find plugin" not in s[2]], [
        ("4:53", "warning", "2 endpoints with 256 transfers of 65536 bytes need 32 MiB of mapped memory, but the mount "
                            "has 16 MiB: the transfers that do not fit are copied; raise 'mount.mmap_memory_mb', or lower 'depth' or 'size'"),
        ("13:52", "warning", "2 endpoints with 9 transfers of 1048576 bytes need 18 MiB of mapped memory, but the mount "
                             "has 16 MiB: the transfers that do not fit are copied; raise 'mount.mmap_memory_mb', or lower 'depth' or 'size'"),
    ])


main()
