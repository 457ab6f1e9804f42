# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/plan/difference.c src/plan/difference_apply.c src/plan/difference.h \
	src/plan/fault_injection.c src/plan/fault_injection.h \
	src/plan/directories_and_links.c src/plan/directories_and_links.h \
	src/plan/plan.c src/plan/plan.h
