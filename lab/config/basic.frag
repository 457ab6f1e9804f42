# SPDX-License-Identifier: GPL-2.0-or-later
#
# Merged over debug.frag where only FunctionFS, Loopback and SourceSink are wanted (lab/setup
# --basic): what their tests do not use. With KASAN each file takes even longer to compile.
CONFIG_INET=n
CONFIG_NETDEVICES=n
CONFIG_BLOCK=n
CONFIG_IO_URING=n
CONFIG_SYSVIPC=n
CONFIG_POSIX_MQUEUE=n
CONFIG_SECURITYFS=n
