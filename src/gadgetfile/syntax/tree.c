// SPDX-License-Identifier: GPL-2.0-or-later
/* Queries of the syntax tree. */
#include "gadgetfile/syntax/tree.h"

#include "base/cleanup.h"
#include "base/text.h"

struct node *node_member(const struct node *group, const char *name)
{
	node_foreach(child, group)
		if (child->name && streq(child->name, name))
			return child;
	return NULL;
}

const struct text_range *node_range(const struct node *node)
{
	return node->name ? &node->name_at : &node->at;
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
