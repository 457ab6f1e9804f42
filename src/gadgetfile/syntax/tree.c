// SPDX-License-Identifier: GPL-2.0-or-later
/* Queries and changes of the syntax tree. */
#include "gadgetfile/syntax/tree.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/syntax/lex.h"

struct node *node_member(const struct node *group, const char *name)
{
	node_foreach(child, group)
		if (child->name && streq(child->name, name))
			return child;
	return NULL;
}

const struct text_range *node_range_to_mark(const struct node *node)
{
	return node->name ? &node->name_at : &node->at;
}

static void append_element(struct node *list, struct node *element)
{
	element->parent = list;
	if (list->last_child)
		list->last_child->next = element;
	else
		list->first_child = element;
	list->last_child = element;
	list->n_children++;
}

static void make_empty_list(struct node *node)
{
	node->type = NODE_LIST;
	node->first_child = node->last_child = NULL;
	node->n_children = 0;
}

void node_wrap_in_list(struct scan *s, struct node *node)
{
	struct node *element = arena_alloc(&s->arena, sizeof(*element));

	*element = *node;
	element->name = NULL;
	element->next = NULL;
	node_foreach(child, element)
		child->parent = element;
	make_empty_list(node);
	append_element(node, element);
}

void node_set_text(struct scan *s, struct node *node, const char *text)
{
	const size_t n = strlen(text);
	char *copy = arena_alloc(&s->arena, n + 1);

	memcpy(copy, text, n + 1);
	node->type = NODE_STRING;
	node->text = copy;
	node->text_size = n;
}

void node_set_byte_list(struct scan *s, struct node *node, const uint8_t *bytes, size_t n)
{
	make_empty_list(node);
	for (size_t i = 0; i < n; i++) {
		struct node *element = arena_alloc(&s->arena, sizeof(*element));

		element->type = NODE_INT;
		element->at = node->at;
		element->text = "";
		element->integer = bytes[i];
		element->real = bytes[i];
		append_element(node, element);
	}
}

bool node_check_nul_bytes(struct scan *s, const struct node *node)
{
	bool valid = node->type != NODE_STRING || strlen(node->text) == node->text_size;

	if (!valid)
		scan_error_in_valid_libconfig(s, &node->at,
					      "a string cannot hold a NUL byte (\\x00)");
	node_foreach(child, node)
		valid &= node_check_nul_bytes(s, child);
	return valid;
}

json_t *node_to_json(const struct node *node)
{
	_cleanup_free_ char *text = NULL;
	json_t *json;

	switch (node->type) {
	case NODE_BOOL:
		return json_boolean(node->integer);
	case NODE_INT:
		return json_integer(node->integer);
	case NODE_FLOAT:
		return json_real(node->real);
	case NODE_STRING:
		text = text_make_valid_utf8(node->text);
		return json_string(text);
	case NODE_GROUP:
		json = json_object();
		node_foreach(child, node)
			json_object_set_new(json, child->name, node_to_json(child));
		return json;
	case NODE_LIST:
	case NODE_ARRAY:
		json = json_array();
		node_foreach(child, node)
			json_array_append_new(json, node_to_json(child));
		return json;
	case NODE_BAD:
		break;
	}
	return json_null();
}
