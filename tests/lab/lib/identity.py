# SPDX-License-Identifier: GPL-2.0-or-later
"""The serial number and the Ethernet addresses that gadget files get with { from = ... }, computed by the rules of
ffsctl-gadget(5), and the machine id of this machine."""

import hashlib
import hmac
import pathlib

MACHINE_ID = pathlib.Path("/etc/machine-id")


def has_machine_id():
    return MACHINE_ID.exists() and len(MACHINE_ID.read_text().strip()) == 32


def warnings_without_machine_id(path):
    """Returns the number of warnings of `check` about a gadget file that this machine's lack of a machine id causes."""
    with open(path, encoding="utf-8") as file:
        return 0 if has_machine_id() else file.read().count(': { from = "machine-id"; }')


def machine_id():
    """Returns the machine id as the 16 bytes from which values are made. lab/init.c makes it."""
    return bytes.fromhex(MACHINE_ID.read_text().strip())


def code(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def serial_number(key=None):
    """Returns the serial number from "machine-id", or from another machine's id."""
    return code(key or machine_id(), "ffsctl serial number")[:16].hex().upper()


def address(gadget, function, attribute, key=None):
    """Returns the address of "dev_addr" or "host_addr" of the function TYPE.INSTANCE, from "machine-id" or the key."""
    digest = code(key or machine_id(), f"ffsctl address {gadget}/{function}/{attribute}")
    return ":".join(f"{byte:02x}" for byte in (digest[0] & 0xfe | 0x02, *digest[1:6]))
