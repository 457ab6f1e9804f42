// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recursive descent parser of libconfig 1.5's grammar. After an error it resumes at the next
 * setting or bracket, so that one run finds all errors.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/syntax/lex.h"
#include "gadgetfile/syntax/literal_value.h"

enum bracket { BRACKET_GROUP, BRACKET_LIST, BRACKET_ARRAY, BRACKET_COUNT };

static const char brackets[BRACKET_COUNT][2] = { "{}", "()", "[]" };

/* The position of the parser in the tokens. */
struct parser {
	struct scan *scan;
	const struct token *token;	    /* next token */
	unsigned int n_open[BRACKET_COUNT]; /* number of open brackets of each kind */
	unsigned int nesting_depth;	    /* of groups and lists */
	/*
	 * A bracket did not match. Later brackets that do not match are a consequence of that, and
	 * are not reported.
	 */
	bool unbalanced;
	/*
	 * The first group whose closing bracket is less indented than the line on which the group
	 * is opened, and that bracket: if a bracket is missing, it is most likely that of this
	 * group. NULL: none.
	 */
	const struct token *misindented_open, *misindented_close;
};

/* Returns the kind of bracket that the token closes; -1: it is no closing bracket. */
static int closed_bracket_kind(const struct token *t)
{
	switch (t->type) {
	case TOKEN_GROUP_CLOSE:
		return BRACKET_GROUP;
	case TOKEN_LIST_CLOSE:
		return BRACKET_LIST;
	case TOKEN_ARRAY_CLOSE:
		return BRACKET_ARRAY;
	default:
		return -1;
	}
}

static bool starts_value(const struct token *t)
{
	switch (t->type) {
	case TOKEN_STRING:
	case TOKEN_INT:
	case TOKEN_INT64:
	case TOKEN_FLOAT:
	case TOKEN_BOOL:
	case TOKEN_GROUP_OPEN:
	case TOKEN_LIST_OPEN:
	case TOKEN_ARRAY_OPEN:
		return true;
	default:
		return false;
	}
}

static bool starts_setting(const struct token *t)
{
	return t->type == TOKEN_NAME && t[1].type == TOKEN_EQUALS;
}

static char *describe_token(const struct token *t)
{
	_cleanup_free_ char *text = NULL;

	if (t->type == TOKEN_END)
		return xstrdup("the end of the file");
	if (t->type == TOKEN_STRING)
		return xstrdup("a string");
	text = text_replace_unprintable(t->text, t->length);
	return strf("'%s'", text);
}

static void error_expected(struct parser *p, const struct token *t, const char *what)
{
	_cleanup_free_ char *but = describe_token(t);

	diag_error(p->scan->diags, &t->at, "expected %s, found %s", what, but);
}

/* Skips the rest of a setting with an error: up to the next setting or a closing bracket. */
static void skip_to_setting(struct parser *p)
{
	unsigned int inner = 0;

	for (; p->token->type != TOKEN_END; p->token++) {
		if (p->token->type == TOKEN_GROUP_OPEN || p->token->type == TOKEN_LIST_OPEN ||
		    p->token->type == TOKEN_ARRAY_OPEN) {
			inner++;
		} else if (closed_bracket_kind(p->token) >= 0) {
			if (inner == 0)
				return;
			inner--;
		} else if (inner == 0 && starts_setting(p->token)) {
			return;
		} else if (inner == 0 &&
			   (p->token->type == TOKEN_SEMICOLON || p->token->type == TOKEN_COMMA)) {
			p->token++;
			return;
		}
	}
}

static struct node *add_node(struct parser *p, struct node *parent, const struct token *at)
{
	struct node *n = arena_alloc(&p->scan->arena, sizeof(*n));

	n->parent = parent;
	n->at = at->at;
	if (parent->last_child)
		parent->last_child->next = n;
	else
		parent->first_child = n;
	parent->last_child = n;
	parent->n_children++;
	return n;
}

static void parse_value(struct parser *p, struct node *n);
static void parse_settings(struct parser *p, struct node *group);

static void skip_stray_bracket(struct parser *p)
{
	if (!p->unbalanced)
		diag_error(p->scan->diags, &p->token->at, "unmatched '%.1s'", p->token->text);
	p->token++;
	if (p->token->type == TOKEN_SEMICOLON || p->token->type == TOKEN_COMMA)
		p->token++;
}

/*
 * Reports a closing bracket that does not match `open`. Returns true if the bracket closes an outer
 * group or list. The group or list that begins with `open` ends there too.
 */
static bool handle_wrong_bracket(struct parser *p, const struct token *open, enum bracket kind)
{
	int found_bracket = closed_bracket_kind(p->token);
	char closing = brackets[kind][1];

	if (p->n_open[found_bracket] > 0) {
		p->unbalanced = true;
		diag_error(p->scan->diags, &p->token->at, "expected '%c' before '%c'", closing,
			   brackets[found_bracket][1]);
		diag_note_to_last(p->scan->diags, &open->at, "'%c' is opened here",
				  brackets[kind][0]);
		return true;
	}
	skip_stray_bracket(p);
	return false;
}

/* Returns the number of blanks at the start of the token's line. */
static size_t indentation(const struct token *t)
{
	return strspn(t->at.source->text + t->at.line_start_offset, " \t");
}

/* Remembers the group as misindented if its closing bracket is below an outer group. */
static void compare_indentation(struct parser *p, const struct token *open,
				const struct token *close)
{
	if (p->misindented_open || open->at.source != close->at.source ||
	    open->at.line == close->at.line || close->at.column != indentation(close) + 1 ||
	    indentation(close) >= indentation(open))
		return;
	p->misindented_open = open;
	p->misindented_close = close;
}

static void error_never_closed(struct parser *p, const struct token *open, enum bracket kind)
{
	const struct token *inner = kind == BRACKET_GROUP ? p->misindented_open : NULL;

	if (inner && inner > open) {
		diag_error(p->scan->diags, &inner->at, "this '%c' is never closed",
			   brackets[kind][0]);
		diag_note_to_last(p->scan->diags, &p->misindented_close->at,
				  "this '%c' closes it, but is indented as that of an outer group",
				  brackets[kind][1]);
		p->misindented_open = NULL;
		return;
	}
	diag_error(p->scan->diags, &open->at, "this '%c' is never closed", brackets[kind][0]);
}

static void parse_group(struct parser *p, struct node *n)
{
	const struct token *open = p->token++;

	n->type = NODE_GROUP;
	p->n_open[BRACKET_GROUP]++;
	for (;;) {
		parse_settings(p, n);
		if (p->token->type == TOKEN_END) {
			error_never_closed(p, open, BRACKET_GROUP);
			break;
		}
		if (p->token->type == TOKEN_GROUP_CLOSE) {
			compare_indentation(p, open, p->token++);
			break;
		}
		if (handle_wrong_bracket(p, open, BRACKET_GROUP))
			break;
	}
	p->n_open[BRACKET_GROUP]--;
}

static const char *element_type_words(enum token_type type)
{
	switch (type) {
	case TOKEN_BOOL:
		return "a boolean";
	case TOKEN_INT:
		return "an integer";
	case TOKEN_INT64:
		return "a 64-bit integer";
	case TOKEN_FLOAT:
		return "a floating-point number";
	default:
		return "a string";
	}
}

/* Adds the hint what to do about the value at p->token, which has another type than the first. */
static void hint_about_element(struct parser *p, const struct token *first)
{
	_cleanup_free_ char *number =
		first->type == TOKEN_INT && p->token->type == TOKEN_FLOAT
			? value_guess_hexadecimal(p->token->text, p->token->length)
			: NULL;

	if (number)
		diags_hint(p->scan->diags, "write %s: hexadecimal numbers begin with 0x", number);
	else
		diags_hint(p->scan->diags, "use a list '( )'");
}

/*
 * Checks the value at p->token before it becomes an element of an array; false: an error was added.
 */
static bool check_element(struct parser *p, const struct node *array, const struct token *first)
{
	if (p->token->type >= TOKEN_GROUP_OPEN) {
		diag_error(p->scan->diags, &p->token->at,
			   "an array '[ ]' cannot contain groups or lists");
		diags_hint(p->scan->diags, "use a list '( )'");
	} else if (array->n_children > 0 && p->token->type != first->type) {
		diag_error(p->scan->diags, &p->token->at,
			   "all values of an array '[ ]' must have the same type: the first is %s",
			   element_type_words(first->type));
		hint_about_element(p, first);
	} else {
		return true;
	}
	return false;
}

/* Parses a setting in a list, where only values are allowed; reports it and discards it. */
static void parse_setting_in_list(struct parser *p, enum bracket kind)
{
	struct node scratch = { .type = NODE_GROUP };
	_cleanup_free_ char *name = xstrndup(p->token->text, p->token->length);

	diag_error(p->scan->diags, &p->token->at,
		   "expected a value or '%c', found the setting '%s'", brackets[kind][1], name);
	diags_hint(p->scan->diags, "settings need '{ }'");
	p->token += 2;
	if (starts_value(p->token))
		parse_value(p, add_node(p, &scratch, p->token));
	if (p->token->type == TOKEN_SEMICOLON || p->token->type == TOKEN_COMMA)
		p->token++;
}

/* Parses the separator after a value of a list. Returns whether another value may follow. */
static bool parse_list_separator(struct parser *p, enum bracket kind)
{
	static const char *const words[] = { "',' or '}'", "',' or ')'", "',' or ']'" };
	const char *what = words[kind];

	if (p->token->type == TOKEN_COMMA) {
		if (closed_bracket_kind(&p->token[1]) == (int)kind) {
			diag_error(p->scan->diags, &p->token->at,
				   "libconfig 1.5 allows no ',' before the closing '%c'",
				   brackets[kind][1]);
		} else if (p->token[1].type == TOKEN_COMMA) {
			error_expected(p, &p->token[1], "a value");
			p->token++;
		}
		p->token++;
		return true;
	}
	if (p->token->type == TOKEN_SEMICOLON) {
		error_expected(p, p->token++, what);
		return true;
	}
	if (starts_value(p->token)) {
		error_expected(p, p->token, what);
		return true;
	}
	return false;
}

/*
 * Returns whether a closing bracket is missing before ';', as in `( 1, 2; next = 3`. Adds an error
 * if it is missing.
 */
static bool refuse_missing_bracket(struct parser *p, const struct token *open, enum bracket kind)
{
	int bracket = closed_bracket_kind(&p->token[p->token->type != TOKEN_END]);

	if (p->token->type != TOKEN_SEMICOLON || bracket == (int)kind ||
	    (!(bracket >= 0 && p->n_open[bracket] > 0) && !starts_setting(&p->token[1])))
		return false;
	diag_error(p->scan->diags, &p->token->at, "expected ',' or '%c', found ';'",
		   brackets[kind][1]);
	diag_note_to_last(p->scan->diags, &open->at, "'%c' is opened here", brackets[kind][0]);
	return true;
}

static void parse_list(struct parser *p, struct node *n, enum bracket kind)
{
	const struct token *open = p->token++, *first = p->token;

	n->type = kind == BRACKET_LIST ? NODE_LIST : NODE_ARRAY;
	for (;;) {
		if (p->token->type == TOKEN_END) {
			error_never_closed(p, open, kind);
			return;
		}
		if (closed_bracket_kind(p->token) == (int)kind) {
			p->token++;
			return;
		}
		if (closed_bracket_kind(p->token) >= 0) {
			if (handle_wrong_bracket(p, open, kind))
				return;
		} else if (starts_setting(p->token)) {
			parse_setting_in_list(p, kind);
		} else if (starts_value(p->token)) {
			bool fits = kind == BRACKET_LIST || check_element(p, n, first);
			struct node *element = add_node(p, n, p->token);

			p->n_open[kind]++;
			parse_value(p, element);
			p->n_open[kind]--;
			element->has_error |= !fits;
			if (refuse_missing_bracket(p, open, kind))
				return;
			if (!parse_list_separator(p, kind) && p->token->type != TOKEN_END &&
			    closed_bracket_kind(p->token) < 0 && !starts_setting(p->token)) {
				_cleanup_free_ char *what = strf("',' or '%c'", brackets[kind][1]);

				error_expected(p, p->token++, what);
			}
		} else {
			error_expected(p, p->token, "a value");
			value_hint_about_word(p->scan, p->token++);
			parse_list_separator(p, kind);
		}
	}
}

/* Joins adjacent strings, which may be on several lines. */
static void parse_string(struct parser *p, struct node *n)
{
	const struct token *first = p->token;
	size_t size = 0;

	while (p->token->type == TOKEN_STRING)
		size += p->token++->length;
	value_set_string(p->scan, first, (size_t)(p->token - first), size, n);
}

/* Reports and discards a value that is nested too deeply, which ends the recursion. */
static void skip_bracketed(struct parser *p)
{
	unsigned int inner = 0;

	scan_error_in_valid_libconfig(p->scan, &p->token->at, "nested deeper than %d levels",
				      GADGETFILE_MAX_NESTING);
	for (; p->token->type != TOKEN_END; p->token++) {
		if (p->token->type == TOKEN_GROUP_OPEN || p->token->type == TOKEN_LIST_OPEN ||
		    p->token->type == TOKEN_ARRAY_OPEN)
			inner++;
		else if (closed_bracket_kind(p->token) >= 0 && --inner == 0)
			break;
	}
	if (p->token->type != TOKEN_END)
		p->token++;
}

/*
 * Reports and skips a hexadecimal number without 0x that begins with decimal digits, such as 1d6b,
 * which the lexer returns as a number and a name, like libconfig. Returns false if p->token is no
 * such number.
 */
static bool refuse_hexadecimal_number(struct parser *p, struct node *n)
{
	const struct token *t = p->token, *name = t + 1;
	_cleanup_free_ char *number = NULL;
	struct text_range at = t->at;
	size_t length;

	if (t->type == TOKEN_INT64 || name->type != TOKEN_NAME ||
	    name->text != t->text + t->length || starts_setting(name))
		return false;
	length = t->length + name->length;
	number = value_guess_hexadecimal(t->text, length);
	if (!number)
		return false;
	at.end_column = name->at.end_column;
	diag_error(p->scan->diags, &at, "'%.*s' is no number", (int)length, t->text);
	diags_hint(p->scan->diags, "write %s: hexadecimal numbers begin with 0x", number);
	n->type = NODE_BAD;
	p->token += 2;
	return true;
}

static void parse_value(struct parser *p, struct node *n)
{
	n->at = p->token->at;
	switch (p->token->type) {
	case TOKEN_BOOL:
		n->type = NODE_BOOL;
		n->integer = p->token->length == strlen("true");
		n->text = n->integer ? "true" : "false";
		p->token++;
		return;
	case TOKEN_INT:
	case TOKEN_INT64:
	case TOKEN_FLOAT:
		if (!refuse_hexadecimal_number(p, n))
			value_set_number(p->scan, p->token++, n);
		return;
	case TOKEN_STRING:
		parse_string(p, n);
		return;
	default:
		break;
	}
	if (p->nesting_depth == GADGETFILE_MAX_NESTING) {
		n->type = NODE_BAD;
		skip_bracketed(p);
		return;
	}
	p->nesting_depth++;
	if (p->token->type == TOKEN_GROUP_OPEN)
		parse_group(p, n);
	else
		parse_list(p, n, p->token->type == TOKEN_LIST_OPEN ? BRACKET_LIST : BRACKET_ARRAY);
	p->nesting_depth--;
}

/*
 * Parses a setting with a dotted name, such as `attrs.idVendor = 1`, which other languages allow;
 * reports it and discards it. Returns false if the name at p->token is not dotted. The lexer
 * returns a lone '.' as a number, like libconfig.
 */
static bool refuse_dotted_name(struct parser *p)
{
	struct node scratch = { .type = NODE_GROUP };
	const struct token *name = p->token++;
	_cleanup_free_ char *text = NULL;

	if (p->token->type != TOKEN_FLOAT || p->token->length != 1 ||
	    p->token[1].type != TOKEN_NAME) {
		p->token = name;
		return false;
	}
	text = xstrndup(name->text, name->length);
	diag_error(p->scan->diags, &name->at, "a name cannot contain '.'");
	diags_hint(p->scan->diags, "write the settings of '%s' inside its '{ }'", text);
	while (p->token->type == TOKEN_FLOAT && p->token->length == 1 &&
	       p->token[1].type == TOKEN_NAME)
		p->token += 2;
	if (p->token->type == TOKEN_EQUALS && starts_value(&p->token[1])) {
		p->token++;
		parse_value(p, add_node(p, &scratch, p->token));
		if (p->token->type == TOKEN_SEMICOLON || p->token->type == TOKEN_COMMA)
			p->token++;
	} else {
		skip_to_setting(p);
	}
	return true;
}

static void parse_setting(struct parser *p, struct node *group)
{
	const struct token *name = p->token++;
	struct node *n = add_node(p, group, name);
	char *text = arena_alloc(&p->scan->arena, name->length + 1);
	_cleanup_free_ char *what = NULL;

	memcpy(text, name->text, name->length);
	n->name = text;
	n->name_at = name->at;
	n->type = NODE_BAD;
	if (p->token->type == TOKEN_EQUALS) {
		p->token++;
	} else {
		what = strf("'=' or ':' after '%s'", text);
		error_expected(p, p->token, what);
		if (!starts_value(p->token)) {
			skip_to_setting(p);
			return;
		}
	}
	if (starts_value(p->token)) {
		parse_value(p, n);
	} else {
		free(what);
		what = strf("a value for '%s'", text);
		error_expected(p, p->token, what);
		value_hint_about_word(p->scan, p->token);
		skip_to_setting(p);
		return;
	}
	if (p->token->type == TOKEN_SEMICOLON || p->token->type == TOKEN_COMMA)
		p->token++;
}

/* Parses settings, and stops before a closing bracket or at the end of the text. */
static void parse_settings(struct parser *p, struct node *group)
{
	for (;;) {
		if (p->token->type == TOKEN_NAME) {
			if (!refuse_dotted_name(p))
				parse_setting(p, group);
		} else if (p->token->type == TOKEN_END || closed_bracket_kind(p->token) >= 0) {
			break;
		} else if ((p->token->type == TOKEN_SEMICOLON || p->token->type == TOKEN_COMMA) &&
			   group->n_children > 0) {
			diag_error(p->scan->diags, &p->token->at, "surplus '%.1s'", p->token->text);
			p->token++;
		} else {
			error_expected(
				p, p->token,
				p->token == p->scan->tokens && p->token->type == TOKEN_GROUP_OPEN
					? "a setting's name (a gadget file has no '{ }' around "
					  "it)"
					: "a setting's name");
			scan_hint_at_quoted_name(p->scan, p->token);
			skip_to_setting(p);
		}
	}
	if (group->n_children > 1)
		scan_check_setting_names(p->scan, group);
}

void scan_parse(struct scan *s)
{
	struct parser p = { .scan = s, .token = s->tokens };
	struct text_range at = { .source = s->sources[0] };

	s->root = arena_alloc(&s->arena, sizeof(*s->root));
	s->root->type = NODE_GROUP;
	s->root->at = at;
	for (;;) {
		parse_settings(&p, s->root);
		if (p.token->type == TOKEN_END)
			return;
		skip_stray_bracket(&p);
	}
}
