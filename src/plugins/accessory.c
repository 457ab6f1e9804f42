/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device side of the Android Open Accessory protocol (source.android.com, "AOA 1.0",
 * "AOA 2.0"). A host that is an accessory reads the protocol version, sends six strings that
 * identify the accessory, and sends START. Then the plugin requests the switch to another gadget,
 * which has the ids 18d1:2d00. The workers of the other gadget get the strings in their
 * configuration.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ffsctl/plugin.h>

#define REQUEST_GET_PROTOCOL 51
#define REQUEST_SEND_STRING 52
#define REQUEST_START 53

#define TYPE_VENDOR_OUT 0x40 /* bmRequestType (USB 2.0, 9.3.1) of vendor requests to the device */
#define TYPE_VENDOR_IN 0xc0

#define STRINGS 6
#define STRING_MAX 255 /* bytes; the plugin stalls longer strings, as Android's driver does */
/* Size of the buffer for the JSON object. A backslash may precede each byte of a string. All
   keys and separators together need less than 128 bytes. */
#define JSON_MAX (STRINGS * 2 * STRING_MAX + 128)

static const char *const string_names[STRINGS] = {
	"manufacturer", "model", "description", "version", "uri", "serial",
};

struct accessory_state {
	char strings[STRINGS][STRING_MAX + 1];
	uint32_t pending_request; /* `id` of the last SEND_STRING request */
	/* Index of the string that the request `pending_request` sets. */
	unsigned int pending_string;
};

static const struct ffsctl_option options[] = {
	{ .name = "switch_to",
	  .type = FFSCTL_OPTION_STRING,
	  .required = 1,
	  .doc = "the gadget to switch to, one of switch_to in the gadget file" },
	{ .name = "manufacturer",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "accept only accessories with this manufacturer string; any if not set" },
	{ .name = "model",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "accept only accessories with this model string; any if not set" },
	{ .name = "protocol",
	  .type = FFSCTL_OPTION_INT,
	  .default_value = "2",
	  .doc = "the protocol version that is reported to hosts; the requests of version 2 (54 "
		 "to 58) are stalled",
	  .min = 1,
	  .max = 2 },
	{ 0 },
};

static struct accessory_state *accessory_state(const struct ffsctl_host *host)
{
	return host->state;
}

/* --- strings --- */

/* Returns the length in bytes of the UTF-8 character at `s` (RFC 3629); 0 if the bytes are not a
   valid character, or are a control character. */
static size_t utf8_character_size(const unsigned char *s)
{
	static const struct {
		unsigned char first, last; /* range of the first byte of a character */
		unsigned char least, most; /* range of the second byte, if the character has one */
		size_t size;
	} forms[] = {
		{ 0x20, 0x7e, 0, 0, 1 },
		/* The C1 control characters, 0xc2 0x80 to 0xc2 0x9f, are excluded. */
		{ 0xc2, 0xc2, 0xa0, 0xbf, 2 },
		{ 0xc3, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].first || s[0] > forms[i].last)
			continue;
		if (forms[i].size > 1 && (s[1] < forms[i].least || s[1] > forms[i].most))
			return 0;
		for (size_t k = 2; k < forms[i].size; k++)
			if (s[k] < 0x80 || s[k] > 0xbf)
				return 0;
		return forms[i].size;
	}
	return 0;
}

/* Replaces invalid UTF-8 and control characters by '?', because the strings of the host are
   passed to logs and programs. */
static void replace_invalid_characters(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		size_t size = utf8_character_size(s);

		if (size == 0)
			*s = '?';
		s += size ? size : 1;
	}
}

static void strings_to_json(const struct accessory_state *state, char json[JSON_MAX])
{
	char *to = json;

	for (int i = 0; i < STRINGS; i++) {
		to += sprintf(to, "%s\"%s\":\"", i ? "," : "{", string_names[i]);
		for (const char *from = state->strings[i]; *from; from++) {
			if (*from == '"' || *from == '\\')
				*to++ = '\\';
			*to++ = *from;
		}
		*to++ = '"';
	}
	strcpy(to, "}");
}

/* --- requests --- */

static void handle_get_protocol(struct ffsctl_host *host, uint32_t id,
				const struct ffsctl_setup *setup)
{
	const uint8_t version[2] = { (uint8_t)host->call->option_int(host, "protocol"), 0 };

	/* The strings of an earlier host are cleared. */
	memset(accessory_state(host)->strings, 0, sizeof(accessory_state(host)->strings));
	host->call->reply_to_control_request(host, id, version,
					     setup->length < sizeof(version) ? setup->length
									     : sizeof(version));
}

static void handle_send_string(struct ffsctl_host *host, uint32_t id,
			       const struct ffsctl_setup *setup)
{
	struct accessory_state *state = accessory_state(host);

	if (setup->index >= STRINGS || setup->length > STRING_MAX) {
		host->call->stall_control_request(host, id);
		return;
	}
	memset(state->strings[setup->index], 0, sizeof(state->strings[setup->index]));
	state->pending_request = id;
	state->pending_string = setup->index;
	host->call->accept_control_request(host, id);
}

static bool is_accepted_accessory(struct ffsctl_host *host)
{
	for (int i = 0; i < 2; i++) { /* the options `manufacturer` and `model` */
		const char *wanted = host->call->option_string(host, string_names[i]);

		if (!wanted || strcmp(wanted, accessory_state(host)->strings[i]) == 0)
			continue;
		host->call->log(host, FFSCTL_LOG_NOTE,
				"refused an accessory: its %s is '%s', not '%s' as in the gadget "
				"file",
				string_names[i], accessory_state(host)->strings[i], wanted);
		return false;
	}
	return true;
}

static void handle_start(struct ffsctl_host *host, uint32_t id)
{
	const struct accessory_state *state = accessory_state(host);
	char json[JSON_MAX];
	int r;

	strings_to_json(state, json);
	host->call->stats(host, json);
	if (!is_accepted_accessory(host)) {
		host->call->stall_control_request(host, id);
		return;
	}
	for (int i = 0; i < STRINGS; i++)
		host->call->log(host, FFSCTL_LOG_NOTE, "%s of the accessory: '%s'", string_names[i],
				state->strings[i]);
	host->call->accept_control_request(host, id);
	r = host->call->switch_to(host, host->call->option_string(host, "switch_to"), json);
	if (r < 0)
		host->call->log(host, FFSCTL_LOG_ERROR, "cannot request the switch: %s",
				strerror(-r));
}

static void accessory_setup(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup)
{
	bool in = setup->request_type == TYPE_VENDOR_IN;
	bool out = setup->request_type == TYPE_VENDOR_OUT;

	if (in && setup->request == REQUEST_GET_PROTOCOL)
		handle_get_protocol(host, id, setup);
	else if (out && setup->request == REQUEST_SEND_STRING)
		handle_send_string(host, id, setup);
	else if (out && setup->request == REQUEST_START && setup->length == 0)
		handle_start(host, id);
	else
		host->call->stall_control_request(host, id);
}

static void accessory_setup_data(struct ffsctl_host *host, uint32_t id, const void *data,
				 size_t length)
{
	struct accessory_state *state = accessory_state(host);
	char *text = state->strings[state->pending_string];

	if (id != state->pending_request || length > STRING_MAX)
		return;
	/* The bytes after the text are 0 already; some hosts also send a NUL. */
	memcpy(text, data, length);
	replace_invalid_characters(text);
}

static int accessory_start(struct ffsctl_host *host)
{
	host->state = calloc(1, sizeof(struct accessory_state));
	return host->state ? 0 : -ENOMEM;
}

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "accessory",
	.summary = "switches to another gadget when a host starts Android accessory mode",
	.options = options,
	.framing = FFSCTL_FRAMING_MESSAGES,
	.start = accessory_start,
	.setup = accessory_setup,
	.setup_data = accessory_setup_data,
};
