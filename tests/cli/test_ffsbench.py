#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ffsbench without a device: its help, its manual page, its errors and their documents."""

import json
import os
import re
import subprocess
import tempfile

import jsonschema

from paths import BUILD, SRC
import tap
from tap import contains, eq, ok, test

BENCH = os.path.join(BUILD, "ffsbench")
COMMANDS = ["source", "sink", "verify", "loop", "messages", "latency", "selftest"]
NO_DEVICE = ("--device", "ffff:fffe")  # exists on no machine

with open(os.path.join(SRC, "schemas/ffsbench.schema.json"), encoding="utf-8") as file:
    VALIDATOR = jsonschema.Draft202012Validator(json.load(file))


def run(*args):
    """(exit code, stdout, stderr)"""
    got = subprocess.run([BENCH, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         encoding="utf-8", check=False)
    return got.returncode, got.stdout, got.stderr


@test("--help has each command and option, --version the version")
def help_and_version():
    code, out, err = run("--help")
    eq((code, err), (0, ""))
    eq(re.findall(r"^  ([a-z]+) +[a-z]", out[out.index("commands:"):out.index("options:")], re.M), COMMANDS)
    ok(max(map(len, out.splitlines())) <= 79, out)
    for command in COMMANDS:
        eq(run(command, "--help"), (0, out, ""))
    code, out, err = run("--version")
    ok(code == 0 and re.fullmatch(r"ffsbench \S+\n", out), out)


@test("without a command, or with two, it is the usage on stderr")
def usage_on_stderr():
    for words in ((), ("source", "sink"), ("-q",)):
        code, out, err = run(*words)
        eq((code, out), (64, ""))
        contains(err, "usage: ffsbench COMMAND")


@test("ffsbench(1) has every command and option of --help, and no other")
def manual_matches_help():
    page = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=200", os.path.join(SRC, "man", "ffsbench.1")],
                          stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout
    text = re.sub(".\b", "", page)
    help_text = run("--help")[1]
    section = text[text.index("   Commands\n"):text.index("   Options\n")]
    # A sentence of the description begins in the line of the command, or in the next one if the command is long
    eq(re.findall(r"^     ([a-z]+)(?: +[A-Z].*|\n {10,}[A-Z].*)$", section, re.M), COMMANDS)
    eq(sorted(set(re.findall(r"--[a-z]+", text))), sorted(set(re.findall(r"--[a-z]+", help_text))))


WRONG = [
    (("sours",), "unknown command 'sours'\nhint: use one of source, sink, verify, loop, messages, latency"),
    (("source", "--size", "0"), "'0' is not a list of sizes from 1 to"),
    (("source", "--size", "65M"), "--size must be from 1 to 64M"),
    (("source", "--size", "1K-"), "'1K-' is not a list of sizes"),
    (("source", "--depth", "257"), "'257' is not a list of depths from 1 to 256"),
    (("source", "--depth", "1-x"), "is not a list of depths"),
    (("source", "--seconds", "0"), "--seconds must be greater than 0"),
    (("source", "--bytes", "0"), "--bytes must be greater than 0"),
    (("source", "--repeat", "0"), "--repeat must be greater than 0"),
    (("source", "--count", "5"), "source has no option --count"),
    (("source", "--pattern", "1"), "source has no option --pattern"),
    (("source", "--recover"), "source has no option --recover"),
    (("sink", "--pattern", "2"), "'2' is not an integer from 0 to 1"),
    (("latency", "--depth", "2"), "latency has no option --depth"),
    (("latency", "--bytes", "1M"), "latency has no option --bytes"),
    (("loop", "--lengths", "1", "--size", "2"), "--lengths and --size exclude each other"),
    (("loop", "--lengths", "1", "--bytes", "2"), "--lengths and --bytes exclude each other"),
    (("loop", "--lengths", "2-1"), "'2-1' is not a list of lengths"),
    (("loop", "--transfer", "1K,2K"), "--transfer needs a single size"),
    (("loop", "--seed", "1"), "loop has no option --seed"),
    (("messages", "--count", "0"), "--count must be greater than 0"),
    (("messages", "--lengths", "1"), "messages has no option --lengths"),
    (("verify", "--memory", "fast"), "'fast' is not a kind of memory: auto, zero-copy or ordinary"),
    (("verify", "--json", "--csv"), "--json and --csv exclude each other"),
    (("verify", "--device", "x"), "'x' is not a device"),
    (("verify", "--speed"), "ffsbench: unknown option '--speed'\nhint: did you mean '--seed'?"),
    (("verify", "--quite"), "did you mean '--quiet'?"),
    (("verify", "--nonsense"), "hint: see 'ffsbench --help'"),
    (("verify", "--json=1"), "option '--json' takes no value"),
]


def wrong(args, sentence):
    code, out, err = run(*args)
    eq((code, out), (64, ""), err)
    contains(err, sentence)


for args_, sentence_ in WRONG:
    test("wrong: " + " ".join(args_), args_, sentence_)(wrong)


def absent(command, endpoints):
    sentence = f"cannot find a device ffff:fffe that has {endpoints} endpoint"
    eq(run(command, *NO_DEVICE), (69, "", f"ffsbench: {sentence}\n"))
    code, out, err = run(command, *NO_DEVICE, "--json")
    document = json.loads(out)
    VALIDATOR.validate(document)
    eq((code, document["errors"]), (69, [{"text": sentence, "exit": 69}]))
    eq((document[command]["device"], document[command]["ok"], document[command]["rows"]), (None, False, []))


for command_, endpoints_ in (("source", "an IN"), ("sink", "an OUT"), ("verify", "an OUT or an IN"),
                             ("loop", "an OUT and an IN"), ("messages", "an OUT and an IN"),
                             ("latency", "an OUT and an IN")):
    test(f"no such device: {command_}", command_, endpoints_)(absent)


@test("a chart that cannot be written is an error before anything is measured")
def chart_cannot_be_written():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "no", "chart.svg")
        eq(run("source", *NO_DEVICE, "--plot", path),
           (73, "", f"ffsbench: cannot write {path}: No such file or directory\n"))


OLD = {
    "ffsctl": {"schema": 1, "version": "0.1.0"},
    "loop": {"device": {"bus": 2, "address": 3, "id": "1d6b:0104", "serial": "1", "speed": "super", "interface": 0, "out": 2,
                        "in": 129, "packet": 1024},
             "messages": 4098, "bytes": 26220544, "seconds": 1.5, "bytes_per_second": 17480362.6, "recoveries": 0,
             "ok": True},
    "errors": [],
}


@test("the schema accepts older documents of loop, and rejects invalid ones")
def schema_knows_documents():
    VALIDATOR.validate(OLD)
    bad = ({**OLD, "source": {}}, {k: v for k, v in OLD.items() if k != "loop"}, {**OLD, "loop": {**OLD["loop"], "x": 1}},
           {**OLD, "loop": {k: v for k, v in OLD["loop"].items() if k != "bytes"}})
    for document in bad:
        tap.raises(jsonschema.ValidationError, VALIDATOR.validate, document)


tap.main()
