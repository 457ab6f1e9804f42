# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/trace/conclusion.c src/trace/conclusion.h \
	src/trace/dialogue.c src/trace/dialogue.h \
	src/trace/host_habits.c src/trace/host_habits.h \
	src/trace/known.c src/trace/known.h \
	src/trace/pcapng.c src/trace/pcapng.h \
	src/trace/request_words.c src/trace/request_words.h \
	src/trace/trace_event.c src/trace/trace_event.h \
	src/trace/tracer.c src/trace/tracer.h
