/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What AddressSanitizer keeps for its reports, in all fuzz targets; ASAN_OPTIONS has the last word.
 * An execution is short and allocates little: memory that an earlier one freed need not be kept
 * apart, and with 1 MiB of it instead of 256 the processor's cache has it. Of a report's
 * allocation only the innermost callers are known; ASAN_OPTIONS=malloc_context_size=30 shows them
 * all when the input is run again.
 */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=2";
}
