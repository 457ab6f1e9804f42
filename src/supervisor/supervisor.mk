# SPDX-License-Identifier: GPL-2.0-or-later
# First what runs while a gadget is up (see Makefile.am)
libffsctl_a_SOURCES += \
	src/supervisor/supervisor.c src/supervisor/supervisor.h \
	src/supervisor/signals.c src/supervisor/signals.h \
	src/supervisor/gadget_state.c src/supervisor/gadget_state.h \
	src/supervisor/live_gadget.c src/supervisor/live_gadget.h \
	src/supervisor/write_status.c src/supervisor/write_status.h \
	src/supervisor/host_kernel_log.c \
	src/supervisor/wakeup.c \
	src/supervisor/usb_host.c src/supervisor/usb_host.h \
	src/supervisor/host_log.c src/supervisor/host_log.h \
	src/supervisor/function_callbacks.c src/supervisor/function_callbacks.h \
	src/supervisor/function_failures.c src/supervisor/function_failures.h \
	src/supervisor/service_notify.c src/supervisor/service_notify.h \
	src/supervisor/take_over.c src/supervisor/take_over.h \
	src/supervisor/later_takeover.c \
	src/supervisor/binding.c src/supervisor/binding.h \
	src/supervisor/binding_states.c \
	src/supervisor/binding_in_kernel.c src/supervisor/binding_in_kernel.h \
	src/supervisor/binding_uevents.c \
	src/supervisor/binding_writes.c \
	src/supervisor/rebind_delay.c \
	src/supervisor/optional_functions.c src/supervisor/optional_functions.h \
	src/supervisor/control.c src/supervisor/control.h src/supervisor/control_internal.h \
	src/supervisor/control_answer.c \
	src/supervisor/control_commands.c \
	src/supervisor/await_udc.c \
	src/supervisor/gadget_errors.c src/supervisor/gadget_errors.h \
	src/supervisor/gadget_plan.c src/supervisor/gadget_plan.h \
	src/supervisor/plan_preview.c \
	src/supervisor/privileges.c src/supervisor/privileges.h \
	src/supervisor/up_down.c src/supervisor/up_down.h \
	src/supervisor/read_gadget_file.c src/supervisor/read_gadget_file.h \
	src/supervisor/reexec.c src/supervisor/reexec.h \
	src/supervisor/reload.c src/supervisor/reload.h \
	src/supervisor/reload_plan.c src/supervisor/reload_plan.h \
	src/supervisor/reload_rules.c \
	src/supervisor/switch.c src/supervisor/switch.h \
	src/supervisor/requested_switch.c src/supervisor/requested_switch.h
