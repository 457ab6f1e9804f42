/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/util.h"

#include <link.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

/* Linux 5.14; musl 1.2.3 does not define it */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static void *exit_if_null(void *p)
{
	if (!p) {
		fputs("ffsctl: out of memory\n", stderr);
		exit(EX_OSERR);
	}
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	return exit_if_null(calloc(n ? n : 1, size));
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	return exit_if_null(reallocarray(p, n, size));
}

void memory_fault_in(void *p, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)p + page - 1,
		  end = (uintptr_t)p + size;

	begin -= begin % page;
	end -= end % page;
	/*
	 * For up to 8 pages, page faults are faster than a call of madvise(). Before Linux 5.14,
	 * this madvise() fails, and each page causes a page fault.
	 */
	if (begin + 8 * page < end)
		madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}

/*
 * Gives the memory of the program's read-only pages back to the kernel. This is a callback of
 * dl_iterate_phdr(): it handles the first object, which is the program, and ends the iteration. The
 * program must not have text relocations, because they would be lost.
 */
static int release_readonly_executable_pages(struct dl_phdr_info *info, size_t size _unused_,
					     void *data _unused_)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = (info->dlpi_addr + p->p_vaddr) & ~(page - 1),
			  to = info->dlpi_addr + p->p_vaddr + p->p_memsz;

		/* Writable pages are kept: the kernel could not read their current content from the
		   program's file again. */
		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 1;
}

void memory_release_unused(void)
{
#ifdef __GLIBC__ /* other libraries return free memory by themselves */
	malloc_trim(0);
#endif
	dl_iterate_phdr(release_readonly_executable_pages, NULL);
}

void strings_free(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

char *xstrdup(const char *s)
{
	return exit_if_null(strdup(s));
}

char *xstrdup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	return exit_if_null(strndup(s, n));
}

char *strf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&s, fmt, ap);
	va_end(ap);
	return exit_if_null(r < 0 ? NULL : s);
}

const char *path_last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return xstrndup(path, slash ? (size_t)(slash - path) : 0);
}

bool path_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

uint64_t digest_add(uint64_t digest, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
	return digest;
}

uint64_t digest_add_text(uint64_t digest, const char *text)
{
	return text ? digest_add(digest, text, strlen(text) + 1) : digest;
}
