// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages from ffsctl, and control requests of a host, to a plugin: the plugin host's end of the
 * control socket, with the plugin `accessory`, which interprets the host's data most.
 */
#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "control.h"
#include "plugin-host/plugin_host_state.h"

#define stream_link_up(stream, speed) ((void)(stream), (void)(speed), 0)
#define stream_link_down(stream) ((void)(stream))
#define stream_set_suspended(stream, is_suspended) ((void)(stream))
#include "../../src/plugin-host/control_socket.c"

#include "../../src/plugins/accessory.c"

void plugin_host_exit(struct plugin_host *h, int status)
{
	h->exiting = true;
	h->exit_status = status;
}

int plugin_host_send(struct plugin_host *h, uint16_t type, uint32_t id, const void *body,
		     size_t length)
{
	return control_message_send(h->control_fd, type, id, body, length) ? 0 : -errno;
}

static int on_plugin_calls_accept_control_request(struct ffsctl_host *public, uint32_t id)
{
	return plugin_host_send((struct plugin_host *)public, FFSCTL_MSG_ACCEPT, id, NULL, 0);
}

static int on_plugin_calls_stall_control_request(struct ffsctl_host *public, uint32_t id)
{
	return plugin_host_send((struct plugin_host *)public, FFSCTL_MSG_STALL, id, NULL, 0);
}

static int on_plugin_calls_reply_to_control_request(struct ffsctl_host *public, uint32_t id,
						    const void *data, size_t length)
{
	return plugin_host_send((struct plugin_host *)public, FFSCTL_MSG_DATA, id, data, length);
}

static const char *on_plugin_calls_option_string(struct ffsctl_host *public, const char *name)
{
	(void)public;
	return streq(name, "switch_to") ? "app" : NULL;
}

static int64_t on_plugin_calls_option_int(struct ffsctl_host *public, const char *name)
{
	(void)public;
	(void)name;
	return 2;
}

_printf_(3, 4) static void on_plugin_calls_log(struct ffsctl_host *public,
					       enum ffsctl_log_level level, const char *fmt, ...)
{
	(void)public;
	(void)level;
	(void)fmt;
}

/* Whatever a host sends, the plugin's JSON must be valid. */
static int check_json(const char *json)
{
	json_t *value = json_loads(json, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(value))
		found("the plugin makes invalid JSON");
	json_decref(value);
	return 0;
}

static int on_plugin_calls_stats(struct ffsctl_host *public, const char *json)
{
	(void)public;
	return check_json(json);
}

static int on_plugin_calls_switch_to(struct ffsctl_host *public, const char *gadget,
				     const char *json)
{
	(void)public;
	(void)gadget;
	return check_json(json);
}

static const struct ffsctl_calls calls = {
	.version = FFSCTL_PLUGIN_VERSION,
	.size = sizeof(calls),
	.accept_control_request = on_plugin_calls_accept_control_request,
	.stall_control_request = on_plugin_calls_stall_control_request,
	.reply_to_control_request = on_plugin_calls_reply_to_control_request,
	.option_string = on_plugin_calls_option_string,
	.option_int = on_plugin_calls_option_int,
	.log = on_plugin_calls_log,
	.stats = on_plugin_calls_stats,
	.switch_to = on_plugin_calls_switch_to,
};

/* A SETUP gets one answer, and a PING its PONG. */
static void check_answers(int fd, const struct script_step *step, bool raw)
{
	static uint8_t body[FFSCTL_MSG_MAX_BODY];
	struct ffsctl_msg head;
	int n = 0;

	while (script_receive(fd, &head, body, sizeof(body)) >= 0) {
		if (head.type != FFSCTL_MSG_ACCEPT && head.type != FFSCTL_MSG_STALL &&
		    head.type != FFSCTL_MSG_DATA && head.type != FFSCTL_MSG_PONG)
			found("the plugin host sends a message that it must not send");
		if (!raw && head.id != step->id)
			found("the plugin host answers another message");
		n++;
	}
	if (n > 1 || (!raw && step->type == FFSCTL_MSG_SETUP && step->size >= 8 && n != 1))
		found("a SETUP does not get exactly one answer");
}

void control_fuzz_worker(struct script *script)
{
	struct plugin_host h = { .plugin = &ffsctl_plugin,
				 .public = { .size = sizeof(h.public), .call = &calls } };
	struct script_step step;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		found("no socket");
	h.control_fd = pair[0];
	if (ffsctl_plugin.start(&h.public) < 0)
		found("no memory");
	while (!h.exiting && script_next(script, &step)) {
		bool raw = step.op & 0x80;

		script_send(pair[1], &step, raw, NULL, 0);
		plugin_host_receive_message(&h);
		check_answers(pair[1], &step, raw);
	}
	free(h.public.state);
	close(pair[0]);
	close(pair[1]);
}
