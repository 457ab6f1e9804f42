/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things that every room needs: strings that cannot fail quietly, array sizes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_ __attribute__((unused))

static inline bool streq(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}

/* Equal, where NULL equals only NULL. */
static inline bool streq_null(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

/* What follows the prefix; NULL: it begins otherwise. */
static inline const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static inline bool str_has_prefix(const char *s, const char *prefix)
{
	return str_after(s, prefix);
}

/* What "K", "M" and "G" behind a number mean (powers of 1024), in bits to shift by; of others 0. */
static inline unsigned int size_shift(char suffix)
{
	return suffix == 'K' ? 10 : suffix == 'M' ? 20 : suffix == 'G' ? 30 : 0;
}

/* Behind the line at `p`; `*length` is its own, without the newline that the last one may lack. */
static inline const char *str_next_line(const char *p, const char *end, size_t *length)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));

	*length = (size_t)((newline ? newline : end) - p);
	return newline ? newline + 1 : end;
}

static inline bool str_has_suffix(const char *s, const char *suffix)
{
	size_t ls = strlen(s), lx = strlen(suffix);

	return ls >= lx && streq(s + ls - lx, suffix);
}

/*
 * Memory that is small and needed to say anything at all: running out of it ends the process with
 * a message (exit 71) instead of an error path that no one can test. What a file or a host can
 * make large has its own limit before it gets here.
 */
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
/* Of memory that will be written all over: its pages at once, where each would cost a fault. */
void memory_fault_in(void *p, size_t size);
/*
 * What was needed to begin is not needed to go on: free memory, and the program's own pages, of
 * which those that are needed come again from its file.
 */
void memory_release(void);
/* A list that ends with NULL, and what is in it; NULL does nothing. */
void strings_free(char **list);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *strf(const char *fmt, ...) _printf_(1, 2);
/* What a path is in: "/a" of "/a/b"; "" when it has one component only. The caller frees it. */
char *path_parent(const char *path);
/* Whether it is somewhere in that directory. */
bool path_is_below(const char *path, const char *dir);

/*
 * FNV-1a, 64 bits: whether something is what it was, among people who do not mean to deceive.
 * Begins with DIGEST_EMPTY.
 */
#define DIGEST_EMPTY UINT64_C(0xcbf29ce484222325)
uint64_t digest_add(uint64_t digest, const void *data, size_t size);
/* With the NUL, so that texts that follow each other are not one; NULL is none. */
uint64_t digest_add_text(uint64_t digest, const char *text);

/* Grows ARRAY by one zeroed element and yields a pointer to it; N is the count, doubled as needed.
 */
#define array_add(array, n)                                                                        \
	({                                                                                         \
		if (((n) & ((n)-1)) == 0)                                                          \
			(array) = xreallocarray((array), (n) ? (n)*2 : 1, sizeof(*(array)));       \
		memset(&(array)[(n)], 0, sizeof(*(array)));                                        \
		&(array)[(n)++];                                                                   \
	})
