// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target for gadget files. In addition to the sanitizers' checks, the scanner and libconfig
 * must accept the same texts and read the same values, unless the scanner is stricter on purpose (a
 * NUL, a number out of range, a limit).
 */
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "gadgetfile/load.h"
#include "gadgetfile/write.h"
#include "null_stream.h"

/* In a directory that does not exist: relative includes do not depend on the machine. */
#define PATH "/nonexistent/fuzz.conf"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * libconfig leaks memory when it rejects a text. For each leak libFuzzer scans all memory, which
 * takes longer than a hundred executions and hides leaks of ffsctl. So it is freed here, with the
 * sanitizers' hooks.
 */
#define LIBCONFIG_PIECES 16384

static struct {
	bool running; /* libconfig is running */
	size_t n;     /* pieces of memory that it has allocated, up to the limit */
	const volatile void *piece[LIBCONFIG_PIECES];
} libconfig;

__attribute__((weak)) int
__sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					  void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *p, size_t size _unused_)
{
	if (libconfig.running && p && libconfig.n < LIBCONFIG_PIECES)
		libconfig.piece[libconfig.n++] = p;
}

static void on_free(const volatile void *p)
{
	if (!libconfig.running || !p)
		return;
	/* Usually one of the last */
	for (size_t i = libconfig.n; i > 0; i--) {
		if (libconfig.piece[i - 1] != p)
			continue;
		libconfig.piece[i - 1] = libconfig.piece[--libconfig.n];
		return;
	}
}

static void free_leaks(void)
{
	libconfig.running = false;
	while (libconfig.n > 0)
		free((void *)libconfig.piece[--libconfig.n]);
}

static _Noreturn void disagree(const char *how, const struct diags *d)
{
	fprintf(stderr, "fuzz_gadgetfile: %s\n", how);
	diags_print(stderr, d, DIAG_FORMAT_GCC, DIAG_PLAIN);
	abort();
}

static bool libconfig_accepts(const char *text)
{
	config_t config;
	bool taken;

	libconfig.running = true;
	config_init(&config);
	taken = config_read_string(&config, text) == CONFIG_TRUE;
	config_destroy(&config);
	free_leaks();
	return taken;
}

/* Compares the scanner's result for a text with libconfig's. */
static void compare_results(const struct scan *s, const struct diags *d, const char *text)
{
	bool refused = d->n_errors > 0;

	if (s->comparison_with_libconfig == LIBCONFIG_DISAGREES)
		disagree("libconfig does not read what the scanner reads", d);
	if (!refused && !s->root)
		disagree("neither a tree nor an error", d);
	if (!refused && s->comparison_with_libconfig != LIBCONFIG_AGREES)
		disagree("libconfig was not asked", d);
	/* libconfig must not get an @include: with a directory it would end the process. */
	if (!refused || s->has_error_in_valid_libconfig || strstr(text, "@include"))
		return;
	if (libconfig_accepts(text))
		disagree("libconfig accepts what the scanner rejected", d);
}

/* The JSON document, written as a gadget file and read again, must not change. */
static void check_rewrite(const json_t *document)
{
	char *text = gadgetfile_write(document);
	struct diags d = { 0 };
	struct scan s;
	json_t *again;

	/* Escapes may make it longer than the limit of files. */
	if (strlen(text) < GADGETFILE_MAX_SIZE) {
		scan_text(&s, PATH, text, strlen(text), &d);
		if (d.n_errors > 0 || !s.root)
			disagree("the scanner rejects what was written", &d);
		again = node_to_json(s.root);
		if (!json_equal(again, document))
			disagree("what was written has another meaning", &d);
		json_decref(again);
		scan_free(&s);
	}
	diags_free(&d);
	free(text);
}

/* This line begins the text of a drop-in. */
#define MARK "\n#drop-in\n"
#define MAX_TEXTS 8

/* Splits the input into texts, without a copy; the byte after each becomes a NUL. */
static size_t split(char *text, size_t size, struct gadgetfile_text texts[MAX_TEXTS])
{
	char *mark;
	size_t n = 0;

	for (;;) {
		texts[n] = (struct gadgetfile_text){ n ? PATH ".d/x.conf" : PATH, text, size };
		mark = memmem(text, size, MARK, strlen(MARK));
		if (++n == MAX_TEXTS || !mark)
			return n;
		mark[1] = '\0';
		texts[n - 1].size = (size_t)(mark + 1 - text);
		size -= (size_t)(mark + strlen(MARK) - text);
		text = mark + strlen(MARK);
	}
}

#define AS_JSON 3

/* Converts only some messages to JSON, which is slow; different ones for each input. */
static void check_json(const struct diags *d)
{
	size_t n = d->n < AS_JSON ? d->n : AS_JSON;
	struct diags some = *d;
	json_t *json;

	/* The position in the file serves as a pseudo-random number */
	if (d->n > n)
		some.list += d->list[d->n - 1].order_in_text % (d->n - n + 1);
	some.n = n;
	json = diags_to_json(&some);
	/* A message that is not UTF-8 would be missing */
	if (json_array_size(json) != n)
		disagree("not all messages are in JSON", d);
	json_decref(json);
}

static void check_messages(const struct diags *d)
{
	for (size_t i = 1; i < d->n; i++)
		if (d->list[i].order_in_text < d->list[i - 1].order_in_text)
			disagree("diagnostics out of order", d);
	diags_print(null_stream(), d, DIAG_FORMAT_HUMAN, DIAG_PLAIN);
	check_json(d);
}

static void load(struct scan *s, struct diags *d)
{
	struct gadget *g;
	json_t *document;
	int r = load_gadget_from_scanned_text(s, NULL, &g, &document, d);

	if ((r == 0) != (d->n_errors == 0) || (r == 0) != (g != NULL))
		disagree("result and diagnostics differ", d);
	check_messages(d);
	if (document)
		check_rewrite(document);
	json_decref(document);
	gadget_free(g);
}

/* Compares the whole input as one text. */
static void compare_whole(const char *text, size_t size)
{
	struct diags d = { 0 };
	struct scan s;

	scan_text(&s, PATH, text, size, &d);
	compare_results(&s, &d, text);
	scan_free(&s);
	diags_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool hooked;
	struct gadgetfile_text texts[MAX_TEXTS];
	struct diags d = { 0 };
	struct scan s;
	/* Ended by a NUL, as the loader does with files. */
	char *text = malloc(size + 1);
	size_t n;

	if (!text)
		abort();
	if (!hooked && __sanitizer_install_malloc_and_free_hooks)
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	hooked = true;
	memcpy(text, data, size);
	text[size] = '\0';
	if (memmem(text, size, MARK, strlen(MARK)))
		compare_whole(text, size);
	n = split(text, size, texts);
	scan_text(&s, PATH, texts[0].text, texts[0].size, &d);
	compare_results(&s, &d, texts[0].text);
	for (size_t i = 1; i < n; i++)
		scan_text_as_drop_in(&s, texts[i].path, texts[i].text, texts[i].size);
	if (s.comparison_with_libconfig == LIBCONFIG_DISAGREES)
		disagree("libconfig does not read what the scanner reads in a drop-in", &d);
	load(&s, &d);
	scan_free(&s);
	diags_free(&d);
	free(text);
	return 0;
}
