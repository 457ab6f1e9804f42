#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12 speed=high machines-arm64 mem=2G timeout=900
# lab qemu: no, an emulated machine in an emulated machine takes too long
"""The same on arm64: the drivers of Debian's Linux for another architecture, behind the same host controller."""

import linux_guest
import tap

linux_guest.Guest.system = "linux-arm64"
tap.cleanup(linux_guest.nothing_is_up)

for words, scenario in linux_guest.SCENARIOS.items():
    tap.test(words)(scenario)

tap.main()
