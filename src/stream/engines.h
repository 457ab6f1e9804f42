/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engines: the only list of them. The plugin host and libffsctl-stream open engines by it
 * (engines.c). Gadget files take the values of `io.engine`, their description and what they need
 * from it, and so do the schemas and ffsctl-gadget(5). It defines no symbol, because ffsctl itself
 * links no engine.
 */
#pragma once

/* What an engine needs that not every kernel or machine has. */
enum stream_needs {
	/* mmap() of endpoint files; the buffers are part of the mount's mmap_memory_mb */
	STREAM_NEEDS_MMAP = 1 << 0,
	/* DMABUFs at endpoints, a device that makes them, and OUT transfers of a fixed length */
	STREAM_NEEDS_DMABUF = 1 << 1,
};

/*
 * A row is ENGINE(NAME, name, needs, description): `name` is the word in gadget files, and
 * stream_engine_NAME in lower case is its struct (stream.h). The fastest comes last: "auto" is the
 * last one that opens, without those that are explicit_only.
 */
#define STREAM_ENGINES(ENGINE)                                                                     \
	ENGINE(COPY, copy, 0, "works with every kernel.")                                          \
	ENGINE(MMAP, mmap, STREAM_NEEDS_MMAP,                                                      \
	       "is zero-copy with memory of the mount (ffs.mount.mmap_memory_mb; data without "    \
	       "room there is copied), and needs ffsctl's kernel patches.")                        \
	ENGINE(DMABUF, dmabuf, STREAM_NEEDS_DMABUF,                                                \
	       "sends data zero-copy from DMA buffers, and needs Linux 6.9, a controller with "    \
	       "scatter-gather, and /dev/udmabuf or a DMA heap; \"auto\" never uses it.")
