# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/function/function.c src/function/function.h \
	src/function/function_files.c \
	src/function/send_to_keeper.c \
	src/function/kernel_device.c \
	src/function/late_disables.c \
	src/function/late_requests.c \
	src/function/daemon_descriptors.c \
	src/function/device_access.c \
	src/function/launch.c src/function/launch.h \
	src/function/launch_config.c \
	src/function/launch_fingerprint.c \
	src/function/launch_environment.c \
	src/function/launch_systemd.c \
	src/function/launch_internal.h \
	src/function/worker_user.c \
	src/function/functions.c src/function/functions.h \
	src/function/kill_processes.c src/function/kill_processes.h \
	src/function/restart_history.c \
	src/function/swap_workers.c \
	src/function/worker_steps.c \
	src/function/worker.c src/function/worker.h \
	src/function/worker_end.c \
	src/function/halt_worker_endpoints.c \
	src/function/worker_io.c \
	src/function/worker_cleanup.c \
	src/function/worker_stats.c \
	src/function/worker_status.c \
	src/function/worker_take_over.c
