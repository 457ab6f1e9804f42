/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/trace_event.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"

#define ERRNO_MAX 4095 /* MAX_ERRNO of linux/err.h */

/* Returns the text after " NAME=" in the arguments of an event; NULL: it has no such argument. */
static const char *find_argument(const char *arguments, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = arguments; (p = strstr(p, name)); p += n)
		if ((p == arguments || p[-1] == ' ') && p[n] == '=')
			return p + n + 1;
	return NULL;
}

static bool parse_number(const char *arguments, const char *name, uint64_t *number)
{
	const char *text = find_argument(arguments, name);
	char *end;

	if (!text)
		return false;
	*number = strtoull(text, &end, 0);
	return end != text;
}

/* Parses an array as "{0x80,0x6}". Returns the number of bytes, at most `max`. */
static size_t parse_bytes(const char *arguments, const char *name, uint8_t *bytes, size_t max)
{
	const char *p = find_argument(arguments, name);
	size_t n = 0;

	if (!p || *p++ != '{')
		return 0;
	while (n < max && *p && *p != '}') {
		char *end;
		unsigned long byte = strtoul(p, &end, 16);

		if (end == p || byte > 0xff)
			break;
		bytes[n++] = (uint8_t)byte;
		p = end + (*end == ',');
	}
	return n;
}

static void parse_udc(const char *arguments, struct trace_event *e)
{
	const char *text = find_argument(arguments, "udc");
	size_t n;

	parse_number(arguments, "gadget", &e->gadget);
	if (!text)
		return;
	text += *text == '"'; /* as probes print strings */
	n = strcspn(text, "\" ");
	if (n < sizeof(e->udc))
		memcpy(e->udc, text, n);
}

static bool parse_setup(const char *arguments, struct trace_event *e)
{
	parse_udc(arguments, e);
	return parse_bytes(arguments, "setup", (uint8_t *)&e->setup, sizeof(e->setup)) ==
	       sizeof(e->setup);
}

/* Parses a result: a number, or a negative errno. */
static int parse_errno(const char *text)
{
	long number = strtol(text, NULL, 0);

	return number < -ERRNO_MAX ? -ERRNO_MAX : (int)(number > INT_MAX ? INT_MAX : number);
}

static bool parse_setup_done(const char *arguments, struct trace_event *e)
{
	const char *text = find_argument(arguments, "value");

	parse_udc(arguments, e);
	if (text)
		e->value = parse_errno(text);
	return text;
}

/* Parses "ep0: req 00000000f00dcafe length 18/64 ... status 0 --> 0" (udc/trace.h). */
static bool parse_request(const char *arguments, struct trace_event *e)
{
	const char *request = strstr(arguments, ": req "), *length = strstr(arguments, " length "),
		   *status = strstr(arguments, " status ");

	if (!str_has_prefix(arguments, "ep0") || !request || !length || !status)
		return false;
	e->request = strtoull(request + strlen(": req "), NULL, 16);
	e->actual = (unsigned int)strtoul(length + strlen(" length "), NULL, 10);
	e->status = parse_errno(status + strlen(" status "));
	return true;
}

/* Parses the arrays PREFIX0 and PREFIX1. */
static size_t parse_arrays(const char *arguments, const char *prefix, uint8_t *bytes, size_t max)
{
	size_t n = 0;

	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *name = strf("%s%d", prefix, i);

		n += parse_bytes(arguments, name, bytes + n, max - n);
	}
	return n;
}

/*
 * The tracepoint has all data as "data". The probe has what is where the buffer is: of older
 * kernels as "data0" and "data1", of newer ones, whose request begins with the address of its
 * endpoint, as "newer0" and "newer1".
 */
static bool parse_data(const char *arguments, struct trace_event *e)
{
	const char *endpoint = find_argument(arguments, "ep");
	uint64_t self, first;

	if (!endpoint || !str_has_prefix(endpoint + (*endpoint == '"'), "ep0"))
		return false;
	if (!parse_number(arguments, "self", &self) || !parse_number(arguments, "first", &first))
		e->n_data = parse_bytes(arguments, "data", e->data, sizeof(e->data));
	else
		e->n_data = parse_arrays(arguments, self == first ? "newer" : "data", e->data,
					 sizeof(e->data));
	return e->n_data > 0;
}

static bool parse_bus_event(const char *arguments, struct trace_event *e)
{
	parse_udc(arguments, e);
	return true;
}

static bool parse_udc_event(const char *arguments, struct trace_event *e)
{
	parse_udc(arguments, e);
	parse_number(arguments, "other", &e->other);
	return *e->udc && e->gadget;
}

static bool parse_stall(const char *arguments, struct trace_event *e _unused_)
{
	return str_has_prefix(arguments, "ep0");
}

static const struct trace_event_parser {
	const char *name; /* of the tracepoint or probe */
	enum trace_event_kind kind;
	bool (*parse)(const char *arguments, struct trace_event *e);
} parsers[] = {
	{ "composite_setup", TRACE_EVENT_SETUP, parse_setup },
	{ "composite_setup_done", TRACE_EVENT_SETUP_DONE, parse_setup_done },
	{ "usb_ep_queue", TRACE_EVENT_EP0_QUEUED, parse_request },
	{ "usb_gadget_ep0_data", TRACE_EVENT_EP0_DATA, parse_data },
	{ "usb_gadget_giveback_request", TRACE_EVENT_EP0_END, parse_request },
	{ "usb_ep_set_halt", TRACE_EVENT_EP0_STALL, parse_stall },
	{ "composite_reset", TRACE_EVENT_RESET, parse_bus_event },
	{ "composite_disconnect", TRACE_EVENT_DISCONNECT, parse_bus_event },
	{ "composite_suspend", TRACE_EVENT_SUSPEND, parse_bus_event },
	{ "composite_resume", TRACE_EVENT_RESUME, parse_bus_event },
	{ "udc", TRACE_EVENT_UDC, parse_udc_event },
};

/* Parses "CPU:1 [LOST 27 EVENTS]". */
static bool parse_lost(const char *line, struct trace_event *e)
{
	const char *lost = strstr(line, "[LOST ");

	if (!str_has_prefix(line, "CPU:") || !lost)
		return false;
	e->kind = TRACE_EVENT_LOST;
	e->lost = strtoul(lost + strlen("[LOST "), NULL, 10);
	return e->lost > 0;
}

/* Skips what a probe prints before its arguments: "(composite_setup+0x0/0x1f0 [module]) ". */
static const char *skip_place(const char *arguments)
{
	const char *end = *arguments == '(' ? strstr(arguments, ") ") : NULL;

	return end ? end + 2 : arguments;
}

/* Parses "NAME: ARGUMENTS". */
static bool parse_named(const char *text, struct trace_event *e)
{
	size_t n = strcspn(text, ":");

	for (size_t i = 0; i < ARRAY_SIZE(parsers); i++) {
		const struct trace_event_parser *p = &parsers[i];

		if (strlen(p->name) != n || strncmp(text, p->name, n) != 0 || text[n] != ':')
			continue;
		e->kind = p->kind;
		return p->parse(skip_place(text + n + 1 + strspn(text + n + 1, " ")), e);
	}
	return false;
}

/*
 * Parses "TASK-PID [CPU] FLAGS SECONDS.MICROSECONDS: NAME: ARGUMENTS". A task can have any name,
 * also one that looks like what follows it, so looks at each place that has this form from "[" on.
 */
bool trace_event_parse(const char *line, struct trace_event *e)
{
	*e = (struct trace_event){ 0 };
	if (parse_lost(line, e))
		return true;
	for (const char *p = line; (p = strchr(p, '[')); p++) {
		unsigned long long seconds;
		unsigned int cpu, microseconds;
		int n = 0;

		if (sscanf(p, "[%u] %*16s %llu.%6u: %n", &cpu, &seconds, &microseconds, &n) != 3 ||
		    n == 0)
			continue;
		*e = (struct trace_event){ .cpu = cpu,
					   .time_us = seconds * 1000000 + microseconds };
		if (parse_named(p + n, e))
			return true;
	}
	return false;
}
