/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/selftest_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"
#include "configfs/kernel_log.h"

#define MAC_LENGTH 17 /* characters of 02:00:00:00:00:01 */

void selftest_secrets_add(struct selftest_secrets *secrets, const char *text,
			  const char *replacement)
{
	if (!text || strlen(text) < 2)
		return;
	*array_add(secrets->list, secrets->n) =
		(struct selftest_secret){ xstrdup(text), replacement };
}

void selftest_secrets_free(struct selftest_secrets *secrets)
{
	for (size_t i = 0; i < secrets->n; i++)
		free(secrets->list[i].text);
	free(secrets->list);
	*secrets = (struct selftest_secrets){ 0 };
}

static bool is_word_character(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Returns whether the word of `length` characters at `p` does not continue on either side. */
static bool is_whole_word(const char *line, const char *p, size_t length)
{
	return (p == line || !is_word_character(p[-1])) && !is_word_character(p[length]);
}

/* Returns the secret at `p`; NULL: there is none. */
static const struct selftest_secret *secret_at(const struct selftest_secrets *secrets,
					       const char *line, const char *p)
{
	for (size_t i = 0; i < secrets->n; i++) {
		const char *text = secrets->list[i].text;

		if (strncasecmp(p, text, strlen(text)) == 0 && is_whole_word(line, p, strlen(text)))
			return &secrets->list[i];
	}
	return NULL;
}

/* Six bytes in hexadecimal, with ':' or '-' between them. */
static bool is_mac_address(const char *line, const char *p)
{
	for (size_t i = 0; i < MAC_LENGTH; i++)
		if (i % 3 == 2 ? p[i] != ':' && p[i] != '-' : !isxdigit((unsigned char)p[i]))
			return false;
	return is_whole_word(line, p, MAC_LENGTH);
}

/* Returns the length of the words that announce a serial number at `p`, with what follows them up
   to the number; 0: there are none. */
static size_t serial_prefix_length(const char *line, const char *p)
{
	static const char *const words[] = { "serialnumber", "serial number", "serial no",
					     "iserial", "serial" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]), separators;

		if (strncasecmp(p, words[i], n) != 0 || !is_whole_word(line, p, n))
			continue;
		separators = strspn(p + n, " :=#\"'");
		/* "serial" alone is also a word of other sentences. */
		if (streq(words[i], "serial") && !strpbrk(p + n, ":=#"))
			return 0;
		if (streq(words[i], "serial") && strcspn(p + n, ":=#") >= separators)
			return 0;
		return separators > 0 && p[n + separators] ? n + separators : 0;
	}
	return 0;
}

char *selftest_remove_secrets(const char *line, const struct selftest_secrets *secrets)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return xstrdup("");
	for (const char *p = line; *p;) {
		const struct selftest_secret *secret = secret_at(secrets, line, p);
		size_t prefix = serial_prefix_length(line, p);

		if (secret) {
			fputs(secret->replacement, out);
			p += strlen(secret->text);
		} else if (is_mac_address(line, p)) {
			fputs("<MAC address>", out);
			p += MAC_LENGTH;
		} else if (prefix > 0) {
			fwrite(p, 1, prefix, out);
			fputs("<serial number>", out);
			p += prefix;
			p += strcspn(p, " ,;\"'\n");
		} else {
			fputc(*p++, out);
		}
	}
	fclose(out);
	return text;
}

bool selftest_is_gadget_line(const char *line, const char *udc, const char *driver)
{
	static const char *const words[] = { "gadget",	"udc",	    "functionfs",
					     "usb_f_",	"u_serial", "u_ether",
					     "g_ether", "configfs", "composite" };

	if ((udc && strstr(line, udc)) || (driver && strstr(line, driver)))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(line, words[i]))
			return true;
	return false;
}

char *selftest_kmsg_line(const char *record)
{
	_cleanup_free_ char *text = kernel_log_text(record), *printable = NULL;
	uint64_t microseconds;

	if (!text || sscanf(record, "%*u,%*u,%" SCNu64 ",", &microseconds) != 1)
		return NULL;
	printable = text_replace_unprintable(text, strlen(text));
	return strf("[%5" PRIu64 ".%06" PRIu64 "] %s", microseconds / 1000000,
		    microseconds % 1000000, printable);
}
