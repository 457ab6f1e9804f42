// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gadget file as an enemy would write it. Beside what the sanitizers see: what the scanner
 * takes libconfig must take, and what libconfig takes the scanner must take as well, unless it
 * refused it for a reason of ours (a NUL, a number that does not fit, a limit).
 */
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>

#include "spec/diag.h"
#include "spec/tree.h"
#include "spec/write.h"

/* No such directory: what is included relative to it does not depend on the machine. */
#define PATH "/nonexistent/fuzz.conf"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig leaks what it was reading when it refuses a text. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n"
	       "leak:strbuf_append\n"
	       "leak:libconfig_yylex\n"
	       "leak:config_read_string\n";
}

static _Noreturn void disagree(const char *how, const struct diags *d)
{
	fprintf(stderr, "fuzz_spec: %s\n", how);
	diags_print(stderr, d, DIAG_FORMAT_GCC, DIAG_PLAIN);
	abort();
}

static bool libconfig_takes(const char *text)
{
	config_t config;
	bool taken;

	config_init(&config);
	taken = config_read_string(&config, text) == CONFIG_TRUE;
	config_destroy(&config);
	return taken;
}

static void compare_verdicts(const char *text, size_t size)
{
	struct diags d = { 0 };
	struct scan s;

	scan_text(&s, PATH, text, size, &d);
	if (s.overruled)
		disagree("libconfig refuses what the scanner took", &d);
	/* libconfig must never see an @include: of a directory it would end the process. */
	if (d.n_errors > 0 && !s.stricter && !strstr(text, "@include") && libconfig_takes(text))
		disagree("libconfig takes what the scanner refused", &d);
	/* Builds without test hooks do not ask libconfig themselves. */
	if (d.n_errors == 0 && !strstr(text, "@include") && !libconfig_takes(text))
		disagree("libconfig refuses what the scanner took", &d);
	if (d.n_errors == 0 && !s.root)
		disagree("neither a tree nor an error", &d);
	scan_free(&s);
	diags_free(&d);
}

/* The form, written as a file, is that form again. */
static void write_again(const json_t *form)
{
	char *text = spec_write(form);
	struct diags d = { 0 };
	struct scan s;
	json_t *again;

	/* Escapes may make it longer than files may be. */
	if (strlen(text) < SPEC_MAX_SIZE) {
		scan_text(&s, PATH, text, strlen(text), &d);
		if (d.n_errors > 0 || !s.root)
			disagree("the scanner refuses what was written", &d);
		again = node_to_json(s.root);
		if (!json_equal(again, form))
			disagree("what was written says something else", &d);
		json_decref(again);
		scan_free(&s);
	}
	diags_free(&d);
	free(text);
}

/* In a line of its own it begins the text of a drop-in. */
#define MARK "\n#drop-in\n"
#define MAX_TEXTS 8

/* The texts in one; none is copied, but the byte behind each becomes a NUL. */
static size_t split(char *text, size_t size, struct spec_text texts[MAX_TEXTS])
{
	char *mark;
	size_t n = 0;

	for (;;) {
		texts[n] = (struct spec_text){ n ? PATH ".d/x.conf" : PATH, text, size };
		mark = memmem(text, size, MARK, strlen(MARK));
		if (++n == MAX_TEXTS || !mark)
			return n;
		mark[1] = '\0';
		texts[n - 1].size = (size_t)(mark + 1 - text);
		size -= (size_t)(mark + strlen(MARK) - text);
		text = mark + strlen(MARK);
	}
}

static void load(char *text, size_t size)
{
	struct spec_text texts[MAX_TEXTS];
	size_t n = split(text, size, texts);
	struct diags d = { 0 };
	struct gadget *g;
	json_t *form;
	char *shown = NULL;
	size_t shown_size;
	FILE *to;
	int r = spec_load_texts(texts, n, &g, &form, &d);

	if ((r == 0) != (d.n_errors == 0) || (r == 0) != (g != NULL))
		disagree("the result is not what the diagnostics say", &d);
	for (size_t i = 1; i < d.n; i++)
		if (d.v[i].order < d.v[i - 1].order)
			disagree("diagnostics out of order", &d);
	to = open_memstream(&shown, &shown_size);
	diags_print(to, &d, DIAG_FORMAT_HUMAN, DIAG_PLAIN);
	fclose(to);
	free(shown);
	json_decref(diags_to_json(&d));
	if (form)
		write_again(form);
	json_decref(form);
	gadget_free(g);
	diags_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* With its end marked by a NUL, as files have it here. */
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	compare_verdicts(text, size);
	load(text, size);
	free(text);
	return 0;
}
