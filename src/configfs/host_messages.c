/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/host_messages.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "configfs/kernel_log.h"

#define DUMMY_UDC "dummy_udc."
#define DUMMY_HCD_PREFIX "/sys/devices/platform/dummy_hcd."

/* Maximum length of struct host_messages.quoted: a host can repeat its attempts for ever. */
#define QUOTED_MAX 400

enum message_effect { MESSAGE_NEW_ATTEMPT, MESSAGE_LACKS_DESCRIPTORS, MESSAGE_REFUSED };

struct message {
	const char *words;
	enum message_effect effect;
};

/* Messages of the host's USB core (usb/core/hub.c, config.c, generic.c). */
static const struct message of_host[] = {
	{ "new ", MESSAGE_NEW_ATTEMPT },
	{ "reset ", MESSAGE_NEW_ATTEMPT },
	{ "USB disconnect", MESSAGE_NEW_ATTEMPT },
	{ "no configurations", MESSAGE_LACKS_DESCRIPTORS },
	{ "can't set config #", MESSAGE_REFUSED },
};

/* Returns the part of a message "usb BUS-PORT: PART" of the host to which the UDC is connected. */
static const char *find_part_of_host(const char *text, const char *udc)
{
	const char *number = str_after(udc, DUMMY_UDC), *bus = str_after(text, "usb "),
		   *part = bus ? strstr(bus, ": ") : NULL;
	size_t digits = bus ? strspn(bus, "0123456789") : 0;
	_cleanup_free_ char *dir = NULL;

	if (!number || !part || digits == 0 || bus[digits] != '-')
		return NULL;
	dir = strf(DUMMY_HCD_PREFIX "%s/usb%.*s", number, (int)digits, bus);
	return path_exists(dir) ? part + 2 : NULL;
}

/* Returns whether the message is about a function of the gadget without descriptors. */
static bool is_about_descriptors(const char *text, const char *gadget)
{
	_cleanup_free_ char *device = strf("configfs-gadget.%s gadget", gadget);

	/* composite.c, config_ep_by_speed_and_alt(); f_fs.c does not log which gadget it is */
	return (str_has_prefix(text, device) &&
		strstr(text, " doesn't hold the descriptors for current speed")) ||
	       str_has_prefix(text, "ffs_func_eps_enable: config_ep_by_speed(");
}

/* Returns the effect of a message; -1: it is not about the host of the gadget. */
static int find_effect(const char *text, const char *udc, const char *gadget)
{
	const char *part = find_part_of_host(text, udc);

	if (is_about_descriptors(text, gadget))
		return MESSAGE_LACKS_DESCRIPTORS;
	for (size_t i = 0; part && i < ARRAY_SIZE(of_host); i++)
		if (str_has_prefix(part, of_host[i].words))
			return (int)of_host[i].effect;
	return -1;
}

void host_messages_clear(struct host_messages *messages)
{
	free(messages->quoted);
	*messages = (struct host_messages){ 0 };
}

/* Returns false if the message is there already, or no further one fits. */
static bool add_quoted(struct host_messages *messages, const char *text)
{
	_cleanup_free_ char *quoted = strf("\"%s\"", text), *old = NULL;

	if (messages->quoted && (strstr(messages->quoted, quoted) ||
				 strlen(messages->quoted) + strlen(quoted) > QUOTED_MAX))
		return false;
	old = messages->quoted;
	messages->quoted = old ? strf("%s, %s", old, quoted) : steal_ptr(quoted);
	return true;
}

bool host_messages_add_kmsg(struct host_messages *messages, const char *record, const char *udc,
			    const char *gadget)
{
	_cleanup_free_ char *text = kernel_log_text(record);
	int effect = text ? find_effect(text, udc, gadget) : -1;

	if (effect < 0)
		return false;
	if (effect == MESSAGE_NEW_ATTEMPT) {
		bool changed = messages->quoted;

		host_messages_clear(messages);
		return changed;
	}
	messages->host_was_refused = messages->host_was_refused || effect == MESSAGE_REFUSED;
	messages->descriptors_lacked =
		messages->descriptors_lacked || effect == MESSAGE_LACKS_DESCRIPTORS;
	return add_quoted(messages, text);
}
