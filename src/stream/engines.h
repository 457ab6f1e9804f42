/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of all engines. engines.c uses this list to open an engine for a plugin host or for
 * libffsctl-stream. The loader of gadget files, the schemas and ffsctl-gadget(5) use the list for
 * the values of `io.engine`, their descriptions and the features that they need. The list does not
 * refer to the code of the engines, because the program ffsctl, which contains this loader, is
 * linked without the engines.
 */
#pragma once

/* Features that an engine needs and that some kernels or machines do not have. */
enum stream_needed_feature {
	/* mmap() of endpoint files; the option mmap_memory_mb of the mount limits the memory */
	STREAM_NEEDS_MMAP = 1 << 0,
	/* the kernel can attach DMABUFs to endpoints, there is a device that makes DMABUFs, and
	   without ffsctl's kernel patches all OUT transfers have the same length */
	STREAM_NEEDS_DMABUF = 1 << 1,
};

/*
 * A row is ENGINE(NAME, name, needs, description): `name` is the value of `io.engine` in gadget
 * files, at most 15 letters; the engine's struct is stream_engine_`name` (stream.h), in the file
 * `name`.c. The rows are in the order of speed, and the slowest engine is the first row.
 * io.engine = "auto" tries the engines from the last row to the first row, except those with
 * stream_engine.skipped_by_auto, and uses the first engine that can be opened.
 *
 * The sandbox of a worker permits the system calls of process/sandbox.list: an engine that makes
 * other ones must add them. A new feature that an engine needs is a value of enum
 * stream_needed_feature, with a row in probe/features.c; gadgetfile/types/check_plugin.c checks
 * gadget files for it.
 */
#define STREAM_ENGINES(ENGINE)                                                                     \
	ENGINE(COPY, copy, 0, "works with every kernel.")                                          \
	ENGINE(MMAP, mmap, STREAM_NEEDS_MMAP,                                                      \
	       "moves data without copies, in memory that the kernel allocates and the worker "    \
	       "maps, and needs ffsctl's kernel patches; data that does not fit into "             \
	       "ffs.mount.mmap_memory_mb is copied.")                                              \
	ENGINE(DMABUF, dmabuf, STREAM_NEEDS_DMABUF,                                                \
	       "moves data without copies in DMA buffers, and needs Linux 6.9, a controller with " \
	       "scatter-gather, and /dev/udmabuf or a DMA heap; data from the host is copied "     \
	       "unless the kernel has ffsctl's patches or the plugin declares the length of its "  \
	       "transfers; \"auto\" never uses it.")
