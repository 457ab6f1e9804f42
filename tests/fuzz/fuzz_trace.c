/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of `trace`: the input is the text of the kernel's trace, whose requests a host has
 * made. Beside what the sanitizers find: each text is one line that a terminal can show, each
 * conclusion can be JSON, and at the end no request waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "null_stream.h"
#include "trace/conclusion.h"
#include "trace/pcapng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_trace: not so: %s\n", what);
	abort();
}

static void must_be_line(const char *text)
{
	must(*text, "a text is not empty");
	for (; *text; text++)
		must(*text >= ' ' && *text < 0x7f, "a text has only printable characters");
}

static void on_gadget(void *data _unused_, struct trace_gadget *g)
{
	known_set_interface(&g->known, 0, (const uint8_t[]){ USB_CLASS_HID, 1, 1 }, "keys");
	known_set_interface(&g->known, 1, (const uint8_t[]){ USB_CLASS_COMM, 2, 1 }, NULL);
}

static void on_exchange(void *data _unused_, struct trace_gadget *g, const struct exchange *x)
{
	_cleanup_free_ char *text = exchange_text(g, x);

	must_be_line(text);
	must(x->n_data <= sizeof(x->data) && x->n_data <= x->actual, "data are of the request");
	if (x->kind == EXCHANGE_REQUEST)
		pcapng_add(null_stream(), 1, 0, x);
}

static void check_conclusion(const struct trace_gadget *g)
{
	json_t *conclusion = conclusion_to_json(g);

	must(conclusion, "a conclusion is JSON");
	must(!g->is_asked, "no request waits at the end");
	json_decref(conclusion);
	conclusion_print(null_stream(), "x", g);
}

/* Hears a line, which is not the input itself, so that the sanitizer notices a read beyond its end.
 */
static void hear(struct dialogue *d, const char *line, size_t length)
{
	_cleanup_free_ char *copy = xstrndup(line, length);
	struct trace_event e;

	if (trace_event_parse(copy, &e))
		dialogue_add(d, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dialogue d = { .on_gadget = on_gadget, .on_exchange = on_exchange };
	const char *line = (const char *)data, *end = line + size;

	pcapng_begin(null_stream());
	while (line < end) {
		size_t length;
		const char *next = str_skip_line(line, end, &length);

		hear(&d, line, length);
		line = next;
	}
	dialogue_end(&d, UINT64_MAX);
	for (size_t i = 0; i < d.n_gadgets; i++)
		check_conclusion(&d.gadgets[i]);
	dialogue_free(&d);
	return 0;
}
