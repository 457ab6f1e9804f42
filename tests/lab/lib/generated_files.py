# SPDX-License-Identifier: GPL-2.0-or-later
"""Gadget files that tests/fuzz/write_gadget_files.c generates from the table of keys."""

import os
import pathlib
import subprocess

import tap

WRITE = os.path.join(tap.HOST_BUILD, "tests/fuzz/write_gadget_files")
GOOD = pathlib.Path(os.environ["FFSCTL_SRC"]).resolve() / "tests" / "good"
# What generated files name, beside each of them and each of their drop-ins
BESIDE = {"blob": GOOD / "blob", "serial": GOOD / "serial"}


def write(seed, n, directory, medium):
    """Writes the files 1 to `n` to DIRECTORY/NUMBER; a part of the numbers has no file. Yields number and path of each.
    `medium`: the image of all drives."""
    directory = pathlib.Path(directory)
    for place in (directory / str(number) / inner for number in range(1, n + 1) for inner in ("", "gen.conf.d")):
        place.mkdir(parents=True)
        for name, target in {"disk.img": medium, **BESIDE}.items():
            (place / name).symlink_to(target)
    written = subprocess.run([WRITE, "--seed", str(seed), "1", str(n), directory], check=True, stdout=subprocess.PIPE,
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
