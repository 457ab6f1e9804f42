/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sanitizers' defaults in all fuzz targets; ASAN_OPTIONS and UBSAN_OPTIONS override them. An
 * execution is short and allocates little: a quarantine of 1 MiB instead of 256 fits into the
 * processor's cache. Reports only have the innermost callers of an allocation; run the input again
 * with ASAN_OPTIONS=malloc_context_size=30 to see all. UBSan aborts, because of its errors GCC's
 * runtime does not tell fuzz_main.c in another way.
 */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=2";
}

const char *__ubsan_default_options(void);
__attribute__((visibility("default"))) const char *__ubsan_default_options(void)
{
	return "abort_on_error=1";
}
