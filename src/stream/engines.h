/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of all engines. engines.c uses it to open the engine of a plugin host or of
 * libffsctl-stream. The loader of gadget files, the schemas and ffsctl-gadget(5) use it for the
 * values of `io.engine`, their descriptions and their needs. The list defines no symbol, because
 * ffsctl itself links no engine.
 */
#pragma once

/* Features that an engine needs and that some kernels or machines lack. */
enum stream_needs {
	/* mmap() of endpoint files; the buffers count against the mount's limit mmap_memory_mb */
	STREAM_NEEDS_MMAP = 1 << 0,
	/* DMABUFs at endpoints, a device that makes DMABUFs, and OUT transfers of a fixed length */
	STREAM_NEEDS_DMABUF = 1 << 1,
};

/*
 * A row is ENGINE(NAME, name, needs, description): `name` is the value of `io.engine` in
 * gadget files; the engine's struct is stream_engine_NAME, in lower case (stream.h). The fastest
 * engine is the last row. "auto" tries the engines from the last row to the first and uses the
 * first one that opens. It skips engines that are explicit_only.
 */
#define STREAM_ENGINES(ENGINE)                                                                     \
	ENGINE(COPY, copy, 0, "works with every kernel.")                                          \
	ENGINE(MMAP, mmap, STREAM_NEEDS_MMAP,                                                      \
	       "is zero-copy with memory of the mount (ffs.mount.mmap_memory_mb; data without "    \
	       "room there is copied), and needs ffsctl's kernel patches.")                        \
	ENGINE(DMABUF, dmabuf, STREAM_NEEDS_DMABUF,                                                \
	       "sends data zero-copy from DMA buffers, and needs Linux 6.9, a controller with "    \
	       "scatter-gather, and /dev/udmabuf or a DMA heap; \"auto\" never uses it.")
