#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A gadget for as long as one host has it, in plain shell. Nothing sleeps: each command returns when
# what it waits for has come, and its exit code tells what has (ffsctl(8), EXIT STATUS).
#
#   ./one-host.sh loopback              a name or a path, and options of `ffsctl up`
#
# It says when a host has the gadget, and takes that away when the host is gone. Its own exit code is
# that of the command that failed: 65 of a file with errors, 69 where something that it needs is not
# there, 73 where another gadget has the name, 75 where neither a UDC nor a host came in a minute.

[ $# -gt 0 ] || {
	echo "usage: $0 GADGET [OPTION...]" >&2
	exit 64
}
gadget=$1

# When this fails it has said why, and nothing is left.
ffsctl up "$@" --wait-udc=60 || exit

# From here on the gadget is ours to take away, however this ends.
trap 'ffsctl -q down "$gadget"' EXIT
trap 'exit 1' HUP INT TERM

# `ffsctl up --wait-host=60` would have been both in one; it leaves a gadget up that no host wants.
ffsctl wait "$gadget" --for configured --timeout 60 || exit
echo "a host has it, at $(ffsctl status "$gadget" -o speed)"

# What is to be done while a host is there begins here.

ffsctl wait "$gadget" --for disconnected || exit
echo "the host is gone"
