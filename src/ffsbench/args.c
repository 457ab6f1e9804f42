/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

#define MAX_LENGTH ((uint64_t)1 << 40)

static int fail_value(struct error *err, const char *s, const char *what)
{
	return error_set(err, EX_USAGE, EINVAL, NULL, "'%s' is not %s", s, what);
}

/* Parses a size at the start of *s and advances *s past it. */
static int parse_size(const char **s, uint64_t *n)
{
	unsigned int shift;
	char *end;

	if (**s < '0' || **s > '9')
		return -EINVAL;
	errno = 0;
	*n = strtoull(*s, &end, 10);
	if (errno)
		return -errno;
	shift = size_shift(*end);
	if (*n > MAX_LENGTH >> shift)
		return -ERANGE;
	*n <<= shift;
	*s = end + (shift ? 1 : 0);
	return 0;
}

int args_size(const char *s, uint64_t *n, struct error *err)
{
	const char *p = s;

	if (parse_size(&p, n) < 0 || *p)
		return fail_value(
			err, s, "a size: an integer up to 1024G, optionally followed by K, M or G");
	return 0;
}

const char *format_size(uint64_t n, char *text, size_t room)
{
	if (n && n % (1 << 20) == 0)
		snprintf(text, room, "%" PRIu64 "M", n >> 20);
	else if (n && n % 1024 == 0)
		snprintf(text, room, "%" PRIu64 "K", n >> 10);
	else
		snprintf(text, room, "%" PRIu64, n);
	return text;
}

int args_seconds(const char *s, unsigned int *ms, struct error *err)
{
	double v;
	char *end;

	v = strtod(s, &end);
	if (end == s || *end || !(v >= 0 && v <= 86400))
		return fail_value(err, s, "a number of seconds from 0 to 86400");
	*ms = (unsigned int)(v * 1000);
	return 0;
}

int args_count(const char *s, unsigned int max, unsigned int *n, struct error *err)
{
	unsigned long v;
	char *end;

	v = strtoul(s, &end, 10);
	if (end == s || *end || *s < '0' || *s > '9' || v > max)
		return error_set(err, EX_USAGE, EINVAL, NULL, "'%s' is not an integer from 0 to %u",
				 s, max);
	*n = (unsigned int)v;
	return 0;
}

static int add_value(struct value_list *l, uint64_t value, uint64_t max)
{
	if (value < 1 || value > max || l->n == LIST_MAX)
		return -ERANGE;
	l->value[l->n++] = value;
	return 0;
}

int args_list(const char *s, uint64_t max, const char *what, struct value_list *l,
	      struct error *err)
{
	const char *p = s;
	uint64_t first, last;

	*l = (struct value_list){ 0 };
	do {
		if (parse_size(&p, &first) < 0)
			goto bad;
		last = first;
		if (*p == '-' && (p++, parse_size(&p, &last) < 0 || last < first))
			goto bad;
		for (; first <= last; first *= 2)
			if (add_value(l, first, max) < 0)
				goto bad;
	} while (*p++ == ',');
	if (!p[-1])
		return 0;
bad:
	return error_set(err, EX_USAGE, EINVAL, NULL,
			 "'%s' is not a list of %s from 1 to %" PRIu64
			 ", like 1,4 or 1-64 (1, 2, 4 ... 64)",
			 s, what, max);
}

static void add_range(struct lengths *l, uint64_t first, uint64_t last)
{
	uint64_t n = last - first + 1;

	l->range = xreallocarray(l->range, l->n + 1, sizeof(*l->range));
	l->range[l->n].first = first;
	l->range[l->n].last = last;
	l->n++;
	l->count += n;
	l->total += (n % 2 ? (first + last) / 2 * n : n / 2 * (first + last));
}

int args_lengths(const char *s, struct lengths *l, struct error *err)
{
	const char *p = s;
	uint64_t first, last;

	*l = (struct lengths){ 0 };
	do {
		if (parse_size(&p, &first) < 0)
			goto bad;
		last = first;
		if (*p == '-') {
			p++;
			if (parse_size(&p, &last) < 0 || last < first || last - first > 1 << 20)
				goto bad;
		}
		add_range(l, first, last);
	} while (*p++ == ',');
	if (!p[-1])
		return 0;
bad:
	lengths_free(l);
	return fail_value(err, s, "a list of lengths like 1-4096,1M,16M");
}

void lengths_even(struct lengths *l, uint64_t total, uint64_t size)
{
	*l = (struct lengths){ 0 };
	l->range = xcalloc(2, sizeof(*l->range));
	l->range[0].first = size;
	l->range[0].last = total % size;
	l->count = total / size + (total % size != 0);
	l->total = total;
}

#define BLOCK 1024 /* a multiple of all packet sizes of bulk endpoints */

/* Returns a pseudo-random number for each `x`, also if the values of `x` are consecutive (the
   output function of splitmix64). */
static uint64_t mix_bits(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static uint64_t random_length(const struct lengths *l, uint64_t message)
{
	uint64_t r = mix_bits(mix_bits(l->seed) + message * 0x9e3779b97f4a7c15);
	uint64_t length = 1 + (r >> 2) % l->max;

	/* One length in four is a multiple of BLOCK, because such messages end with an empty
	   packet and would be rare otherwise. */
	return r % 4 == 0 && length >= BLOCK ? length - length % BLOCK : length;
}

void lengths_random(struct lengths *l, uint64_t count, uint64_t max, uint64_t seed)
{
	*l = (struct lengths){ .count = count, .max = max, .seed = seed };
	for (uint64_t i = 0; i < count; i++)
		l->total += random_length(l, i);
}

uint64_t lengths_get(const struct lengths *l, uint64_t message)
{
	size_t i;

	if (l->max)
		return random_length(l, message);
	if (l->n == 0) /* set by lengths_even() */
		return message + 1 == l->count && l->range[0].last ? l->range[0].last
								   : l->range[0].first;
	for (i = 0; i < l->n; i++) {
		uint64_t n = l->range[i].last - l->range[i].first + 1;

		if (message < n)
			return l->range[i].first + message;
		message -= n;
	}
	return 0;
}

void lengths_free(struct lengths *l)
{
	free(l->range);
	*l = (struct lengths){ 0 };
}
