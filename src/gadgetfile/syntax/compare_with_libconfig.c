// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares the result of our parser with that of libconfig, so that a gadget file means the same to
 * every program that uses libconfig. Our parser follows libconfig 1.5; the installed library may
 * have another version.
 *
 * libconfig gets scan.text_with_includes, in which each @include line is replaced by the included
 * file, because libconfig exits the process if such a line names a directory. libconfig gets only
 * text without errors: it leaks memory if the text has errors, and needs too much time if the text
 * exceeds the limits in tree.h.
 */
#include <libconfig.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "gadgetfile/syntax/lex.h"

static const char *string_or_empty(const config_setting_t *setting)
{
	return config_setting_get_string(setting) ?: "";
}

/* Describes what libconfig has read, for a message. The caller frees the result. */
static char *describe_setting(const config_setting_t *theirs)
{
	const char *name = config_setting_name(theirs);
	_cleanup_free_ char *value = NULL;
	int n = config_setting_length(theirs);

	switch (config_setting_type(theirs)) {
	case CONFIG_TYPE_BOOL:
		value = xstrdup(config_setting_get_bool(theirs) ? "true" : "false");
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		value = strf("the integer %lld", config_setting_get_int64(theirs));
		break;
	case CONFIG_TYPE_FLOAT:
		value = strf("the number %.17g", config_setting_get_float(theirs));
		break;
	case CONFIG_TYPE_STRING:
		value = diag_quote(string_or_empty(theirs));
		break;
	case CONFIG_TYPE_GROUP:
		value = strf("a group of %d", n);
		break;
	case CONFIG_TYPE_LIST:
		value = strf("a list of %d", n);
		break;
	default:
		value = strf("an array of %d", n);
		break;
	}
	return name ? strf("'%s' is %s", name, value) : steal_ptr(value);
}

/* Compares the types of two settings and, unless they are groups or lists, their values. */
static bool same_value(const struct node *ours, const config_setting_t *theirs)
{
	switch (config_setting_type(theirs)) {
	case CONFIG_TYPE_BOOL:
		return ours->type == NODE_BOOL && ours->integer == config_setting_get_bool(theirs);
	case CONFIG_TYPE_INT:
		/*
		 * libconfig 1.5 wraps an integer above INT32_MAX to a negative number, which
		 * programs cast to an unsigned type (literal_value.c).
		 */
		return ours->type == NODE_INT && (ours->integer > INT32_MAX ||
						  ours->integer == config_setting_get_int(theirs));
	case CONFIG_TYPE_INT64:
		return ours->type == NODE_INT && ours->integer == config_setting_get_int64(theirs);
	case CONFIG_TYPE_FLOAT:
		return ours->type == NODE_FLOAT && ours->real == config_setting_get_float(theirs);
	case CONFIG_TYPE_STRING:
		/* libconfig ends a string at its first NUL byte, which few keys allow. */
		return ours->type == NODE_STRING && (strlen(ours->text) != ours->text_size ||
						     streq(ours->text, string_or_empty(theirs)));
	case CONFIG_TYPE_GROUP:
		return ours->type == NODE_GROUP;
	case CONFIG_TYPE_LIST:
		return ours->type == NODE_LIST;
	case CONFIG_TYPE_ARRAY:
		return ours->type == NODE_ARRAY;
	default:
		return false;
	}
}

static bool same_setting(const struct node *ours, const config_setting_t *theirs)
{
	return streq_null(ours->name, config_setting_name(theirs)) && same_value(ours, theirs) &&
	       ours->n_children == (size_t)config_setting_length(theirs);
}

/*
 * Returns whether the trees are the same. Adds an error for the first difference only, because
 * other differences may be its consequence.
 */
static bool same_tree(struct scan *s, const struct node *ours, const config_setting_t *theirs)
{
	_cleanup_free_ char *words = NULL;
	unsigned int i = 0;

	if (!same_setting(ours, theirs)) {
		words = describe_setting(theirs);
		diag_error(s->diags, node_range_to_mark(ours),
			   "libconfig reads this differently: %s", words);
		return false;
	}
	node_foreach(child, ours)
		if (!same_tree(s, child, config_setting_get_elem(theirs, i++)))
			return false;
	return true;
}

/*
 * Adds the error that libconfig reports. The line number from libconfig is that of a line of
 * s->text_with_includes.
 */
static void error_libconfig_rejects(struct scan *s, const config_t *config)
{
	struct text_range at = source_range_of_line(s, (unsigned int)config_error_line(config));

	diag_error(s->diags, &at, "libconfig rejects this: %s", config_error_text(config));
}

void scan_compare_with_libconfig(struct scan *s)
{
	config_t config;
	bool agrees = false;

	config_init(&config);
	if (config_read_string(&config, s->text_with_includes) != CONFIG_TRUE)
		error_libconfig_rejects(s, &config);
	else
		agrees = same_tree(s, s->root, config_root_setting(&config));
	if (s->comparison_with_libconfig != LIBCONFIG_DISAGREES)
		s->comparison_with_libconfig = agrees ? LIBCONFIG_AGREES : LIBCONFIG_DISAGREES;
	config_destroy(&config);
}
