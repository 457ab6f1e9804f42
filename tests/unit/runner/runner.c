/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the tests of a program, each in a process of its own, and prints their results as TAP. */
#include <criterion/criterion.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct runner_test *tests, **last = &tests;
/* Of the test that runs, in its process */
static sigjmp_buf end_of_test;
static bool failed;
/* Written by the test's process, read by ours */
static struct result {
	bool passed;	       /* and not: has called exit() */
	char why_skipped[256]; /* "": not skipped */
} * result;

void runner_add(struct runner_test *test)
{
	*last = test;
	last = &test->next;
}

void runner_failed(const char *file, int line, bool fatal, const char *condition,
		   const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: failed: %s%s", file, line, condition,
		strcmp(format, " ") ? ":" : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	failed = true;
	if (fatal)
		siglongjmp(end_of_test, 1);
}

void runner_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(result->why_skipped, sizeof(result->why_skipped), format, args);
	va_end(args);
	siglongjmp(end_of_test, 1);
}

static const struct runner_options no_options;

static const struct runner_options *options_of_suite(const char *suite)
{
	for (struct runner_test *t = tests; t; t = t->next)
		if (t->name == NULL && strcmp(t->suite, suite) == 0)
			return &t->options;
	return &no_options;
}

/* Calls a part of a test, which a failure ends. Returns whether it did not fail; true if there is
 * no such part. */
static bool run_part(void (*part)(void))
{
	if (sigsetjmp(end_of_test, 1) != 0)
		return false;
	if (part)
		part();
	return true;
}

/* The process of one test */
static void run_test(const struct runner_test *test)
{
	const struct runner_options *suite = options_of_suite(test->suite), *own = &test->options;
	double timeout = own->timeout > 0 ? own->timeout : suite->timeout;
	void (*init)(void) = own->init ? own->init : suite->init;
	void (*fini)(void) = own->fini ? own->fini : suite->fini;

	if (timeout > 0)
		setitimer(ITIMER_REAL,
			  &(struct itimerval){ .it_value = { .tv_sec = (time_t)timeout } }, NULL);
	if (run_part(init))
		run_part(test->run);
	run_part(fini);
	result->passed = !failed;
	/* What the test has printed must not get lost. Not exit(): what was registered with
	 * atexit() is the parent's */
	fflush(NULL);
	_exit(failed);
}

/* Returns whether the test did not fail. */
static bool report(FILE *tap, int number, const struct runner_test *test)
{
	pid_t child;
	int status;
	bool passed;

	*result = (struct result){ 0 };
	fflush(NULL);
	child = fork();
	if (child == 0)
		run_test(test);
	while (child < 0 || waitpid(child, &status, 0) < 0)
		if (child < 0 || errno != EINTR) {
			perror("runner");
			exit(2);
		}
	passed = result->passed && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s::%s: killed by signal %d (%s)\n", test->suite, test->name,
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	fprintf(tap, "%sok %d - %s::%s%s%s\n", passed ? "" : "not ", number, test->suite,
		test->name, passed && *result->why_skipped ? " # SKIP " : "",
		passed ? result->why_skipped : "");
	return passed;
}

/* As Criterion: --tap=FILE is where the results go. */
int main(int argc, char **argv)
{
	bool good = true;
	FILE *tap = stdout;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--tap=", 6) != 0 || !(tap = fopen(argv[i] + 6, "w"))) {
			fprintf(stderr, "%s: cannot use the argument %s: only --tap=FILE\n",
				argv[0], argv[i]);
			return 2;
		}
	}
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (result == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	for (struct runner_test *t = tests; t; t = t->next) {
		if (t->name == NULL)
			continue;
		good = report(tap, ++n, t) && good;
	}
	fprintf(tap, "1..%d\n", n);
	return good && fclose(tap) == 0 ? 0 : 1;
}
