/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of struct ffsctl_calls, which a plugin can call. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/control_message.h"
#include "base/util.h"
#include "plugin-host/plugin_host_state.h"

static struct plugin_host *plugin_host_of(struct ffsctl_host *public)
{
	return (struct plugin_host *)public;
}

int plugin_host_send(struct plugin_host *h, uint16_t type, uint32_t id, const void *body,
		     size_t length)
{
	if (length > FFSCTL_MSG_MAX_BODY)
		return -EMSGSIZE;
	/* Never waits, because transfers must not stop if the keeper does not read its messages. */
	return control_message_send(h->control_fd, type, id, body, length) ? 0 : -errno;
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

	h->reported_engine = stream_engine_in_use(&h->stream);
	r = plugin_host_send(h, FFSCTL_MSG_READY, 0, h->reported_engine,
			     strlen(h->reported_engine));
	if (r < 0) {
		fprintf(stderr, "%s: cannot send READY: %s\n", h->plugin->name, errno_words(-r));
		plugin_host_exit(h, 1);
	}
}

void plugin_host_send_ready_once(struct plugin_host *h)
{
	if (!h->reported_engine)
		send_ready(h);
}

void plugin_host_report_engine_change(struct plugin_host *h)
{
	h->engine_may_have_changed = false;
	if (h->reported_engine && !streq(h->reported_engine, stream_engine_in_use(&h->stream)))
		send_ready(h);
}

static struct ffsctl_transfer *on_plugin_calls_get_transfer(struct ffsctl_host *public,
							    uint32_t endpoint)
{
	return stream_get_free_transfer(&plugin_host_of(public)->stream, endpoint);
}

static void on_plugin_calls_release_transfer(struct ffsctl_host *public, struct ffsctl_transfer *t)
{
	stream_release_transfer(&plugin_host_of(public)->stream, t);
}

static int on_plugin_calls_submit(struct ffsctl_host *public, uint32_t endpoint,
				  struct ffsctl_transfer *t)
{
	struct plugin_host *h = plugin_host_of(public);
	int r = stream_submit_transfer(&h->stream, endpoint, t);

	if (r == 0)
		plugin_host_note_submitted(h, t);
	return r;
}

static void on_plugin_calls_cancel(struct ffsctl_host *public, uint32_t endpoint)
{
	stream_cancel_transfers(&plugin_host_of(public)->stream, endpoint);
}

static int on_plugin_calls_accept_control_request(struct ffsctl_host *public, uint32_t id)
{
	return plugin_host_send(plugin_host_of(public), FFSCTL_MSG_ACCEPT, id, NULL, 0);
}

static int on_plugin_calls_stall_control_request(struct ffsctl_host *public, uint32_t id)
{
	return plugin_host_send(plugin_host_of(public), FFSCTL_MSG_STALL, id, NULL, 0);
}

static int on_plugin_calls_reply_to_control_request(struct ffsctl_host *public, uint32_t id,
						    const void *data, size_t length)
{
	return plugin_host_send(plugin_host_of(public), FFSCTL_MSG_DATA, id, data, length);
}

/* Returns the value of an option. Ends the process if the table of the plugin has no option with
   this name and type. */
static const struct option_value *find_option_or_exit(struct plugin_host *h, const char *name,
						      bool is_text, bool is_real)
{
	const struct option_value *v = options_find(h->options, name);

	if (v && (v->declaration->type == FFSCTL_OPTION_STRING) == is_text &&
	    (v->declaration->type == FFSCTL_OPTION_FLOAT) == is_real)
		return v;
	fprintf(stderr, "%s: error: bug in the plugin: it reads option '%s', which its table %s\n",
		h->plugin->name, name, v ? "declares with another type" : "does not declare");
	exit(WORKER_EXIT_NEVER);
}

static const char *on_plugin_calls_option_string(struct ffsctl_host *public, const char *name)
{
	return find_option_or_exit(plugin_host_of(public), name, true, false)->text;
}

static int64_t on_plugin_calls_option_int(struct ffsctl_host *public, const char *name)
{
	return find_option_or_exit(plugin_host_of(public), name, false, false)->number;
}

static double on_plugin_calls_option_float(struct ffsctl_host *public, const char *name)
{
	return find_option_or_exit(plugin_host_of(public), name, false, true)->real;
}

_printf_(3, 4) static void on_plugin_calls_log(struct ffsctl_host *public,
					       enum ffsctl_log_level level, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0) {
		text = NULL; /* undefined after a failure of vasprintf() */
		return;
	}
	fprintf(stderr, "%s: %s%s\n", plugin_host_of(public)->plugin->name,
		level == FFSCTL_LOG_ERROR ? "error: " : "", text);
}

static void on_plugin_calls_ready(struct ffsctl_host *public)
{
	plugin_host_send_ready_once(plugin_host_of(public));
}

static int on_plugin_calls_stats(struct ffsctl_host *public, const char *json)
{
	json_t *value;
	bool good;

	if (strlen(json) > FFSCTL_STATS_MAX)
		return -EMSGSIZE;
	value = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	good = json_is_object(value);
	json_decref(value);
	return good ? plugin_host_send(plugin_host_of(public), FFSCTL_MSG_STATS, 0, json,
				       strlen(json))
		    : -EINVAL;
}

static int on_plugin_calls_switch_to(struct ffsctl_host *public, const char *gadget,
				     const char *json)
{
	_cleanup_free_ char *body = strf("%s%c%s", gadget, '\0', json ? json : "");
	size_t length = strlen(gadget) + 1 + (json ? strlen(json) : 0);

	return plugin_host_send(plugin_host_of(public), FFSCTL_MSG_SWITCH, 0, body, length);
}

/*
 * Halts the endpoint by I/O in the wrong direction, which fails with EBADMSG (f_fs.c,
 * ffs_epfile_io).
 */
static int on_plugin_calls_halt(struct ffsctl_host *public, uint32_t endpoint)
{
	struct plugin_host *h = plugin_host_of(public);
	char byte = 0;
	ssize_t n;
	int fd;

	if (endpoint >= h->public.n_endpoints ||
	    h->endpoints[endpoint]->type == FFSCTL_ENDPOINT_ISO)
		return -EINVAL;
	if (!h->stream.link_is_up)
		return -ESHUTDOWN;
	fd = h->stream_endpoints[endpoint].fd;
	n = h->endpoints[endpoint]->direction == FFSCTL_IN ? read(fd, &byte, 1)
							   : write(fd, &byte, 1);
	if (n >= 0)
		return -EPROTO; /* not reached: f_fs never transfers in the wrong direction */
	return errno == EBADMSG ? 0 : -errno;
}

static int on_plugin_calls_wakeup(struct ffsctl_host *public)
{
	return plugin_host_send(plugin_host_of(public), FFSCTL_MSG_WAKEUP, 0, NULL, 0);
}

static void on_plugin_calls_exit(struct ffsctl_host *public, int status)
{
	plugin_host_exit(plugin_host_of(public), status);
}

static int on_plugin_calls_watch(struct ffsctl_host *public, struct ffsctl_watch *w)
{
	return plugin_host_watch(plugin_host_of(public), w);
}

static void on_plugin_calls_unwatch(struct ffsctl_host *public, struct ffsctl_watch *w)
{
	plugin_host_unwatch(plugin_host_of(public), w);
}

static void on_plugin_calls_timer_start(struct ffsctl_host *public, struct ffsctl_timer *t,
					uint32_t ms)
{
	plugin_host_timer_start(plugin_host_of(public), t, ms);
}

static void on_plugin_calls_timer_stop(struct ffsctl_host *public, struct ffsctl_timer *t)
{
	plugin_host_timer_stop(plugin_host_of(public), t);
}

const struct ffsctl_calls plugin_host_calls = {
	.version = FFSCTL_PLUGIN_VERSION,
	.size = sizeof(struct ffsctl_calls),
	.get_transfer = on_plugin_calls_get_transfer,
	.release_transfer = on_plugin_calls_release_transfer,
	.submit = on_plugin_calls_submit,
	.cancel = on_plugin_calls_cancel,
	.accept_control_request = on_plugin_calls_accept_control_request,
	.stall_control_request = on_plugin_calls_stall_control_request,
	.reply_to_control_request = on_plugin_calls_reply_to_control_request,
	.option_string = on_plugin_calls_option_string,
	.option_int = on_plugin_calls_option_int,
	.option_float = on_plugin_calls_option_float,
	.log = on_plugin_calls_log,
	.ready = on_plugin_calls_ready,
	.stats = on_plugin_calls_stats,
	.switch_to = on_plugin_calls_switch_to,
	.exit = on_plugin_calls_exit,
	.watch = on_plugin_calls_watch,
	.unwatch = on_plugin_calls_unwatch,
	.timer_start = on_plugin_calls_timer_start,
	.timer_stop = on_plugin_calls_timer_stop,
	.halt = on_plugin_calls_halt,
	.wakeup = on_plugin_calls_wakeup,
};
