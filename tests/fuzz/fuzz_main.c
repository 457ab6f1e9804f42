// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a fuzz target without libFuzzer: on the files of the given directories, which are regression
 * tests, and then on --runs inputs made from them. Prints TAP, one test for each directory or file,
 * and one for all generated inputs.
 *
 *   fuzz_control [--runs N] [--seed S] [--only NUMBER] DIRECTORY|FILE...
 *
 * Writes a comment after each PROGRESS of them, for lab/fuzz.
 *
 * Each generated input has a number, from 1, and depends only on the seed, its number and the
 * files. If the target fails, the number and the bytes are printed, and the bytes are written to a
 * file that can be run like a file of the corpus. --only generates and runs that input again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "fuzz_main.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Defined by the sanitizers */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

#define PROGRESS 10000 /* inputs */

/* --- failures --- */

static struct {
	uint64_t seed, number; /* number 0: runs a file, whose name is already printed */
	struct input input;
} now;

/* Called in a signal handler and in a sanitizer: only uses write(). */
static void say(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) < 0)
		return;
}

static void write_hex(const struct input *input)
{
	static const char digits[] = "0123456789abcdef";
	static char line[2 * INPUT_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < input->size && i < INPUT_MAX; i++) {
		line[n++] = digits[input->data[i] >> 4];
		line[n++] = digits[input->data[i] & 0xf];
	}
	line[n++] = '\n';
	say(STDERR_FILENO, line, n);
}

static void report_input(void)
{
	char name[64], text[256];
	int fd, n;

	if (!now.number)
		return;
	snprintf(name, sizeof(name), "fuzz-find-%llu-%llu", (unsigned long long)now.seed,
		 (unsigned long long)now.number);
	n = snprintf(text, sizeof(text),
		     "# failed: --seed %llu --only %llu, which is also in the file %s; in "
		     "hexadecimal:\n",
		     (unsigned long long)now.seed, (unsigned long long)now.number, name);
	say(STDERR_FILENO, text, (size_t)n);
	write_hex(&now.input);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd >= 0)
		say(fd, now.input.data, now.input.size);
	now.number = 0; /* a sanitizer may abort after its report */
}

static void on_signal(int sig)
{
	report_input();
	raise(sig); /* SA_RESETHAND: now ends the program */
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGABRT, &action, NULL);
	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(report_input);
		return;
	}
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
	sigaction(SIGILL, &action, NULL);
}

/* --- files --- */

/* Reads a file; the caller frees the data. False: not a readable regular file. */
static bool read_input(const char *path, struct input *input)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*input = (struct input){ xcalloc((size_t)st.st_size, 1), (size_t)st.st_size };
	if (read(fd, input->data, input->size) == st.st_size)
		return true;
	free(input->data);
	return false;
}

static size_t run_file(struct corpus *corpus, const char *path)
{
	struct input input;

	if (!read_input(path, &input))
		return 0;
	/* Print the name before the target may crash. */
	fprintf(stderr, "# %s\n", path);
	LLVMFuzzerTestOneInput(input.data, input.size);
	if (input.size <= INPUT_MAX)
		*array_add(corpus->v, corpus->n) = input;
	else
		free(input.data);
	return 1;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name); /* independent of the locale */
}

/* Runs all files of a directory; returns their number. */
static size_t run_directory(struct corpus *corpus, const char *path)
{
	struct dirent **entries;
	size_t fed = 0;
	int n = scandir(path, &entries, NULL, by_name);

	if (n < 0)
		return errno == ENOTDIR ? run_file(corpus, path) : 0;
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *file = strf("%s/%s", path, entries[i]->d_name);

		fed += run_file(corpus, file);
		free(entries[i]);
	}
	free(entries);
	return fed;
}

/* --- what is made --- */

static void run_made(const struct corpus *corpus, uint64_t number)
{
	static uint8_t made[INPUT_MAX];
	size_t size = make_input(corpus, now.seed, number, made);
	/* Of its own, so that nothing is read behind its end */
	uint8_t *data = xcalloc(size, 1);

	memcpy(data, made, size);
	now.input = (struct input){ data, size };
	now.number = number;
	LLVMFuzzerTestOneInput(data, size);
	now.number = 0;
	free(data);
}

struct options {
	uint64_t runs, only;
};

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = { { "runs", required_argument, NULL, 'r' },
						 { "seed", required_argument, NULL, 's' },
						 { "only", required_argument, NULL, 'o' },
						 { 0 } };

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		char *end = NULL;
		uint64_t value = optarg ? strtoull(optarg, &end, 10) : 0;

		if (!end || end == optarg || *end)
			return false;
		if (c == 'r')
			o->runs = value;
		else if (c == 's')
			now.seed = value;
		else
			o->only = value;
	}
	return optind < argc;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct corpus corpus = { 0 };
	int failed = 0, test = 0;

	now.seed = 1;
	if (!parse_options(argc, argv, &o)) {
		fprintf(stderr,
			"usage: %s [--runs N] [--seed S] [--only NUMBER] DIRECTORY|FILE...\n",
			argv[0]);
		return 64;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	catch_signals();
	printf("1..%d\n", argc - optind + (o.runs || o.only));
	for (int i = optind; i < argc; i++) {
		size_t n = run_directory(&corpus, argv[i]);

		/* A corpus that is not there proves nothing. */
		failed |= n == 0;
		printf("%s %d - %zu files of %s\n", n > 0 ? "ok" : "not ok", ++test, n, argv[i]);
	}
	if (o.only && corpus.n > 0)
		run_made(&corpus, o.only);
	for (uint64_t number = 1; number <= o.runs && corpus.n > 0; number++) {
		run_made(&corpus, number);
		if (number % PROGRESS == 0)
			fprintf(stderr, "# %llu inputs\n", (unsigned long long)number);
	}
	if (o.runs || o.only)
		printf("%s %d - %llu inputs made of them, seed %llu\n",
		       corpus.n > 0 ? "ok" : "not ok", ++test,
		       (unsigned long long)(o.only ? 1 : o.runs), (unsigned long long)now.seed);
	for (size_t i = 0; i < corpus.n; i++)
		free(corpus.v[i].data);
	free(corpus.v);
	return failed || ((o.runs || o.only) && corpus.n == 0);
}
