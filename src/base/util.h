/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings, arrays, memory and digests: small helpers for every directory of src/. */
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

/* Returns whether two strings are equal; NULL equals only NULL. */
static inline bool streq_null(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

/* Returns the part of `s` after the prefix; NULL if `s` does not begin with it. */
static inline const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static inline bool str_has_prefix(const char *s, const char *prefix)
{
	return str_after(s, prefix);
}

/*
 * Returns by how many bits the suffix 'K', 'M' or 'G' shifts a number (powers of 1024); 0 for other
 * suffixes.
 */
static inline unsigned int size_shift(char suffix)
{
	return suffix == 'K' ? 10 : suffix == 'M' ? 20 : suffix == 'G' ? 30 : 0;
}

/*
 * Returns the start of the next line, or `end`. *length becomes the length of the line at `p`
 * without its newline. The last line may have no newline.
 */
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
 * Allocate small amounts of memory. If there is no memory, the process ends with a message (exit
 * 71), because an error path for that could not be tested. Callers limit sizes that a file or a
 * host controls.
 */
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
/*
 * Maps the pages of memory that the caller will write completely, by one system call instead of a
 * page fault for each page.
 */
void memory_fault_in(void *p, size_t size);
/*
 * Returns memory to the kernel that the process needed only at its start: the free heap, and the
 * read-only pages of the program. When such a page is used again, the kernel reads it from the
 * file.
 */
void memory_release(void);
/* Frees a list that ends with NULL, and its strings; NULL is allowed. */
void strings_free(char **list);
char *xstrdup(const char *s);
/* Returns a copy of the string; NULL for NULL. */
char *xstrdup_or_null(const char *s);
char *xstrndup(const char *s, size_t n);
char *strf(const char *fmt, ...) _printf_(1, 2);
/* Returns the directory part: "/a" of "/a/b"; "" for one component. The caller frees it. */
char *path_parent(const char *path);
/* Returns whether `path` is below `dir`, at any depth. */
bool path_is_below(const char *path, const char *dir);

/*
 * Adds data to a 64-bit FNV-1a digest, which detects changes but not deliberate forgery. The first
 * call gets DIGEST_EMPTY.
 */
#define DIGEST_EMPTY UINT64_C(0xcbf29ce484222325)
uint64_t digest_add(uint64_t digest, const void *data, size_t size);
/* Adds a text with its NUL, so that "a", "bc" and "ab", "c" differ; NULL adds nothing. */
uint64_t digest_add_text(uint64_t digest, const char *text);

/*
 * Grows ARRAY by a zeroed element and yields a pointer to that element. N is the number of
 * elements; it is increased.
 */
#define array_add(array, n)                                                                        \
	({                                                                                         \
		if (((n) & ((n)-1)) == 0)                                                          \
			(array) = xreallocarray((array), (n) ? (n)*2 : 1, sizeof(*(array)));       \
		memset(&(array)[(n)], 0, sizeof(*(array)));                                        \
		&(array)[(n)++];                                                                   \
	})
