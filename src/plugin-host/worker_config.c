/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin-host/worker_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/usb_words.h"
#include "base/util.h"
#include "plugin-host/plugin_host.h"
#include "process/sandbox_permission_names.h"

#define MAX_CONFIG (1 << 20)
#define MAX_ENDPOINTS 30 /* 15 endpoint numbers, two directions (USB 2.0, 8.3.2.2) */
#define MAX_SIZE (1 << 30)
#define MAX_DEPTH 1024

static int fail_invalid_key(struct error *err, const char *key)
{
	return error_set(err, WORKER_EXIT_NEVER, EINVAL, NULL,
			 "missing or invalid '%s' in the worker's configuration", key);
}

static const char *get_nonempty_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && *s ? s : NULL;
}

/* Returns the value of `key` if it is an integer from 0 to `max`, else -1. */
static int64_t get_number(const json_t *object, const char *key, int64_t max)
{
	const json_t *v = json_object_get(object, key);
	int64_t n;

	if (!json_is_integer(v))
		return -1;
	n = json_integer_value(v);
	return n < 0 || n > max ? -1 : n;
}

static int parse_endpoint_type(const char *s, enum ffsctl_endpoint_type *type)
{
	if (streq_null(s, "bulk"))
		*type = FFSCTL_ENDPOINT_BULK;
	else if (streq_null(s, "interrupt"))
		*type = FFSCTL_ENDPOINT_INTERRUPT;
	else if (streq_null(s, "iso"))
		*type = FFSCTL_ENDPOINT_ISO;
	else
		return -EINVAL;
	return 0;
}

static int parse_packet_sizes(const json_t *packets, uint32_t *by_speed)
{
	static const struct {
		const char *name;
		enum ffsctl_speed speed;
	} speeds[] = {
#define ROW(SPEED, unused, word, ...) { word, FFSCTL_SPEED_##SPEED },
		USB_DESCRIPTOR_SPEEDS(ROW)
#undef ROW
	};
	unsigned int i;
	int64_t n;

	if (!json_is_object(packets))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(speeds); i++) {
		if (!json_object_get(packets, speeds[i].name))
			continue;
		n = get_number(packets, speeds[i].name, 1024);
		if (n < 1)
			return -EINVAL;
		by_speed[speeds[i].speed] = (uint32_t)n;
	}
	/* At SuperSpeed Plus, FunctionFS uses the descriptors for SuperSpeed. */
	by_speed[FFSCTL_SPEED_SUPER_PLUS] = by_speed[FFSCTL_SPEED_SUPER];
	return 0;
}

static int parse_endpoint(const json_t *e, struct worker_endpoint *ep, struct error *err)
{
	const char *direction = get_nonempty_text(e, "direction");
	int64_t address = get_number(e, "address", 255);

	ep->name = get_nonempty_text(e, "name");
	ep->file_name = get_nonempty_text(e, "file");
	if (!ep->name || !ep->file_name)
		return fail_invalid_key(err, "endpoints[].name, file");
	if (parse_endpoint_type(get_nonempty_text(e, "type"), &ep->type) < 0)
		return fail_invalid_key(err, "endpoints[].type");
	if (streq_null(direction, "in"))
		ep->direction = FFSCTL_IN;
	else if (streq_null(direction, "out"))
		ep->direction = FFSCTL_OUT;
	else
		return fail_invalid_key(err, "endpoints[].direction");
	if (address < 1)
		return fail_invalid_key(err, "endpoints[].address");
	ep->address = (uint32_t)address;
	if (parse_packet_sizes(json_object_get(e, "packet"), ep->packet_size) < 0)
		return fail_invalid_key(err, "endpoints[].packet");
	return 0;
}

static int parse_endpoints(const json_t *list, struct worker_config *config, struct error *err)
{
	size_t i, n = json_array_size(list);
	int r;

	if (!json_is_array(list) || n > MAX_ENDPOINTS)
		return fail_invalid_key(err, "endpoints");
	config->endpoints = xcalloc(n, sizeof(*config->endpoints));
	config->n_endpoints = (unsigned int)n;
	for (i = 0; i < n; i++) {
		r = parse_endpoint(json_array_get(list, i), &config->endpoints[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int fail_unknown_schema(struct error *err)
{
	error_set(err, WORKER_EXIT_NEVER, EPROTO, NULL,
		  "unknown schema of the worker's configuration");
	return error_add_hint(err, "install ffsctl and ffsctl-worker of the same version");
}

static int parse_worker_config(struct worker_config *config, struct error *err)
{
	const json_t *doc = config->document;
	int64_t size = get_number(doc, "size", MAX_SIZE),
		depth = get_number(doc, "depth", MAX_DEPTH);

	if (get_number(json_object_get(doc, "ffsctl"), "schema", INT32_MAX) != 1)
		return fail_unknown_schema(err);
	config->gadget_name = get_nonempty_text(doc, "gadget");
	config->function_name = get_nonempty_text(doc, "function");
	config->mount_point = get_nonempty_text(doc, "mount");
	config->engine_name = get_nonempty_text(doc, "engine");
	config->options = json_object_get(doc, "options");
	if (!config->gadget_name)
		return fail_invalid_key(err, "gadget");
	if (!config->function_name)
		return fail_invalid_key(err, "function");
	if (!config->mount_point)
		return fail_invalid_key(err, "mount");
	if (!config->engine_name)
		return fail_invalid_key(err, "engine");
	if (size < 0)
		return fail_invalid_key(err, "size");
	if (depth < 0)
		return fail_invalid_key(err, "depth");
	if (!json_is_object(config->options))
		return fail_invalid_key(err, "options");
	config->sandbox_enabled = json_is_true(json_object_get(doc, "sandbox"));
	config->allowed_sandbox_permissions = SANDBOX_ANY;
	if (json_object_get(doc, "allow") &&
	    !sandbox_permissions_from_json(json_object_get(doc, "allow"),
					   &config->allowed_sandbox_permissions))
		return fail_invalid_key(err, "allow");
	config->buffer_size = (uint32_t)size;
	config->transfers_per_endpoint = (uint32_t)depth;
	return parse_endpoints(json_object_get(doc, "endpoints"), config, err);
}

int worker_config_parse(const char *text, size_t length, struct worker_config *config,
			struct error *err)
{
	json_error_t why;
	int r;

	*config = (struct worker_config){ 0 };
	config->document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
	if (!config->document)
		return error_set(err, WORKER_EXIT_NEVER, EINVAL, NULL,
				 "the worker's configuration is not JSON: line %d: %s", why.line,
				 why.text);
	r = parse_worker_config(config, err);
	if (r < 0)
		worker_config_free(config);
	return r;
}

int worker_config_read(int fd, struct worker_config *config, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return error_errno(err, WORKER_EXIT_NEVER, errno, NULL,
				   "cannot stat the worker's configuration (file descriptor %d)",
				   fd);
	if (st.st_size > MAX_CONFIG)
		return error_set(err, WORKER_EXIT_NEVER, EFBIG, NULL,
				 "the worker's configuration is longer than %d bytes", MAX_CONFIG);
	text = xcalloc(1, (size_t)st.st_size + 1);
	n = pread(fd, text, (size_t)st.st_size, 0);
	if (n != st.st_size)
		return error_errno(err, WORKER_EXIT_NEVER, n < 0 ? errno : EIO, NULL,
				   "cannot read the worker's configuration (file descriptor %d)",
				   fd);
	return worker_config_parse(text, (size_t)n, config, err);
}

void worker_config_free(struct worker_config *config)
{
	free(config->endpoints);
	json_decref(config->document);
	*config = (struct worker_config){ 0 };
}
