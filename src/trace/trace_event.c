/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/trace_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

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

static bool parse_setup_done(const char *arguments, struct trace_event *e)
{
	const char *text = find_argument(arguments, "value");

	parse_udc(arguments, e);
	if (text)
		e->value = (int)strtol(text, NULL, 0);
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
	e->status = (int)strtol(status + strlen(" status "), NULL, 10);
	return true;
}

/* The tracepoint has all data as "data"; the probe has them as "data0" to "data3". */
static bool parse_data(const char *arguments, struct trace_event *e)
{
	const char *endpoint = find_argument(arguments, "ep");

	if (!endpoint || !str_has_prefix(endpoint + (*endpoint == '"'), "ep0"))
		return false;
	e->n_data = parse_bytes(arguments, "data", e->data, sizeof(e->data));
	for (int i = 0; i < 4; i++) {
		char name[] = { 'd', 'a', 't', 'a', (char)('0' + i), '\0' };

		e->n_data += parse_bytes(arguments, name, e->data + e->n_data,
					 sizeof(e->data) - e->n_data);
	}
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
	{ "usb_gadget_ep0_data_newer", TRACE_EVENT_EP0_DATA, parse_data },
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

/*
 * Parses "TASK-PID [CPU] FLAGS SECONDS.MICROSECONDS: ". A task can have any name, so looks for the
 * first place that has this form from "[" on. Returns what follows; NULL: the line has no such
 * place.
 */
static const char *parse_head(const char *line, struct trace_event *e)
{
	for (const char *p = line; (p = strchr(p, '[')); p++) {
		unsigned long long seconds;
		unsigned int cpu, microseconds;
		int n = 0;

		if (sscanf(p, "[%u] %*16s %llu.%6u: %n", &cpu, &seconds, &microseconds, &n) == 3 &&
		    n > 0) {
			e->cpu = cpu;
			e->time_us = seconds * 1000000 + microseconds;
			return p + n;
		}
	}
	return NULL;
}

/* Skips what a probe prints before its arguments: "(composite_setup+0x0/0x1f0 [module]) ". */
static const char *skip_place(const char *arguments)
{
	const char *end = *arguments == '(' ? strstr(arguments, ") ") : NULL;

	return end ? end + 2 : arguments;
}

bool trace_event_parse(const char *line, struct trace_event *e)
{
	const char *name;
	size_t n;

	*e = (struct trace_event){ 0 };
	if (parse_lost(line, e))
		return true;
	name = parse_head(line, e);
	if (!name)
		return false;
	n = strcspn(name, ":");
	for (size_t i = 0; i < ARRAY_SIZE(parsers); i++) {
		const struct trace_event_parser *p = &parsers[i];

		if (strlen(p->name) != n || strncmp(name, p->name, n) != 0 || name[n] != ':')
			continue;
		e->kind = p->kind;
		return p->parse(skip_place(name + n + 1 + strspn(name + n + 1, " ")), e);
	}
	return false;
}
