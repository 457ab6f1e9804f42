/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What our unit tests use of Criterion, under its names and with its meaning, for builds where there is no Criterion:
 * against musl, and for other architectures (configure chooses). A test runs in a process of its own, one after the other.
 */
#ifndef RUNNER_CRITERION_H
#define RUNNER_CRITERION_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct runner_options {
	void (*init)(void); /* before the test, in its process */
	void (*fini)(void); /* after it, also if an assertion failed; not after a crash */
	double timeout; /* seconds after which the test is killed; 0: none */
};

struct runner_test {
	struct runner_test *next;
	const char *suite;
	const char *name; /* NULL: these are the options of the whole suite */
	void (*run)(void);
	struct runner_options options;
};

/* Adds a test, or the options of a suite, to those of the program; called before main(). */
void runner_add(struct runner_test *test);

/* Reports a failed condition. `fatal`: does not return, but ends the test. */
void runner_failed(const char *file, int line, bool fatal, const char *condition, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Ends the test as skipped. `format`: why. */
void runner_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define RUNNER_ADD(ID, ...) \
	static struct runner_test ID##_test = { __VA_ARGS__ }; \
	__attribute__((constructor)) static void ID##_add(void) \
	{ \
		runner_add(&ID##_test); \
	}
#define TestSuite(SUITE, ...) RUNNER_ADD(runner_##SUITE, .suite = #SUITE, .options = { __VA_ARGS__ }) struct runner_test
#define Test(SUITE, NAME, ...) \
	static void runner_##SUITE##_##NAME##_run(void); \
	RUNNER_ADD(runner_##SUITE##_##NAME, .suite = #SUITE, .name = #NAME, .run = runner_##SUITE##_##NAME##_run, \
		   .options = { __VA_ARGS__ }) \
	static void runner_##SUITE##_##NAME##_run(void)

/* The message of the test, if it has one, follows the space */
#define RUNNER_CHECK(FATAL, CONDITION, TEXT, ...) \
	do { \
		if (!(CONDITION)) \
			runner_failed(__FILE__, __LINE__, FATAL, TEXT, " " __VA_ARGS__); \
	} while (0)
#define RUNNER_COMPARE(FATAL, A, OPERATOR, B, ...) RUNNER_CHECK(FATAL, (A) OPERATOR (B), #A " " #OPERATOR " " #B, __VA_ARGS__)
#define RUNNER_STRINGS(FATAL, A, OPERATOR, B, ...) \
	RUNNER_CHECK(FATAL, strcmp((A), (B)) OPERATOR 0, #A " " #OPERATOR " " #B, __VA_ARGS__)
#define RUNNER_ARRAYS(FATAL, A, B, SIZE, ...) \
	RUNNER_CHECK(FATAL, memcmp((A), (B), (SIZE)) == 0, #A " == " #B ", " #SIZE " bytes", __VA_ARGS__)

#define cr_skip_test(...) runner_skip(__VA_ARGS__)
#define cr_assert_fail(...) RUNNER_CHECK(true, false, "not reached", __VA_ARGS__)
#define cr_assert_float_eq(A, B, EPSILON, ...) \
	RUNNER_CHECK(true, fabs((double)(A) - (double)(B)) <= (EPSILON), #A " == " #B " +- " #EPSILON, __VA_ARGS__)

#define cr_assert(CONDITION, ...) RUNNER_CHECK(true, CONDITION, #CONDITION, __VA_ARGS__)
#define cr_assert_not(CONDITION, ...) RUNNER_CHECK(true, !(CONDITION), "!(" #CONDITION ")", __VA_ARGS__)
#define cr_assert_null(A, ...) RUNNER_COMPARE(true, A, ==, NULL, __VA_ARGS__)
#define cr_assert_not_null(A, ...) RUNNER_COMPARE(true, A, !=, NULL, __VA_ARGS__)
#define cr_assert_eq(A, B, ...) RUNNER_COMPARE(true, A, ==, B, __VA_ARGS__)
#define cr_assert_neq(A, B, ...) RUNNER_COMPARE(true, A, !=, B, __VA_ARGS__)
#define cr_assert_lt(A, B, ...) RUNNER_COMPARE(true, A, <, B, __VA_ARGS__)
#define cr_assert_leq(A, B, ...) RUNNER_COMPARE(true, A, <=, B, __VA_ARGS__)
#define cr_assert_gt(A, B, ...) RUNNER_COMPARE(true, A, >, B, __VA_ARGS__)
#define cr_assert_geq(A, B, ...) RUNNER_COMPARE(true, A, >=, B, __VA_ARGS__)
#define cr_assert_str_eq(A, B, ...) RUNNER_STRINGS(true, A, ==, B, __VA_ARGS__)
#define cr_assert_str_neq(A, B, ...) RUNNER_STRINGS(true, A, !=, B, __VA_ARGS__)
#define cr_assert_arr_eq(A, B, SIZE, ...) RUNNER_ARRAYS(true, A, B, SIZE, __VA_ARGS__)

#define cr_expect(CONDITION, ...) RUNNER_CHECK(false, CONDITION, #CONDITION, __VA_ARGS__)
#define cr_expect_not(CONDITION, ...) RUNNER_CHECK(false, !(CONDITION), "!(" #CONDITION ")", __VA_ARGS__)
#define cr_expect_null(A, ...) RUNNER_COMPARE(false, A, ==, NULL, __VA_ARGS__)
#define cr_expect_not_null(A, ...) RUNNER_COMPARE(false, A, !=, NULL, __VA_ARGS__)
#define cr_expect_eq(A, B, ...) RUNNER_COMPARE(false, A, ==, B, __VA_ARGS__)
#define cr_expect_neq(A, B, ...) RUNNER_COMPARE(false, A, !=, B, __VA_ARGS__)
#define cr_expect_lt(A, B, ...) RUNNER_COMPARE(false, A, <, B, __VA_ARGS__)
#define cr_expect_leq(A, B, ...) RUNNER_COMPARE(false, A, <=, B, __VA_ARGS__)
#define cr_expect_gt(A, B, ...) RUNNER_COMPARE(false, A, >, B, __VA_ARGS__)
#define cr_expect_geq(A, B, ...) RUNNER_COMPARE(false, A, >=, B, __VA_ARGS__)
#define cr_expect_str_eq(A, B, ...) RUNNER_STRINGS(false, A, ==, B, __VA_ARGS__)
#define cr_expect_str_neq(A, B, ...) RUNNER_STRINGS(false, A, !=, B, __VA_ARGS__)
#define cr_expect_arr_eq(A, B, SIZE, ...) RUNNER_ARRAYS(false, A, B, SIZE, __VA_ARGS__)

#endif
