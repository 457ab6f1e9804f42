# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/functionfs/check_module.c src/functionfs/check_module.h \
	src/functionfs/control_request.c src/functionfs/control_request.h \
	src/functionfs/endpoint.c src/functionfs/endpoint.h \
	src/functionfs/features.c src/functionfs/features.h \
	src/functionfs/keeper.c src/functionfs/keeper.h \
	src/functionfs/keeper_sandbox.c src/functionfs/keeper_sandbox.h \
	src/functionfs/keeper_main.c src/functionfs/keeper_main.h \
	src/functionfs/keeper_setup.c src/functionfs/keeper_state.h \
	src/functionfs/request_index.c src/functionfs/request_index.h \
	src/functionfs/link_speed.c src/functionfs/link_speed.h \
	src/functionfs/link_state.c src/functionfs/link_state.h \
	src/functionfs/mount.c src/functionfs/mount.h \
	src/functionfs/mount_point.c src/functionfs/mount_point.h
