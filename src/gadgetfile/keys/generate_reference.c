// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generates schemas/gadget.schema.json, the key reference of ffsctl-gadget(5) and the reference of
 * ffsctl-functions(5) from the table of keys. Not part of ffsctl: maintainers run it with
 * `make update-reference`, and `make check` compares the results.
 * Usage: gadgetfile-reference schema | gadget | functions
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "gadgetfile/keys/generate_schema.h"
#include "gadgetfile/types/attrs.h"

static const struct {
	enum node_type type;
	const char *name;
} types[] = {
	{ NODE_BOOL, "bool" },	   { NODE_INT, "int" },	    { NODE_FLOAT, "float" },
	{ NODE_STRING, "string" }, { NODE_GROUP, "group" }, { NODE_LIST, "list" },
};

#define MAN_COLUMNS 78

/*
 * Prints a word. mdoc treats '.' or '\'' at the beginning of a line as a request, and a backslash
 * as an escape.
 */
static void print_word(const char *word, size_t n, size_t *column)
{
	size_t columns = n;

	for (size_t i = 0; i < n; i++)
		columns += word[i] == '\\';
	if (*column > 0 && *column + 1 + columns > MAN_COLUMNS) {
		putchar('\n');
		*column = 0;
	} else if (*column > 0) {
		putchar(' ');
		++*column;
	}
	if (*column == 0 && (*word == '.' || *word == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < n; i++) {
		if (word[i] == '\\')
			fputs("\\e", stdout);
		else
			putchar(word[i]);
	}
	*column += columns;
}

/*
 * Prints the name of a manual page with what follows it, "ffsctl-functions(5).", as a macro, which
 * has its own line. Returns false for any other word.
 */
static bool print_manual_page(const char *word, size_t n, size_t *column)
{
	size_t name = strspn(word, "abcdefghijklmnopqrstuvwxyz-");

	if (name == 0 || name + 3 > n || word[name] != '(' ||
	    !isdigit((unsigned char)word[name + 1]) || word[name + 2] != ')')
		return false;
	if (*column > 0)
		putchar('\n');
	printf(".Xr %.*s %c", (int)name, word, word[name + 1]);
	for (size_t i = name + 3; i < n; i++)
		printf(" %c", word[i]);
	putchar('\n');
	*column = 0;
	return true;
}

/* Prints text in lines of limited length; each sentence begins on a new line. */
static void print_text(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (print_manual_page(text, n, &column)) {
			text += n + strspn(text + n, " ");
			continue;
		}
		print_word(text, n, &column);
		if (n > 1 && text[n - 1] == '.' && text[n] == ' ' && text[n - 2] != '.') {
			putchar('\n');
			column = 0;
		}
		text += n + strspn(text + n, " ");
	}
	if (column > 0)
		putchar('\n');
}

static void print_types(unsigned int mask)
{
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!(mask & types[i].type))
			continue;
		printf("%s%s", separator, types[i].name);
		separator = " | ";
	}
}

static void print_words(const struct keyword *words)
{
	_cleanup_free_ char *all = NULL;

	for (const struct keyword *w = words; w && w->word; w++) {
		char *longer;

		longer = all ? strf("%s, %s", all, w->word) : strf("One of %s", w->word);
		free(all);
		all = longer;
	}
	if (all) {
		char *sentence = strf("%s.", all);

		print_text(sentence);
		free(sentence);
	}
}

static void print_limits(const struct key *k)
{
	if (k->min >= k->max)
		return;
	if (k->types == NODE_STRING)
		printf("At most %.15g bytes.\n", k->max);
	else
		printf("%s %.15g to %.15g.\n",
		       k->flags & KEY_ITEM_RANGE || !(k->types & (NODE_INT | NODE_FLOAT))
			       ? "Numbers of the list from"
			       : "From",
		       k->min, k->max);
}

/* Returns whether a manual page would have the same text for both keys. */
static bool is_same_key(const struct key *a, const struct key *b)
{
	const unsigned int flags = KEY_REQUIRED | KEY_ITEM_RANGE | KEY_TIME;

	return streq(a->name, b->name) && a->types == b->types && a->item_types == b->item_types &&
	       (a->flags & flags) == (b->flags & flags) && !(a->min < b->min || a->min > b->min) &&
	       !(a->max < b->max || a->max > b->max) && a->words == b->words &&
	       a->group == b->group && streq_null(a->default_text, b->default_text) &&
	       streq(a->doc, b->doc);
}

#define MAX_KEYS 1024
static struct {
	const struct key *key;
	const char *heading; /* heading of the section that describes the key */
} printed_keys[MAX_KEYS];
static size_t n_printed_keys;

/* Returns the heading of the section that describes a key with the same text; NULL: none. */
static const char *heading_of_printed_key(const struct key *k)
{
	for (size_t i = 0; i < n_printed_keys; i++)
		if (is_same_key(printed_keys[i].key, k))
			return printed_keys[i].heading;
	return NULL;
}

static void remember_printed_key(const struct key *k, const char *heading)
{
	if (n_printed_keys == MAX_KEYS) {
		fputs("gadgetfile-reference: more keys than expected\n", stderr);
		exit(EX_SOFTWARE);
	}
	printed_keys[n_printed_keys].key = k;
	printed_keys[n_printed_keys++].heading = heading;
}

/* Prints a key in the section `heading`. A page describes a key only once. */
static void print_key(const struct key *k, const char *heading)
{
	const char *first_heading = heading_of_printed_key(k);

	printf(".It Cm %s Pq ", k->name);
	print_types(k->types | (k->flags & KEY_TIME ? NODE_STRING : 0));
	if (k->item_types) {
		fputs(" of ", stdout);
		print_types(k->item_types);
	}
	putchar('\n');
	if (first_heading) {
		printf("As in\n.Sx %s .\n", first_heading);
		return;
	}
	remember_printed_key(k, heading);
	print_text(k->doc);
	print_words(k->words);
	print_limits(k);
	if (k->flags & KEY_REQUIRED)
		puts("Required.");
	if (k->default_text) {
		_cleanup_free_ char *text = strf("Default: %s.", k->default_text);

		print_text(text);
	}
}

#define MAX_GROUPS 128

/*
 * Marks a group as printed. Returns false if it was marked before. Several keys may have the same
 * group: for example 'full' and 'high', or functions in 'functions' and in 'configs'. Such a group
 * must be printed only once.
 */
static bool mark_group_as_printed(const struct key_group *group)
{
	static const struct key_group *printed[MAX_GROUPS];
	size_t n = 0;

	while (n < MAX_GROUPS && printed[n]) {
		if (printed[n++] == group)
			return false;
	}
	if (n == MAX_GROUPS) {
		fputs("gadgetfile-reference: more groups than expected\n", stderr);
		exit(EX_SOFTWARE);
	}
	printed[n] = group;
	return true;
}

static void print_heading(const char *heading, const char *doc)
{
	printf(".Ss %s\n", heading);
	print_text(doc);
}

static void print_group(const struct key_group *group);

/* Prints the groups that the keys of a group contain. */
static void print_groups_of_keys(const struct key_group *group)
{
	for (const struct key *k = group->keys; k && k->name; k++)
		if (k->group)
			print_group(k->group);
	if (group->user_named_key && group->user_named_key->group)
		print_group(group->user_named_key->group);
}

static void print_group(const struct key_group *group)
{
	const char *heading = *group->manual_heading ? group->manual_heading : "The file";

	if (!mark_group_as_printed(group))
		return;
	print_heading(heading, group->doc);
	puts(".Bl -tag -width Ds");
	for (const struct key *k = group->keys; k && k->name; k++)
		print_key(k, heading);
	if (group->user_named_key)
		print_key(group->user_named_key, heading);
	puts(".El");
	print_groups_of_keys(group);
}

/* --- the types of kernel functions ------------------------------------------------------------ */

static const char *speed_word(enum gadget_speed speed)
{
	const struct keyword *w = key_find(&gadget_keys, "max_speed")->words;

	while (w->value != speed)
		w++;
	return w->word;
}

static const char *device_text(const struct function_type *type)
{
	static const char *const devices[] = {
		[FUNCTION_DEVICE_NONE] = "-",
		[FUNCTION_DEVICE_TTY] = "/dev/ttyGSN",
		[FUNCTION_DEVICE_CHARACTER] = "/dev/hidgN",
		[FUNCTION_DEVICE_VIDEO] = "/dev/videoN",
		[FUNCTION_DEVICE_NETWORK] = "usbN",
	};

	return type->manual_device ? type->manual_device : devices[type->device];
}

/* Prints the table of all types: module, device, highest speed and number of endpoints. */
static void print_table_of_types(void)
{
	puts(".Bl -column \"mass_storage\" \"usb_f_mass_storage\" \"/dev/g_printerN\" "
	     "\"super-plus\" "
	     "\"in\" \"out\"\n"
	     ".It Em type Ta Em module Ta Em device Ta Em speed Ta Em in Ta Em out");
	for (const struct function_type *t = function_table; t->name; t++) {
		const char *plus = t->endpoints.is_minimum ? "+" : "";

		if (!t->attr_keys)
			continue;
		printf(".It Cm %s Ta %s%s Ta %s Ta %s Ta %u%s Ta %u%s\n", t->name,
		       t->module ? t->module : "usb_f_", t->module ? "" : t->name, device_text(t),
		       speed_word(t->highest_speed), t->endpoints.in, plus, t->endpoints.out, plus);
	}
	puts(".El");
}

static bool has_key(const struct function_type *type, const struct key *key)
{
	for (const struct key *k = type->attr_keys->keys; k->name; k++)
		if (is_same_key(k, key))
			return true;
	return false;
}

/* Returns NULL for a type that has no attributes in common with others. */
static const struct function_family *find_family(const struct function_type *type)
{
	for (const struct function_family *f = function_families; f->manual_heading; f++)
		for (size_t i = 0; f->types[i]; i++)
			if (streq(f->types[i], type->name))
				return f;
	return NULL;
}

/* Returns the number of types of a family that have a key. */
static size_t count_types_with_key(const struct function_family *family, const struct key *key)
{
	size_t n = 0;

	for (size_t i = 0; family->types[i]; i++)
		n += has_key(function_type_find(family->types[i]), key);
	return n;
}

/* Prints which types of a family have a key, unless all types have it. */
static void print_types_with_key(const struct function_family *family, const struct key *key)
{
	size_t n = count_types_with_key(family, key), i = 0;
	const char *separator = "Only for";

	while (family->types[i])
		i++;
	if (n == i)
		return;
	for (i = 0; family->types[i]; i++) {
		if (!has_key(function_type_find(family->types[i]), key))
			continue;
		printf("%s %s", separator, family->types[i]);
		separator = --n == 1 ? " and" : ",";
	}
	puts(".");
}

/* Returns whether the section of the type's family describes the key. */
static bool is_in_family(const struct function_type *type, const struct key *key)
{
	const struct function_family *family = find_family(type);

	return family && count_types_with_key(family, key) > 1;
}

/* Prints the attributes that at least two types of a family have. */
static void print_family(const struct function_family *family)
{
	print_heading(family->manual_heading, family->doc);
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; family->types[i]; i++) {
		const struct function_type *t = function_type_find(family->types[i]);

		for (const struct key *k = t->attr_keys->keys; k->name; k++) {
			if (!is_in_family(t, k) || heading_of_printed_key(k))
				continue;
			print_key(k, family->manual_heading);
			print_types_with_key(family, k);
		}
	}
	puts(".El");
	for (size_t i = 0; family->types[i]; i++) {
		const struct function_type *t = function_type_find(family->types[i]);

		for (const struct key *k = t->attr_keys->keys; k->name; k++)
			if (k->group && is_in_family(t, k))
				print_group(k->group);
	}
}

/* Prints a type and the attributes that the section of its family does not describe. */
static void print_type(const struct function_type *type)
{
	const struct function_family *family = find_family(type);
	const char *heading = type->attr_keys->manual_heading;
	size_t n = 0;

	print_heading(heading, type->attr_keys->doc);
	for (const struct key *k = type->attr_keys->keys; k->name; k++)
		n += !is_in_family(type, k);
	if (family)
		printf("It has the attributes of\n.Sx %s%s\n", family->manual_heading,
		       n > 0 ? "\nand:" : " .");
	if (n > 0) {
		puts(".Bl -tag -width Ds");
		for (const struct key *k = type->attr_keys->keys; k->name; k++)
			if (!is_in_family(type, k))
				print_key(k, heading);
		puts(".El");
	}
	print_groups_of_keys(type->attr_keys);
}

static void print_functions(void)
{
	const struct function_family *last = NULL;

	print_table_of_types();
	for (const struct function_type *t = function_table; t->name; t++) {
		const struct function_family *family = find_family(t);

		if (!t->attr_keys)
			continue;
		if (family && family != last) {
			print_family(family);
			last = family;
		}
		print_type(t);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && streq(argv[1], "schema")) {
		print_schema();
	} else if (argc == 2 && streq(argv[1], "gadget")) {
		print_group(&gadget_keys);
	} else if (argc == 2 && streq(argv[1], "functions")) {
		print_functions();
	} else {
		fputs("usage: gadgetfile-reference schema | gadget | functions\n", stderr);
		return EX_USAGE;
	}
	return 0;
}
