#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=2 speed=super build=plain timeout=240
# lab all: kernel=6.12,6.1 vudcs=2 speed=full,high,super build=plain timeout=1200
"""A host reads what `ffsctl descriptors` predicts, byte for byte and with all strings, of gadgets that are generated from
the table of keys: one or two functions of each type and mixtures, each after another gadget with other values.

PREDICT_SEED and PREDICT_CASE repeat a failure; lab/soak has others in each run."""

import os
import random

import gadgets
import generated_files
import harness
import kernel_functions
import prediction
import tap
from harness import ffsctl, must
from tap import ok, test

harness.leaves_nothing()

KERNEL, FASTEST = os.environ["LAB_KERNEL"], os.environ["LAB_SPEED"]
SEED = int(os.environ.get("SOAK_SEED", os.environ.get("PREDICT_SEED", "1")))
CASES = tap.rounds(8, 8, 250)
ONLY = os.environ.get("PREDICT_CASE")
IMAGE = gadgets.DIRECTORY / "disk.img"
IMAGE.write_bytes(bytes(1 << 20))

TYPES = ["ffs", "ffs", "acm", "gser", "ecm", "eem", "ncm", "rndis", "geth", "phonet", "mass_storage", "hid", "printer",
         "Loopback", "SourceSink", "tcm", "uvc"]
if KERNEL != "6.1":  # which the lab has without sound
    TYPES += ["midi", "midi2", "uac1", "uac2", "uac1_legacy"]
ONE_PER_SYSTEM = {"tcm", "uac1_legacy"}

compared = []


class Refused(Exception):
    """The kernel cannot bring the gadget up, or no host can configure it at the fastest speed."""


def types_of_case(number):
    """Returns the types of the functions: one, two of one type, or a mixture."""
    dice = random.Random(SEED * 1_000_000 + number)
    first = dice.choice(TYPES)
    types = [first] + dice.choice([[], [first], [dice.choice(TYPES)], dice.choices(TYPES, k=3)])
    return [t for n, t in enumerate(types) if t not in ONE_PER_SYSTEM or t not in types[:n]]


def call(command, *args):
    result = ffsctl(command, *(["--timeout", "30"] if command == "up" else []), *args)
    if generated_files.cannot_come_up(result) or generated_files.cannot_bind(result):
        raise Refused(result.stderr)
    must(result)


LABELS = ["f0", "f1", "f2", "a-b"]  # that generated files have


def bound_types(document, types):
    """Returns the type of each function of each configuration, at the speed that has most of them."""
    return max(([types[LABELS.index(label)] for config in speed["configurations"]
                 for label in dict.fromkeys(d["function"] for d in config["descriptors"]) if label]
                for speed in document["speeds"]), key=len)


def up_and_compare(path, types):
    document = prediction.predict(path)
    types = bound_types(document, types)
    isochronous = set(types) & kernel_functions.ISOCHRONOUS or any(map(prediction.needs_isochronous, document["speeds"]))
    fastest = harness.ISOCHRONOUS_SPEED if isochronous else FASTEST
    seen = prediction.speed_of(document, fastest)
    if not seen["configurations"]:  # which no host can configure
        raise Refused(f"no configuration at {seen['speed']} speed")
    with kernel_functions.up_and_configured(path, types, isochronous, seen["speed"], call), prediction.Host() as host:
        return prediction.compare(document, fastest, host).differences


def check(number):
    types = types_of_case(number)
    print(f"# PREDICT_SEED={SEED} PREDICT_CASE={number}: {', '.join(types)}")
    for n, path in generated_files.write(SEED, 2 * number, gadgets.DIRECTORY, IMAGE, types, 2 * number - 1):
        try:
            differences = up_and_compare(path, types)
        except Refused as e:
            print(f"# file {n}: {e}")
            continue
        compared.append(number)
        ok(not differences, f"file {n} of seed {SEED}:\n{path.read_text()}\n" + "\n".join(differences))
        harness.host_lets_go(set())


for number_ in [int(ONLY)] if ONLY else range(1, CASES + 1):
    test(f"case {number_} of seed {SEED}: {', '.join(types_of_case(number_))}", number_)(check)


@test("many gadgets are compared")
def many_are_compared():
    print(f"# {len(compared)} gadgets compared")
    # Linux 6.1 has neither WebUSB nor all attributes
    ok(ONLY or len(compared) > 2 * CASES * (0.3 if KERNEL == "6.1" else 0.5), f"{len(compared)} of {2 * CASES}")


tap.main()
