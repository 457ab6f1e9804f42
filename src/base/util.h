/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small functions for strings, arrays, memory and digests. */
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

/* Returns the part of `s` after `prefix`; NULL if `s` does not begin with `prefix`. */
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
 * Returns the number of bits by which a number with the suffix 'K', 'M' or 'G' (powers of 1024)
 * must be shifted to the left; 0 for other suffixes.
 */
static inline unsigned int size_suffix_shift(char suffix)
{
	return suffix == 'K' ? 10 : suffix == 'M' ? 20 : suffix == 'G' ? 30 : 0;
}

/*
 * Sets *shift like size_suffix_shift for a unit: "K", "KB" and "KiB" are the same, "" is bytes.
 * Returns false for other units.
 */
static inline bool size_unit_shift(const char *unit, unsigned int *shift)
{
	*shift = size_suffix_shift(*unit);
	return *shift == 0 ? *unit == '\0'
			   : unit[1] == '\0' || streq(unit + 1, "B") || streq(unit + 1, "iB");
}

/*
 * Returns the start of the line after the line at `p`, or `end` if there is none. *skipped_length
 * becomes the length of the line at `p` without its newline. The last line may have no newline.
 */
static inline const char *str_skip_line(const char *p, const char *end, size_t *skipped_length)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));

	*skipped_length = (size_t)((newline ? newline : end) - p);
	return newline ? newline + 1 : end;
}

/* Returns the line after this one, of a string; NULL: this is the last. */
static inline const char *str_next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : NULL;
}

static inline bool str_has_suffix(const char *s, const char *suffix)
{
	size_t ls = strlen(s), lx = strlen(suffix);

	return ls >= lx && streq(s + ls - lx, suffix);
}

/*
 * Allocate small amounts of memory. If there is no memory, the process prints a message and exits
 * with status 71. So callers need no code for this error, which tests could not reach. The caller
 * must limit a size that comes from a file or from a host.
 */
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
/*
 * Makes the kernel allocate all pages of memory that the caller is going to write. One system call
 * is faster than a page fault for each page.
 */
void memory_fault_in(void *p, size_t size);
/*
 * Gives back to the kernel the memory that the process needed only at its start: the free heap, and
 * the read-only pages of the program. When the process uses such a page again, the kernel reads it
 * from the file of the program.
 */
void memory_release_unused(void);
/* Frees an array of strings that ends with NULL, and its strings. `list` may be NULL. */
void strings_free(char **list);
char *xstrdup(const char *s);
/* Returns a copy of the string `s`; NULL if `s` is NULL. */
char *xstrdup_or_null(const char *s);
char *xstrndup(const char *s, size_t n);
/* Returns the formatted text, which the caller frees. */
char *strf(const char *fmt, ...) _printf_(1, 2);
/* Returns the path of the directory: "/a" for "/a/b", "" for "b". The caller frees it. */
char *path_parent(const char *path);
/* Returns the part of the path after the last slash: "b" for "/a/b" and for "b". */
const char *path_last_component(const char *path);
/* Returns whether `path` is below `dir`, at any depth. */
bool path_is_below(const char *path, const char *dir);

/*
 * Adds data to a 64-bit FNV-1a digest and returns the new digest. The first call gets DIGEST_EMPTY.
 * The digest detects changes, but it gives no protection against an attacker.
 */
#define DIGEST_EMPTY UINT64_C(0xcbf29ce484222325)
uint64_t digest_add(uint64_t digest, const void *data, size_t size);
/* Adds a text with its NUL, so that the texts "a", "bc" and the texts "ab", "c" have different
   digests. NULL adds nothing. */
uint64_t digest_add_text(uint64_t digest, const char *text);

/*
 * Appends an element to the array `array`, sets its bytes to 0, and yields a pointer to this
 * element. `n` is the variable with the number of elements, which is increased by 1.
 */
#define array_add(array, n)                                                                        \
	({                                                                                         \
		if (((n) & ((n)-1)) == 0)                                                          \
			(array) = xreallocarray((array), (n) ? (n)*2 : 1, sizeof(*(array)));       \
		memset(&(array)[(n)], 0, sizeof(*(array)));                                        \
		&(array)[(n)++];                                                                   \
	})
