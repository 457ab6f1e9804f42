# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/rundir/control.c src/rundir/control.h \
	src/rundir/json_members.c src/rundir/json_members.h \
	src/rundir/log_file.c src/rundir/log_file.h \
	src/rundir/record.c src/rundir/record.h \
	src/rundir/rundir.c src/rundir/rundir.h \
	src/rundir/status.c src/rundir/status.h \
	src/rundir/udc_notes.c src/rundir/udc_notes.h
