# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers of ioctls (asm-generic/ioctl.h). They contain the sizes of structs, some of which are smaller where a long and a
pointer have 32 bits."""

import struct

WRITE, READ = 1, 2


def number(direction, letter, command, form):
    """Returns the number of an ioctl. `form`: its struct, in the format of the module struct."""
    return direction << 30 | struct.calcsize(form) << 16 | ord(letter) << 8 | command


# linux/usbdevice_fs.h
USBDEVFS_CONTROL_FORM = "@BBHHHIP"
USBDEVFS_CONTROL = number(READ | WRITE, "U", 0, USBDEVFS_CONTROL_FORM)
USBDEVFS_BULK = number(READ | WRITE, "U", 2, "@IIIP")
URB_FORM = "@BBiIPiiiiiIP"  # struct usbdevfs_urb
USBDEVFS_SUBMITURB = number(READ, "U", 10, URB_FORM)
USBDEVFS_REAPURB = number(WRITE, "U", 12, "@P")
USBDEVFS_IOCTL_FORM = "@iIP"
USBDEVFS_IOCTL = number(READ | WRITE, "U", 18, USBDEVFS_IOCTL_FORM)

# linux/videodev2.h
V4L2_FORMAT_FORM = "@I0P200s"
VIDIOC_G_FMT = number(READ | WRITE, "V", 4, V4L2_FORMAT_FORM)
VIDIOC_S_FMT = number(READ | WRITE, "V", 5, V4L2_FORMAT_FORM)
V4L2_EVENT_FORM = "@I0q64s2I2l9I0q"
VIDIOC_DQEVENT = number(READ, "V", 89, V4L2_EVENT_FORM)
