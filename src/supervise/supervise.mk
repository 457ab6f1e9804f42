# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/supervise/adopt.c src/supervise/adopt.h \
	src/supervise/await_udc.c \
	src/supervise/bus.c src/supervise/bus_watch.c src/supervise/bus.h \
	src/supervise/control.c src/supervise/control_ask.c src/supervise/control.h \
	src/supervise/control_parts.h \
	src/supervise/describe.c src/supervise/describe.h \
	src/supervise/features.c src/supervise/features.h \
	src/supervise/front.c src/supervise/front_apart.c src/supervise/front_background.c \
	src/supervise/front_force.c src/supervise/front_reload.c src/supervise/front_reexec.c \
	src/supervise/front_switch.c src/supervise/front_take_over.c src/supervise/front_up.c \
	src/supervise/front.h \
	src/supervise/front_parts.h \
	src/supervise/host.c src/supervise/host.h \
	src/supervise/instance.c src/supervise/instance_node.c src/supervise/instance_worker.c \
	src/supervise/instance.h \
	src/supervise/launch.c src/supervise/launch_config.c src/supervise/launch_user.c src/supervise/launch.h \
	src/supervise/launch_parts.h \
	src/supervise/machine.c src/supervise/machine_ours.c src/supervise/machine.h \
	src/supervise/machine_parts.h \
	src/supervise/notify.c src/supervise/notify.h \
	src/supervise/output.c src/supervise/output.h \
	src/supervise/privileges.c src/supervise/privileges.h \
	src/supervise/read_file.c \
	src/supervise/reap.c src/supervise/reap.h \
	src/supervise/reload.c src/supervise/reload_plan.c src/supervise/reload_rules.c \
	src/supervise/reload.h \
	src/supervise/rundir.c src/supervise/rundir.h \
	src/supervise/signals.c \
	src/supervise/spawn.c src/supervise/spawn.h \
	src/supervise/status.c \
	src/supervise/switch.c src/supervise/switch.h \
	src/supervise/supervisor.c src/supervise/supervisor.h \
	src/supervise/unit.c src/supervise/unit_adopt.c src/supervise/unit_halt.c src/supervise/unit_rest.c src/supervise/unit_io.c src/supervise/unit_stats.c \
	src/supervise/unit.h \
	src/supervise/watch.c src/supervise/watch.h
