/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls that a plugin can make: struct ffsctl_calls. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/util.h"
#include "plugin-host/state.h"

static struct plugin_host *plugin_host_of(struct ffsctl_host *pub)
{
	return (struct plugin_host *)pub;
}

int plugin_host_send(struct plugin_host *h, uint16_t type, uint32_t id, const void *body,
		     size_t length)
{
	if (length > FFSCTL_MSG_MAX_BODY)
		return -EMSGSIZE;
	/* Never waits: the data must flow even if the keeper does not read its messages. */
	return message_send(h->control, type, id, body, length) ? 0 : -errno;
}

void plugin_host_log(struct plugin_host *h, const char *text)
{
	fprintf(stderr, "%s: %s\n", h->plugin->name, text);
}

void plugin_host_exit(struct plugin_host *h, int status)
{
	h->exiting = true;
	h->exit_status = status;
}

static void send_ready(struct plugin_host *h)
{
	int r;

	h->reported_method = stream_method(&h->stream);
	r = plugin_host_send(h, FFSCTL_MSG_READY, 0, h->reported_method,
			     strlen(h->reported_method));
	if (r < 0) {
		fprintf(stderr, "%s: cannot send READY: %s\n", h->plugin->name, errno_words(-r));
		plugin_host_exit(h, 1);
	}
}

void plugin_host_ready(struct plugin_host *h)
{
	if (!h->reported_method)
		send_ready(h);
}

void plugin_host_update_method(struct plugin_host *h)
{
	h->stream_logged = false;
	if (h->reported_method && !streq(h->reported_method, stream_method(&h->stream)))
		send_ready(h);
}

static struct ffsctl_transfer *call_get(struct ffsctl_host *pub, uint32_t endpoint)
{
	return stream_get(&plugin_host_of(pub)->stream, endpoint);
}

static void call_put(struct ffsctl_host *pub, struct ffsctl_transfer *t)
{
	stream_put(&plugin_host_of(pub)->stream, t);
}

static int call_submit(struct ffsctl_host *pub, uint32_t endpoint, struct ffsctl_transfer *t)
{
	return stream_submit(&plugin_host_of(pub)->stream, endpoint, t);
}

static void call_cancel(struct ffsctl_host *pub, uint32_t endpoint)
{
	stream_cancel(&plugin_host_of(pub)->stream, endpoint);
}

static int call_accept(struct ffsctl_host *pub, uint32_t id)
{
	return plugin_host_send(plugin_host_of(pub), FFSCTL_MSG_ACCEPT, id, NULL, 0);
}

static int call_stall(struct ffsctl_host *pub, uint32_t id)
{
	return plugin_host_send(plugin_host_of(pub), FFSCTL_MSG_STALL, id, NULL, 0);
}

static int call_reply(struct ffsctl_host *pub, uint32_t id, const void *data, size_t length)
{
	return plugin_host_send(plugin_host_of(pub), FFSCTL_MSG_DATA, id, data, length);
}

/* Returns the value of an option. Ends the process if the plugin's table has no option with this
   name and type. */
static const struct option_value *find_option(struct plugin_host *h, const char *name, bool is_text,
					      bool is_real)
{
	const struct option_value *v = options_find(h->options, name);

	if (v && (v->option->type == FFSCTL_OPTION_STRING) == is_text &&
	    (v->option->type == FFSCTL_OPTION_FLOAT) == is_real)
		return v;
	fprintf(stderr, "%s: error: bug in the plugin: it reads option '%s', which its table %s\n",
		h->plugin->name, name, v ? "declares with another type" : "does not declare");
	exit(WORKER_EXIT_NEVER);
}

static const char *call_option_string(struct ffsctl_host *pub, const char *name)
{
	return find_option(plugin_host_of(pub), name, true, false)->text;
}

static int64_t call_option_int(struct ffsctl_host *pub, const char *name)
{
	return find_option(plugin_host_of(pub), name, false, false)->number;
}

static double call_option_float(struct ffsctl_host *pub, const char *name)
{
	return find_option(plugin_host_of(pub), name, false, true)->real;
}

_printf_(3, 4) static void call_log(struct ffsctl_host *pub, enum ffsctl_log_level level,
				    const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0) {
		text = NULL; /* vasprintf() failed and has left `text` undefined */
		return;
	}
	fprintf(stderr, "%s: %s%s\n", plugin_host_of(pub)->plugin->name,
		level == FFSCTL_LOG_ERROR ? "error: " : "", text);
}

static void call_ready(struct ffsctl_host *pub)
{
	plugin_host_ready(plugin_host_of(pub));
}

static int call_stats(struct ffsctl_host *pub, const char *json)
{
	json_t *value;
	bool good;

	if (strlen(json) > FFSCTL_STATS_MAX)
		return -EMSGSIZE;
	value = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	good = json_is_object(value);
	json_decref(value);
	return good ? plugin_host_send(plugin_host_of(pub), FFSCTL_MSG_STATS, 0, json, strlen(json))
		    : -EINVAL;
}

static int call_switch_to(struct ffsctl_host *pub, const char *gadget, const char *json)
{
	_cleanup_free_ char *body = strf("%s%c%s", gadget, '\0', json ? json : "");
	size_t length = strlen(gadget) + 1 + (json ? strlen(json) : 0);

	return plugin_host_send(plugin_host_of(pub), FFSCTL_MSG_SWITCH, 0, body, length);
}

static void call_exit(struct ffsctl_host *pub, int status)
{
	plugin_host_exit(plugin_host_of(pub), status);
}

static int call_watch(struct ffsctl_host *pub, struct ffsctl_watch *w)
{
	return plugin_host_watch(plugin_host_of(pub), w);
}

static void call_unwatch(struct ffsctl_host *pub, struct ffsctl_watch *w)
{
	plugin_host_unwatch(plugin_host_of(pub), w);
}

static void call_timer_start(struct ffsctl_host *pub, struct ffsctl_timer *t, uint32_t ms)
{
	plugin_host_timer_start(plugin_host_of(pub), t, ms);
}

static void call_timer_stop(struct ffsctl_host *pub, struct ffsctl_timer *t)
{
	plugin_host_timer_stop(plugin_host_of(pub), t);
}

const struct ffsctl_calls plugin_host_calls = {
	.version = FFSCTL_PLUGIN_VERSION,
	.size = sizeof(struct ffsctl_calls),
	.get = call_get,
	.put = call_put,
	.submit = call_submit,
	.cancel = call_cancel,
	.accept = call_accept,
	.stall = call_stall,
	.reply = call_reply,
	.option_string = call_option_string,
	.option_int = call_option_int,
	.option_float = call_option_float,
	.log = call_log,
	.ready = call_ready,
	.stats = call_stats,
	.switch_to = call_switch_to,
	.exit = call_exit,
	.watch = call_watch,
	.unwatch = call_unwatch,
	.timer_start = call_timer_start,
	.timer_stop = call_timer_stop,
};
