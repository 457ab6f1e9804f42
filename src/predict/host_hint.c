/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "predict/host_hint.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/usb_words.h"

/* Speeds by the names of usb_speed_string() (usb/common/common.c). */
static const struct speed {
	const char *name;
	int index; /* EP_FULL, ... */
} speeds[] = {
#define ROW(SPEED, DESCRIPTORS, word, kernels, ...) { kernels, EP_##DESCRIPTORS },
	USB_SPEEDS(ROW)
#undef ROW
};

static const struct speed *find_speed(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(speeds); i++)
		if (streq(speeds[i].name, name))
			return &speeds[i];
	return NULL;
}

/* Appends `text` to *list, after a separator. Frees `text`. */
static void append(char **list, const char *separator, char *text)
{
	_cleanup_free_ char *old = *list, *added = text;

	*list = old ? strf("%s%s%s", old, separator, added) : steal_ptr(added);
}

/* Returns the labels of the functions for which `matches` returns true, in quotes; NULL: none. */
static char *list_labels(const struct gadget *g, const struct speed *speed,
			 bool (*matches)(const struct function *f, const struct speed *speed))
{
	char *list = NULL;

	for (size_t i = 0; i < g->n_functions; i++)
		if (matches(&g->functions[i], speed))
			append(&list, ", ", strf("'%s'", g->functions[i].label));
	return list;
}

static bool function_lacks_speed(const struct function *f, const struct speed *speed)
{
	return speed && f->ffs && f->ffs->n_interfaces > 0 && !f->ffs->has_speed[speed->index];
}

static bool function_is_daemon(const struct function *f, const struct speed *speed _unused_)
{
	return f->ffs && f->worker && worker_holds_ep0(f->worker);
}

static bool function_has_blob(const struct function *f, const struct speed *speed _unused_)
{
	return f->ffs && f->ffs->raw_descriptors.data;
}

/* Returns a hint about functions whose descriptors ffsctl knows; NULL: none lacks the speed. */
static char *hint_about_lacking_speed(const struct gadget *g, const struct speed *speed)
{
	_cleanup_free_ char *lack = list_labels(g, speed, function_lacks_speed);

	return lack ? strf("add \"%s\" to 'speeds' of %s", ep_speed_words[speed->index], lack)
		    : NULL;
}

/* Returns a hint about descriptors that do not exist. */
static char *hint_about_speeds(const struct gadget *g, const struct speed *speed,
			       const char *speed_name)
{
	_cleanup_free_ char *daemons = list_labels(g, speed, function_is_daemon);
	char *hint = hint_about_lacking_speed(g, speed);

	if (daemons && speed && speed->index > EP_FULL)
		append(&hint, "; ",
		       strf("set max_speed = \"%s\", or 'speeds' of %s, if the daemon writes no "
			    "descriptors for %s",
			    ep_speed_words[speed->index - 1], daemons, speed_name));
	else if (daemons)
		append(&hint, "; ",
		       strf("let the daemon of %s write descriptors for %s", daemons, speed_name));
	return hint;
}

/* Returns a hint about descriptors that the UDC refuses. */
static char *hint_about_endpoints(const struct gadget *g, const struct speed *speed,
				  const char *speed_name)
{
	_cleanup_free_ char *daemons = list_labels(g, speed, function_is_daemon),
			    *blobs = list_labels(g, speed, function_has_blob);
	char *hint = hint_about_lacking_speed(g, speed);

	if (daemons)
		append(&hint, "; ",
		       strf("correct the endpoint descriptors (wMaxPacketSize) that the daemon of "
			    "%s writes for %s",
			    daemons, speed_name));
	if (blobs)
		append(&hint, "; ",
		       strf("correct the endpoint descriptors (wMaxPacketSize) for %s in 'blob' of "
			    "%s",
			    speed_name, blobs));
	return hint;
}

char *predict_host_hint(const struct gadget *g, const char *speed_name, enum host_failure failure)
{
	const struct speed *speed = find_speed(speed_name);
	const char *shown = speed ? speed->name : "the speed of the connection";

	return failure == HOST_FAILURE_REFUSED ? hint_about_endpoints(g, speed, shown)
					       : hint_about_speeds(g, speed, shown);
}
