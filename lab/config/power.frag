# SPDX-License-Identifier: GPL-2.0-or-later
#
# Merged over um.frag for the power flavour: a host that suspends devices (autosuspend). It is not free:
# every event of a device passes through its power state, and hosts suspend what is idle for two
# seconds, so the other flavours do without.
CONFIG_PM=y
# What its tests do not use
CONFIG_IO_URING=n
CONFIG_AUTOFS_FS=n
CONFIG_SOUND=n
CONFIG_MEDIA_SUPPORT=n
CONFIG_FB=n
CONFIG_IIO=n
CONFIG_EXT4_FS=n
CONFIG_VFAT_FS=n
CONFIG_IPV6=n
