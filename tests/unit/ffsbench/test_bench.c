/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ffsbench's arguments, data pattern, statistics and charts. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsbench/args.h"
#include "ffsbench/pattern.h"
#include "ffsbench/plot.h"
#include "ffsbench/stats.h"

static void size(const char *s, int64_t wanted)
{
	struct error err = { 0 };
	uint64_t n = 0;
	int r = args_parse_size(s, &n, &err);

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

	cr_assert(args_parse_seconds("0.25", &ms, &err) == 0 && ms == 250);
	cr_assert(args_parse_seconds("3", &ms, &err) == 0 && ms == 3000);
	for (unsigned int wanted = 0; wanted <= 10000; wanted++) {
		char text[16];

		snprintf(text, sizeof(text), "%u.%03u", wanted / 1000, wanted % 1000);
		cr_assert(args_parse_seconds(text, &ms, &err) == 0 && ms == wanted, "'%s' is %u ms",
			  text, ms);
	}
	cr_assert_lt(args_parse_seconds("-1", &ms, &err), 0);
	cr_assert_lt(args_parse_seconds("nan", &ms, &err), 0);
	cr_assert_lt(args_parse_seconds("1s", &ms, &err), 0);
	cr_assert_lt(args_parse_seconds("", &ms, &err), 0);
	error_clear(&err);
}

Test(args, lengths)
{
	struct error err = { 0 };
	struct message_lengths l;

	cr_assert_eq(args_parse_lengths("1-4096,1M,16M", &l, &err), 0);
	cr_assert_eq(l.n_messages, 4098u);
	cr_assert_eq(l.total_bytes, 4096u * 4097 / 2 + (17u << 20));
	cr_assert_eq(message_length(&l, 0), 1u);
	cr_assert_eq(message_length(&l, 4095), 4096u);
	cr_assert_eq(message_length(&l, 4096), 1u << 20);
	cr_assert_eq(message_length(&l, 4097), 16u << 20);
	message_lengths_free(&l);
	cr_assert_lt(args_parse_lengths("4-1", &l, &err), 0);
	cr_assert_lt(args_parse_lengths("1,", &l, &err), 0);
	cr_assert_lt(args_parse_lengths("1;2", &l, &err), 0);
	cr_assert_lt(args_parse_lengths("", &l, &err), 0);
	error_clear(&err);
}

Test(args, even_lengths)
{
	struct message_lengths l;

	message_lengths_divide_equally(&l, 100, 30);
	cr_assert_eq(l.n_messages, 4u);
	cr_assert_eq(message_length(&l, 2), 30u);
	cr_assert_eq(message_length(&l, 3), 10u);
	message_lengths_free(&l);
	message_lengths_divide_equally(&l, 60, 30);
	cr_assert_eq(l.n_messages, 2u);
	cr_assert_eq(message_length(&l, 1), 30u);
	message_lengths_free(&l);
	message_lengths_divide_equally(&l, 5, 30);
	cr_assert_eq(l.n_messages, 1u);
	cr_assert_eq(message_length(&l, 0), 5u);
	message_lengths_free(&l);
}

Test(args, size_names)
{
	char text[24];

	cr_assert_str_eq(format_size(1000, text, sizeof(text)), "1000");
	cr_assert_str_eq(format_size(65536, text, sizeof(text)), "64K");
	cr_assert_str_eq(format_size(3 << 20, text, sizeof(text)), "3M");
}

static void list(const char *s, size_t n, ...)
{
	struct error err = { 0 };
	struct value_list l;
	va_list ap;
	int r = args_parse_list(s, 1 << 22, "sizes", &l, &err);

	if (n == 0) {
		cr_assert(r < 0 && err.exit == EX_USAGE, "'%s' is accepted", s);
		error_clear(&err);
		return;
	}
	cr_assert(r == 0 && l.n_values == n, "'%s' has %zu values", s, l.n_values);
	va_start(ap, n);
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(l.values[i], (uint64_t)va_arg(ap, int), "'%s' at %zu", s, i);
	va_end(ap);
}

Test(args, lists_of_a_sweep)
{
	list("1", 1, 1);
	list("1K,4K,1000", 3, 1024, 4096, 1000);
	list("1-8", 4, 1, 2, 4, 8);
	list("3-13,1", 4, 3, 6, 12, 1);
	list("64K-64K", 1, 65536);
	list("1M-4M", 3, 1 << 20, 1 << 21, 1 << 22);
	list("", 0);
	list("0", 0);
	list("4M,5M", 0);
	list("1-8M", 0);
	list("8-1", 0);
	list("1,", 0);
	list("1-", 0);
	list("1;2", 0);
	list("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
	     "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
	     0);
}

Test(args, random_lengths)
{
	struct message_lengths a, b;
	uint64_t i, total = 0, blocks = 0, differ = 0, shortest = UINT64_MAX, longest = 0;

	message_lengths_set_random(&a, 4000, 5000, 1);
	message_lengths_set_random(&b, 4000, 5000, 2);
	for (i = 0; i < a.n_messages; i++) {
		uint64_t n = message_length(&a, i);

		total += n;
		blocks += n % 1024 == 0;
		differ += n != message_length(&b, i);
		shortest = n < shortest ? n : shortest;
		longest = n > longest ? n : longest;
	}
	cr_assert_eq(total, a.total_bytes);
	cr_assert(shortest >= 1 && shortest < 50 && longest <= 5000 && longest > 4950);
	cr_assert(blocks > 500 && blocks < 1200, "%d multiples of 1024", (int)blocks);
	cr_assert_gt(differ, 3000u);
	message_lengths_free(&b);
	message_lengths_set_random(&b, 4000, 5000, 1);
	for (i = 0; i < a.n_messages; i++)
		cr_assert_eq(message_length(&a, i), message_length(&b, i));
	message_lengths_set_random(&b, 100, 1, 1);
	cr_assert_eq(b.total_bytes, 100u);
}

Test(pattern, detects_every_kind_of_damage)
{
	enum { N = 3 << 20, PACKET = 512 };
	unsigned char *data = xcalloc(N, 1);
	struct pattern p;
	size_t i;

	pattern_init(&p);
	pattern_fill(&p, 5, 0, data, N);
	cr_assert_eq(pattern_n_matching_bytes(&p, 5, 0, data, N), (size_t)N);
	/* The same bytes at another offset, or in another message. */
	for (i = PACKET; i <= 65536; i *= 2)
		cr_assert_lt(pattern_n_matching_bytes(&p, 5, i, data, PACKET), (size_t)PACKET);
	cr_assert_lt(pattern_n_matching_bytes(&p, 6, 0, data, PACKET), (size_t)PACKET);
	/* Filled in pieces the data is the same. */
	cr_assert_eq(pattern_n_matching_bytes(&p, 5, 1000000, data + 1000000, 100000), 100000u);
	data[2000000] ^= 1;
	cr_assert_eq(pattern_n_matching_bytes(&p, 5, 0, data, N), 2000000u);
	cr_assert_eq(pattern_byte(&p, 5, 2000000), data[2000000] ^ 1);
	pattern_free(&p);
	free(data);
}

Test(stats, percentiles_are_measured_values)
{
	double v[1000];

	for (int i = 0; i < 1000; i++)
		v[i] = 1000 - i;
	stats_sort(v, 1000);
	cr_assert_eq(stats_percentile(v, 1000, 0), 1);
	cr_assert_eq(stats_percentile(v, 1000, 50), 500);
	cr_assert_eq(stats_percentile(v, 1000, 90), 900);
	cr_assert_eq(stats_percentile(v, 1000, 99), 990);
	cr_assert_eq(stats_percentile(v, 1000, 99.9), 999);
	cr_assert_eq(stats_percentile(v, 1000, 100), 1000);
	cr_assert_eq(stats_percentile(v, 1, 0), 1);
	cr_assert_eq(stats_percentile(v, 1, 99.9), 1);
	cr_assert_eq(stats_percentile(v, 3, 50), 2);
	cr_assert_eq(stats_percentile(v, 0, 50), 0);
}

Test(stats, medians)
{
	double v[] = { 9, 1, 5, 3 };

	cr_assert_eq(stats_median(v, 4), 4);
	cr_assert_eq(stats_median(v, 3), 3); /* the first call has sorted them: 1, 3, 5 */
	cr_assert_eq(stats_median(v, 1), 1);
	cr_assert_eq(stats_median(v, 0), 0);
}

static double share(unsigned int depth, size_t n, const unsigned int *ended)
{
	struct queue_samples q = { 0 };

	for (size_t i = 0; i < n; i++)
		queue_samples_add(&q, depth, ended[i]);
	return queue_empty_share(&q);
}
#define SHARE(depth, ...)                                                                          \
	({                                                                                         \
		const unsigned int ended[] = { __VA_ARGS__ };                                      \
		share(depth, ARRAY_SIZE(ended), ended);                                            \
	})

Test(stats, a_queue_is_empty_when_all_transfers_had_completed)
{
	cr_assert_eq(SHARE(1, 1, 1, 1), 1);
	cr_assert_eq(SHARE(8, 1, 2, 7), 0);
	cr_assert_eq(SHARE(8, 8, 1, 9, 1), 0.5);
	/* libusb handles 26 at once and then the rest, which belongs to the same sample... */
	cr_assert_eq(SHARE(64, 26, 26, 12), 1);
	cr_assert_eq(SHARE(64, 26, 26, 11), 0);
	cr_assert_eq(SHARE(64, 26, 26, 12, 5), 0.5);
	/* ... but 25 completions are a whole sample. */
	cr_assert_eq(SHARE(32, 25, 7), 0);
	cr_assert_eq(share(4, 0, NULL), 0);
	cr_assert(!queue_limits_rate(0.5) && queue_limits_rate(0.51));
}

Test(plot, steps)
{
	cr_assert_float_eq(plot_tick_distance(1600, 8), 200, 1e-9);
	cr_assert_float_eq(plot_tick_distance(1601, 8), 500, 1e-9);
	cr_assert_float_eq(plot_tick_distance(0.7, 8), 0.1, 1e-9);
	cr_assert_float_eq(plot_tick_distance(79, 8), 10, 1e-9);
	cr_assert_float_eq(plot_tick_distance(99, 8), 20, 1e-9);
}

static char *drawn(const struct plot *plot)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	plot_write(f, plot);
	fclose(f);
	return text;
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

Test(plot, a_line_for_each_series_with_its_name)
{
	double size[] = { 1024, 4096, 1 << 20 }, value[] = { 100, 50, 400 };
	struct plot_series series[] = { { (char *)"depth <1>", size, value, 3 },
					{ (char *)"none", size, value, 0 } };
	const struct plot plot = { "a & b", "MB/s", series, 2 };
	char *text = drawn(&plot);

	cr_assert_eq(count(text, "<polyline"), 2u);
	cr_assert_eq(count(text, "depth &lt;1&gt;</text>"), 1u);
	cr_assert_eq(count(text, "a &amp; b</text>"), 1u);
	/* From 1K at the left to 1M at the right, 400 at the top. */
	cr_assert_eq(count(text, "points=\"80.0,320.0 192.0,365.0 640.0,50.0\""), 1u, "%s", text);
	for (const char *const *tick = (const char *const[]){ ">1K<", ">512K<", ">1M<", ">0<",
							      ">350<", ">400<", ">MB/s<", NULL };
	     *tick; tick++)
		cr_assert_eq(count(text, *tick), 1u, "%s", *tick);
	free(text);
}

Test(plot, one_size_and_no_size)
{
	double size[] = { 64 }, value[] = { 0 };
	struct plot_series series = { (char *)"x", size, value, 1 };
	const struct plot one = { "t", "y", &series, 1 }, none = { "t", "y", NULL, 0 };
	char *text = drawn(&one);

	cr_assert_eq(count(text, "points=\"360.0,410.0\""), 1u, "%s", text);
	cr_assert_eq(count(text, "nan") + count(text, "inf"), 0u);
	free(text);
	text = drawn(&none);
	cr_assert_eq(count(text, "nan") + count(text, "inf"), 0u);
	cr_assert_eq(count(text, "</svg>"), 1u);
	free(text);
}
