# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the tables of doc/hosts.md from what `ffsctl descriptors --json` says of the gadget files that are shipped."""

import json
import os
import subprocess

from systems import REPLAYS

TESTED = "tested in QEMU"
OTHER = "the host selects another configuration"


def interfaces(ffsctl, path):
    """Returns the interfaces of a gadget file that have a driver of their own."""
    printed = subprocess.run([ffsctl, "descriptors", "--json", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             check=True, encoding="utf-8").stdout
    return [i for i in json.loads(printed)["interfaces"] if i["driver_from"] == i["interface"]]


def row_of_host(interface, host):
    """Returns what the table says of a host for an interface; None: the host selects another configuration."""
    row = next(h for h in interface["hosts"] if h["host"] == host)
    return None if row["note"] == OTHER else row


def rows_of_host(found, host):
    """Returns (label of the function, what the table says of this host) of each interface that the host uses."""
    rows = [(i["function"], row_of_host(i, host)) for i in found]
    return [row for row in rows if row[1]]


def cell(rows, is_replayed):
    """Returns "yes", "no", "?", or the functions that have a driver, those that have none, and the others; bold if that was seen
    in QEMU, italic if what the host asks of a device was replayed."""
    if not rows:
        return "?"
    kinds = {"yes": [], "no": [], "?": []}
    for label, row in rows:
        kind = kinds["yes" if row["driver"] else "no" if row["known"] else "?"]
        if label not in kind:
            kind.append(label)
    used = [kind for kind, labels in kinds.items() if labels]
    text = used[0] if len(used) == 1 else "; ".join(f"{kind}: {', '.join(kinds[kind])}" for kind in used)
    if all(row["proof"] == TESTED for _, row in rows):
        return f"**{text}**"
    return f"*{text}*" if is_replayed and text != "?" else text


def table(columns, rows):
    return "".join("| " + " | ".join(row) + " |\n" for row in [columns, ["---"] * len(columns), *rows])


def tables(ffsctl, paths):
    found = {os.path.basename(path).removesuffix(".conf"): interfaces(ffsctl, path) for path in paths}
    hosts = {h["host"]: h["name"] for i in sum(found.values(), []) for h in i["hosts"]}
    first = table(["gadget file", *hosts.values()],
                  [[f"`{name}`", *(cell(rows_of_host(all_, host), host in REPLAYS) for host in hosts)] for name, all_ in found.items()])
    drivers = {}  # (class, what the table says): the hosts of which it says that
    for i in sum(found.values(), []):
        for h in i["hosts"]:
            if h["known"] and h["note"] != OTHER:
                said = tuple(h[key] or "" for key in ("driver", "note", "proof", "source"))
                drivers.setdefault((i["type"], "%02x/%02x/%02x" % tuple(i["class"]), i["compatible_id"] or "", *said), {})[h["name"]] = None
    second = table(["function", "class", "compatible id", "hosts", "driver", "note", "known from"], [
        [type_, class_, id_, ", ".join(names), f"**{driver}**" if driver and proof == TESTED else driver or "none", note, source]
        for (type_, class_, id_, driver, note, proof, source), names in sorted(drivers.items(), key=lambda one: one[0])])
    return "\n" + first + "\n## The drivers\n\n" + second + "\n"
