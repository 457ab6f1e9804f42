#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The shortest shell script that does the same as `ffsctl up examples/loopback.conf`: it makes a
# gadget with one FunctionFS function, and starts the program "$1" serve, which keeps ep0 open and prints a
# line when the descriptors are written. `shellup.sh down` removes the gadget.
set -e
G=/sys/kernel/config/usb_gadget/sh M=/dev/ffs-sh
if [ "$1" = down ]; then
	echo >$G/UDC
	kill "$(cat /run/shellup.pid)"
	while ! umount $M 2>/dev/null; do :; done
	rm $G/configs/c.1/f /run/shellup.pid
	rmdir $G/configs/c.1 $G/functions/ffs.sh $G/strings/0x409 $G $M
	exit
fi
mkdir $G
cd $G
echo 0x1d6b >idVendor
echo 0x0104 >idProduct
echo 0x0100 >bcdDevice
mkdir strings/0x409 functions/ffs.sh configs/c.1
echo "ffsctl examples" >strings/0x409/manufacturer
echo Loopback >strings/0x409/product
echo 0001 >strings/0x409/serialnumber
ln -s functions/ffs.sh configs/c.1/f
mkdir $M
mount -t functionfs sh $M
mkfifo /run/shellup.ready
"$1" serve $M >/run/shellup.ready 2>/dev/null &
echo $! >/run/shellup.pid
read -r _ </run/shellup.ready
rm /run/shellup.ready
echo dummy_udc.0 >UDC
