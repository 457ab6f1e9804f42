#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Keeps a gadget up until one host has used it, in plain shell. Nothing sleeps: each command returns
# when its event has happened, and its exit code reports the result (ffsctl(8), EXIT STATUS).
#
#   ./one-host.sh loopback    # a name or a path, and options of `ffsctl up`
#
# It reports when a host has configured the gadget, and removes the gadget when the host
# disconnects. It exits with the code of the command that failed: 65 if the file has errors, 69 if a
# requirement is missing, 73 if another gadget has the name, 75 if no UDC or no host appeared in a
# minute.

[ $# -gt 0 ] || {
	echo "usage: $0 GADGET [OPTION...]" >&2
	exit 64
}
gadget=$1

# If this fails it prints the reason and leaves nothing behind.
ffsctl up "$@" --wait-udc=60 || exit

# From here on this script removes the gadget, however it ends.
trap 'ffsctl -q down "$gadget"' EXIT
trap 'exit 1' HUP INT TERM

# `ffsctl up --wait-host=60` does both, but leaves the gadget up if no host appears.
ffsctl wait "$gadget" --for configured --timeout 60 || exit
echo "configured by a host at $(ffsctl status "$gadget" -o speed)"

# Add here what to do while the host uses the gadget.

ffsctl wait "$gadget" --for disconnected || exit
echo "the host disconnected"
