# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/plan/difference.c src/plan/difference_apply.c src/plan/difference.h \
	src/plan/fault_injection.c src/plan/fault_injection.h \
	src/plan/files.c src/plan/files.h \
	src/plan/plan.c src/plan/plan.h
