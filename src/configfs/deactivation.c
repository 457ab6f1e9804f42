/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/deactivation.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/udc.h"
#include "gadgetfile/keys/function_types.h"

/* A type that is not in the table may deactivate the gadget, too. */
static bool may_deactivate(const struct function *f)
{
	const struct function_type *type = function_type_find(f->type);

	return !type || type->deactivates_gadget;
}

static bool any_function_may_deactivate(const struct gadget *g)
{
	for (size_t i = 0; i < g->n_functions; i++)
		if (may_deactivate(&g->functions[i]))
			return true;
	return false;
}

/* --- the note --- */

/* Returns the path of the note; NULL: notes are not made. The caller frees it. */
static char *note_path(const struct configfs *c, const char *udc)
{
	return c->udc_note_prefix ? strf("%s%s", c->udc_note_prefix, udc) : NULL;
}

void configfs_note_bind(const struct configfs *c, const char *udc)
{
	_cleanup_free_ char *path = note_path(c, udc);
	_cleanup_close_ int fd = -1;

	if (path && any_function_may_deactivate(c->gadget))
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
}

void configfs_remove_note(const struct configfs *c, const char *udc)
{
	_cleanup_free_ char *path = note_path(c, udc);

	if (path)
		unlink(path);
}

bool configfs_unbind_ends_note(const struct configfs *c, const char *udc)
{
	_cleanup_free_ char *path = note_path(c, udc), *holder = NULL;

	if (!path || !path_exists(path))
		return false;
	holder = udc_read_attribute(udc, "function");
	return streq_null(holder, c->gadget->name);
}

/* --- activation --- */

int configfs_explain_failed_activation(const char *udc, struct error *err)
{
	_cleanup_free_ char *why = steal_ptr(err->text);

	err->text = strf("the kernel keeps the UDC %s disconnected from the host after a failed "
			 "bind, and ffsctl cannot change that: %s",
			 udc, why);
	return error_add_hint(err, "bind a gadget to the UDC, unbind it, and bind it again");
}

int configfs_activate_deactivated_udc(struct configfs *c, struct error *err)
{
	_cleanup_free_ char *udc = steal_ptr(c->deactivated_udc);

	if (!udc)
		return 0;
	if (udc_exists(udc) && c->activate_udc(c->paths, udc, err) < 0)
		return configfs_explain_failed_activation(udc, err);
	configfs_remove_note(c, udc);
	return 0;
}

void configfs_handle_failed_bind(struct configfs *c, const char *udc, struct error *err)
{
	_cleanup_free_ char *holder = NULL;
	_cleanup_error_ struct error why = { 0 };

	if (!c->activate_udc || !any_function_may_deactivate(c->gadget))
		return;
	/* The bind has failed because another gadget is bound to the UDC. It reached no function.
	 */
	holder = udc_holder(c->paths, udc);
	if (holder || !udc_exists(udc)) {
		configfs_remove_note(c, udc);
		return;
	}
	c->counts_old_deactivations = true;
	free(c->deactivated_udc);
	c->deactivated_udc = xstrdup(udc);
	if (c->activates_udc_later || configfs_activate_deactivated_udc(c, &why) == 0)
		return;
	error_add_detail(err, "%s", why.text);
	error_add_hint(err, "%s", why.hint);
}

/*
 * A gadget without functions that deactivate it does not use its count. It is not bound twice,
 * because programs of FunctionFS see each bind.
 */
static bool must_bind_again(const struct configfs *c, const char *udc)
{
	return c->counts_old_deactivations &&
	       (streq_null(c->deactivated_udc, udc) || any_function_may_deactivate(c->gadget));
}

int configfs_bind_again_after_failed_bind(struct configfs *c, const char *udc_attribute_path,
					  const char *udc)
{
	int r;

	if (!must_bind_again(c, udc))
		return 0;
	c->counts_old_deactivations = false;
	if (streq_null(c->deactivated_udc, udc))
		free(steal_ptr(c->deactivated_udc));
	r = file_write(AT_FDCWD, udc_attribute_path, "\n", 1);
	return r < 0 ? r : file_write(AT_FDCWD, udc_attribute_path, udc, strlen(udc));
}
