# SPDX-License-Identifier: GPL-2.0-or-later
#
# Merged over um.frag for the 32-bit kernel
CONFIG_64BIT=n
# Debian's i386 has system calls with a time of 32 bits
CONFIG_COMPAT_32BIT_TIME=y
