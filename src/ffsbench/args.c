/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

#define MAX_LENGTH ((uint64_t)1 << 40)

static int fail_invalid_value(struct error *err, const char *s, const char *what)
{
	return error_set(err, EX_USAGE, EINVAL, NULL, "'%s' is not %s", s, what);
}

/* Parses the size that the text *s begins with, and sets *s to the text behind the size. */
static int parse_leading_size(const char **s, uint64_t *n)
{
	unsigned int shift;
	char *end;

	if (**s < '0' || **s > '9')
		return -EINVAL;
	errno = 0;
	*n = strtoull(*s, &end, 10);
	if (errno)
		return -errno;
	shift = size_suffix_shift(*end);
	if (*n > MAX_LENGTH >> shift)
		return -ERANGE;
	*n <<= shift;
	*s = end + (shift ? 1 : 0);
	return 0;
}

int args_parse_size(const char *s, uint64_t *n, struct error *err)
{
	const char *p = s;

	if (parse_leading_size(&p, n) < 0 || *p)
		return fail_invalid_value(
			err, s, "a size: an integer up to 1024G, optionally followed by K, M or G");
	return 0;
}

const char *format_size(uint64_t n, char *text, size_t text_size)
{
	if (n && n % (1 << 20) == 0)
		snprintf(text, text_size, "%" PRIu64 "M", n >> 20);
	else if (n && n % 1024 == 0)
		snprintf(text, text_size, "%" PRIu64 "K", n >> 10);
	else
		snprintf(text, text_size, "%" PRIu64, n);
	return text;
}

int args_parse_seconds(const char *s, unsigned int *ms, struct error *err)
{
	double v;
	char *end;

	v = strtod(s, &end);
	if (end == s || *end || !(v >= 0 && v <= 86400))
		return fail_invalid_value(err, s, "a number of seconds from 0 to 86400");
	*ms = (unsigned int)(v * 1000 + 0.5);
	return 0;
}

int args_parse_integer(const char *s, unsigned int max, unsigned int *n, struct error *err)
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

static int add_list_value(struct value_list *l, uint64_t value, uint64_t max)
{
	if (value < 1 || value > max || l->n_values == LIST_MAX)
		return -ERANGE;
	l->values[l->n_values++] = value;
	return 0;
}

int args_parse_list(const char *s, uint64_t max, const char *what, struct value_list *l,
		    struct error *err)
{
	const char *p = s;
	uint64_t first, last;

	*l = (struct value_list){ 0 };
	do {
		if (parse_leading_size(&p, &first) < 0)
			goto bad;
		last = first;
		if (*p == '-' && (p++, parse_leading_size(&p, &last) < 0 || last < first))
			goto bad;
		for (; first <= last; first *= 2)
			if (add_list_value(l, first, max) < 0)
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

static void add_length_range(struct message_lengths *l, uint64_t first, uint64_t last)
{
	uint64_t n = last - first + 1;

	l->ranges = xreallocarray(l->ranges, l->n_ranges + 1, sizeof(*l->ranges));
	l->ranges[l->n_ranges].first = first;
	l->ranges[l->n_ranges].last = last;
	l->n_ranges++;
	l->n_messages += n;
	l->total_bytes += (n % 2 ? (first + last) / 2 * n : n / 2 * (first + last));
}

int args_parse_lengths(const char *s, struct message_lengths *l, struct error *err)
{
	const char *p = s;
	uint64_t first, last;

	*l = (struct message_lengths){ 0 };
	do {
		if (parse_leading_size(&p, &first) < 0)
			goto bad;
		last = first;
		if (*p == '-') {
			p++;
			if (parse_leading_size(&p, &last) < 0 || last < first ||
			    last - first > 1 << 20)
				goto bad;
		}
		add_length_range(l, first, last);
	} while (*p++ == ',');
	if (!p[-1])
		return 0;
bad:
	message_lengths_free(l);
	return fail_invalid_value(err, s, "a list of lengths like 1-4096,1M,16M");
}

void message_lengths_divide_equally(struct message_lengths *l, uint64_t total, uint64_t size)
{
	*l = (struct message_lengths){ 0 };
	l->ranges = xcalloc(2, sizeof(*l->ranges));
	l->ranges[0].first = size;
	l->ranges[0].last = total % size;
	l->n_messages = total / size + (total % size != 0);
	l->total_bytes = total;
}

#define BLOCK 1024 /* the packet size of every bulk endpoint divides this number */

/* Returns a pseudo-random number that depends only on `x`. Consecutive `x` have unrelated
   numbers. (This is the output function of splitmix64.) */
static uint64_t pseudo_random(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static uint64_t random_message_length(const struct message_lengths *l, uint64_t message)
{
	uint64_t r = pseudo_random(pseudo_random(l->random_seed) + message * 0x9e3779b97f4a7c15);
	uint64_t length = 1 + (r >> 2) % l->random_max;

	/* One length in four is a multiple of BLOCK. Such messages end with a zero-length
	   packet, and would be rare if all lengths were random. */
	return r % 4 == 0 && length >= BLOCK ? length - length % BLOCK : length;
}

void message_lengths_set_random(struct message_lengths *l, uint64_t count, uint64_t max,
				uint64_t seed)
{
	*l = (struct message_lengths){ .n_messages = count,
				       .random_max = max,
				       .random_seed = seed };
	for (uint64_t i = 0; i < count; i++)
		l->total_bytes += random_message_length(l, i);
}

uint64_t message_length(const struct message_lengths *l, uint64_t message)
{
	size_t i;

	if (l->random_max)
		return random_message_length(l, message);
	if (l->n_ranges == 0) /* the lengths were set by message_lengths_divide_equally() */
		return message + 1 == l->n_messages && l->ranges[0].last ? l->ranges[0].last
									 : l->ranges[0].first;
	for (i = 0; i < l->n_ranges; i++) {
		uint64_t n = l->ranges[i].last - l->ranges[i].first + 1;

		if (message < n)
			return l->ranges[i].first + message;
		message -= n;
	}
	return 0;
}

void message_lengths_free(struct message_lengths *l)
{
	free(l->ranges);
	*l = (struct message_lengths){ 0 };
}
