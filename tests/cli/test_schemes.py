#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A scheme of every function type and of every form that libusbgx imports is taken as it is, and what
ffsctl says about it is exactly what stands beside it. (Those that are refused: tests/bad/*.scheme. What
becomes of the others: tests/lab/configfs/test_schemes.py.)

With --update the .said files are written anew: read the difference before committing it."""

import glob
import json
import os
import subprocess
import sys

import jsonschema

from paths import BUILD, SRC
import tap

FFSCTL = os.path.join(BUILD, "ffsctl")
SCHEMES = os.path.join(SRC, "tests", "schemes")
FILES = sorted(os.path.basename(f) for f in glob.glob(os.path.join(SCHEMES, "*.scheme")))
# reference: what libusbgx 0.3 knows
TYPES = {"acm", "gser", "obex", "ecm", "geth", "ncm", "eem", "rndis", "phonet", "ffs", "mass_storage", "midi",
         "Loopback", "hid", "uac2", "uvc", "printer", "usb9pfs"}


def check(*args):
    got = subprocess.run([FFSCTL, "check", *args], cwd=SCHEMES, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         encoding="utf-8", env=dict(os.environ, LC_ALL="C"), check=False)
    got.stderr = got.stderr.replace(SCHEMES, "DIRECTORY")  # messages have absolute paths of media
    return got


def said(name):
    return os.path.join(SCHEMES, name[:-len(".scheme")] + ".said")


def taken(name):
    got = check(name)
    with open(said(name), encoding="utf-8") as f:
        tap.eq(got.stderr, f.read(), "what is said")
    tap.eq(got.returncode, 0, "exit status")


if sys.argv[1:] == ["--update"]:
    for file in FILES:
        with open(said(file), "w", encoding="utf-8") as out:
            out.write(check(file).stderr)
    sys.exit(0)

for file in FILES:
    tap.test("%s is taken, and this is said" % file, file)(taken)


@tap.test("there is a scheme for every type, and the schema takes all")
def every_type_has_scheme():
    with open(os.path.join(SRC, "schemas", "gadget.schema.json"), encoding="utf-8") as f:
        validator = jsonschema.Draft202012Validator(json.load(f))
    types = set()
    for file in json.loads(check("--json", *FILES).stdout)["files"]:
        validator.validate(file["form"])
        types |= {f["type"] for f in file["form"].get("functions", {}).values()}
    tap.eq(types, TYPES)


tap.main()
