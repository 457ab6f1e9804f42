/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ffsbench's arguments, and the pattern it sends. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/util.h"
#include "host/args.h"
#include "host/pattern.h"

static void size(const char *s, int64_t wanted)
{
	struct error err = { 0 };
	uint64_t n = 0;
	int r = args_size(s, &n, &err);

	if (wanted < 0)
		cr_assert(r < 0 && err.exit == EX_USAGE, "'%s' is accepted", s);
	else
		cr_assert(r == 0 && n == (uint64_t)wanted, "'%s' is %llu", s,
			  (unsigned long long)n);
	error_clear(&err);
}

Test(args, sizes)
{
	size("0", 0);
	size("4096", 4096);
	size("64K", 65536);
	size("16M", 16 << 20);
	size("1024G", (int64_t)1 << 40);
	size("1025G", -1);
	size("", -1);
	size("-1", -1);
	size("K", -1);
	size("1k", -1);
	size("1KB", -1);
	size("99999999999999999999", -1);
}

Test(args, seconds)
{
	struct error err = { 0 };
	unsigned int ms;

	cr_assert(args_seconds("0.25", &ms, &err) == 0 && ms == 250);
	cr_assert(args_seconds("3", &ms, &err) == 0 && ms == 3000);
	cr_assert_lt(args_seconds("-1", &ms, &err), 0);
	cr_assert_lt(args_seconds("nan", &ms, &err), 0);
	cr_assert_lt(args_seconds("1s", &ms, &err), 0);
	cr_assert_lt(args_seconds("", &ms, &err), 0);
	error_clear(&err);
}

Test(args, lengths)
{
	struct error err = { 0 };
	struct lengths l;

	cr_assert_eq(args_lengths("1-4096,1M,16M", &l, &err), 0);
	cr_assert_eq(l.count, 4098u);
	cr_assert_eq(l.total, 4096u * 4097 / 2 + (17u << 20));
	cr_assert_eq(lengths_of(&l, 0), 1u);
	cr_assert_eq(lengths_of(&l, 4095), 4096u);
	cr_assert_eq(lengths_of(&l, 4096), 1u << 20);
	cr_assert_eq(lengths_of(&l, 4097), 16u << 20);
	lengths_free(&l);
	cr_assert_lt(args_lengths("4-1", &l, &err), 0);
	cr_assert_lt(args_lengths("1,", &l, &err), 0);
	cr_assert_lt(args_lengths("1;2", &l, &err), 0);
	cr_assert_lt(args_lengths("", &l, &err), 0);
	error_clear(&err);
}

Test(args, even_lengths)
{
	struct lengths l;

	lengths_even(&l, 100, 30);
	cr_assert_eq(l.count, 4u);
	cr_assert_eq(lengths_of(&l, 2), 30u);
	cr_assert_eq(lengths_of(&l, 3), 10u);
	lengths_free(&l);
	lengths_even(&l, 60, 30);
	cr_assert_eq(l.count, 2u);
	cr_assert_eq(lengths_of(&l, 1), 30u);
	lengths_free(&l);
	lengths_even(&l, 5, 30);
	cr_assert_eq(l.count, 1u);
	cr_assert_eq(lengths_of(&l, 0), 5u);
	lengths_free(&l);
}

Test(pattern, shows_every_kind_of_damage)
{
	enum { N = 3 << 20, PACKET = 512 };
	unsigned char *data = xcalloc(N, 1);
	struct pattern p;
	size_t i;

	pattern_init(&p);
	pattern_fill(&p, 5, 0, data, N);
	cr_assert_eq(pattern_compare(&p, 5, 0, data, N), (size_t)N);
	/* The same bytes at another place, or in another message. */
	for (i = PACKET; i <= 65536; i *= 2)
		cr_assert_lt(pattern_compare(&p, 5, i, data, PACKET), (size_t)PACKET);
	cr_assert_lt(pattern_compare(&p, 6, 0, data, PACKET), (size_t)PACKET);
	/* In pieces it is the same. */
	cr_assert_eq(pattern_compare(&p, 5, 1000000, data + 1000000, 100000), 100000u);
	data[2000000] ^= 1;
	cr_assert_eq(pattern_compare(&p, 5, 0, data, N), 2000000u);
	cr_assert_eq(pattern_byte(&p, 5, 2000000), data[2000000] ^ 1);
	pattern_free(&p);
	free(data);
}
