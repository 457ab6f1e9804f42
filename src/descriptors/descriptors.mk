# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/descriptors/audio.c \
	src/descriptors/decode.c \
	src/descriptors/foretell.c src/descriptors/foretell.h \
	src/descriptors/functions.c \
	src/descriptors/music.c \
	src/descriptors/rows.c src/descriptors/rows.h \
	src/descriptors/video.c
