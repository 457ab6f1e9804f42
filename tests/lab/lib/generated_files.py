# SPDX-License-Identifier: GPL-2.0-or-later
"""Gadget files that tests/fuzz/write_gadget_files.c generates from the table of keys."""

import os
import pathlib
import re
import subprocess

import tap

WRITE = os.path.join(tap.HOST_BUILD, "tests/fuzz/write_gadget_files")
GOOD = pathlib.Path(os.environ["FFSCTL_SRC"]).resolve() / "tests" / "good"
# What generated files name, beside each of them and each of their drop-ins
BESIDE = {"blob": GOOD / "blob", "serial": GOOD / "serial"}

# Why the kernel, or a program, may refuse what `check` has accepted: exit status, what ffsctl says
REASONS = [
    (69, "this kernel has no such attribute"),  # another version, or its configuration; an entry of `tree`
    (69, "this kernel has no such directory"),
    (69, "this kernel has no function '"),
    (69, "this kernel's FunctionFS has no '"),
    (69, "cannot make the function .*: (No such device|Cannot allocate memory)"),  # its kernel device cannot be made
    (69, r'io.engine = "dmabuf" needs /dev/udmabuf'),
    # A directory of `tree` that the gadget, the configuration or the function does not have
    (71, "cannot write '[^']*' to .*/functions/.*/lun[.][0-9]+/ro: Invalid argument"),  # a value in `tree`
    (71, "cannot make .*/usb_gadget/gen/.*: (Operation not permitted|Invalid argument)"),
    (71, "cannot link .*/usb_gadget/gen/functions/.*: Operation not permitted"),  # a link of `tree` that no function has
    (71, "the kernel has 8 serial ports for acm, gser and obex of all gadgets together"),
    (71, "a system can have one function of type tcm"),
    (71, "cannot write '[0-9]+' to .*/functions/midi[.][^/]*/index: Invalid argument"),  # CONFIG_SND_MAX_CARDS
    (76, "ended (before it was ready|within 0[.]5 s of its start): exit "),  # a program without arguments; limits.memory
    (76, "the worker of '[^']*' has failed: exit "),  # the same, of an optional function
    (75, "did not get ready within "),  # a program that does not say so
]
# Why the kernel may not bind the gadget: it comes up with --no-bind
BIND_REASONS = [
    (69, "No such device"),  # endpoints, descriptors of a program, a target
    (69, r"Not supported by this UDC [(]error 524[)]; this UDC has no free endpoint"),  # ENOTSUPP
    (71, "Invalid argument; the kernel logged: \"uvc: Unable to allocate streaming EP\""),  # dummy_udc has no isochronous ones
    (71, "No such file or directory; the kernel logged: \"we need at least one control device\""),  # uac1_legacy
]


def is_one_of(reasons, result):
    return any(result.returncode == code and re.search(text, result.stderr) for code, text in reasons)


def cannot_come_up(result):
    """Returns whether `up` has failed for a reason that the kernel or a program gives."""
    return is_one_of(REASONS, result)


def cannot_bind(result):
    """Returns whether `up` has failed because the kernel may not bind the gadget."""
    return "cannot bind the gadget to the UDC" in result.stderr and is_one_of(BIND_REASONS, result)


def write(seed, n, directory, medium, types=(), first=1):
    """Writes the files `first` to `n` to DIRECTORY/NUMBER; a part of the numbers has no file. Yields number and path of
    each. `medium`: the image of all drives. `types`: types of the functions, of files with only what a host sees."""
    directory = pathlib.Path(directory)
    for place in (directory / str(number) / inner for number in range(first, n + 1) for inner in ("", "gen.conf.d")):
        place.mkdir(parents=True)
        for name, target in {"disk.img": medium, **BESIDE}.items():
            (place / name).symlink_to(target)
    options = ["--seed", str(seed)] + (["--types", ",".join(types)] if types else [])
    written = subprocess.run([WRITE, *options, str(first), str(n), directory], check=True, stdout=subprocess.PIPE,
                             text=True).stdout.split("\n")[:-1]
    for path in map(pathlib.Path, written):
        yield int(path.parent.name), path


def move_groups_to_includes(path):
    """Moves the settings of each outer group of the file to a file of their own, which the group includes. Returns the
    number of these files."""
    kept, moved, depth, is_group = [], [], 0, False
    for line in path.read_text().split("\n")[:-1]:
        depth -= line.startswith(("}", ")"))
        if depth == 0 or not is_group:
            kept.append(line)
        else:
            moved[-1].append(line)
        if depth == 0:
            is_group = line.endswith(" : {")
            if is_group:
                kept.append(f'@include "{path.name}.{len(moved)}"')
                moved.append([])
        depth += line.endswith(("{", "("))
    for n, lines in enumerate([kept, *moved]):
        (path.with_name(f"{path.name}.{n - 1}") if n else path).write_text("".join(line + "\n" for line in lines))
    return len(moved)
