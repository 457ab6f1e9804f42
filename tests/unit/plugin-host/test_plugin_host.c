/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker's configuration, a plugin's options, timers, watches and control requests. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/control_message.h"
#include "plugin-host/options.h"
#include "plugin-host/plugin_host.h"
#include "plugin-host/plugin_host_state.h"
#include "plugin-host/worker_config.h"

#define EP                                                                                         \
	"{\"name\": \"ep1-in\", \"file\": \"ep1\", \"address\": 129, \"type\": \"bulk\","          \
	" \"direction\": \"in\", \"packet\": {\"full\": 64, \"super\": 1024}}"

static char *document(const char *endpoints, const char *size, const char *options)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "{\"ffsctl\": {\"schema\": 1}, \"gadget\": \"g\", \"function\": \"echo\", "
		 "\"mount\": "
		 "\"/m\", \"endpoints\": %s, \"engine\": \"auto\", \"size\": %s, \"depth\": 3, "
		 "\"options\": %s}",
		 endpoints, size, options);
	return text;
}

static void refused(const char *text, const char *because)
{
	_cleanup_free_ char *said = NULL;
	struct worker_config c;
	struct error err = { 0 };

	cr_assert_lt(worker_config_parse(text, strlen(text), &c, &err), 0, "accepted: %s", text);
	cr_assert_eq(err.exit, WORKER_EXIT_NEVER);
	said = error_text(&err);
	cr_assert_not_null(strstr(said, because), "'%s' does not contain '%s'", said, because);
	error_clear(&err);
}

Test(settings, reads_a_configuration)
{
	const char *text = document("[" EP "]", "4096", "{\"a\": 1}");
	struct worker_config c;
	struct error err = { 0 };

	cr_assert_eq(worker_config_parse(text, strlen(text), &c, &err), 0);
	cr_assert_str_eq(c.gadget_name, "g");
	cr_assert_str_eq(c.function_name, "echo");
	cr_assert_str_eq(c.mount_point, "/m");
	cr_assert_str_eq(c.engine_name, "auto");
	cr_assert(c.buffer_size == 4096 && c.transfers_per_endpoint == 3 && c.n_endpoints == 1);
	cr_assert_str_eq(c.endpoints[0].name, "ep1-in");
	cr_assert_eq(c.endpoints[0].address, 129u);
	cr_assert_eq(c.endpoints[0].type, FFSCTL_ENDPOINT_BULK);
	cr_assert_eq(c.endpoints[0].direction, FFSCTL_IN);
	cr_assert_eq(c.endpoints[0].packet_size[FFSCTL_SPEED_FULL], 64u);
	cr_assert_eq(c.endpoints[0].packet_size[FFSCTL_SPEED_HIGH], 0u);
	cr_assert_eq(c.endpoints[0].packet_size[FFSCTL_SPEED_SUPER_PLUS], 1024u);
	worker_config_free(&c);
}

Test(settings, reports_invalid_values)
{
	refused("{", "not JSON");
	refused("[]", "of the same version");
	refused("{\"ffsctl\": {\"schema\": 2}}", "of the same version");
	refused("{\"ffsctl\": {\"schema\": 1}}", "'gadget'");
	refused(document("{}", "0", "{}"), "'endpoints'");
	refused(document("[{}]", "0", "{}"), "'endpoints[].name, file'");
	refused(document("[" EP "]", "-1", "{}"), "'size'");
	refused(document("[" EP "]", "\"64K\"", "{}"), "'size'");
	refused(document("[" EP "]", "1073741825", "{}"), "'size'");
	refused(document("[" EP "]", "0", "[]"), "'options'");
	refused("{\"ffsctl\": {\"schema\": 1}, \"ffsctl\": {\"schema\": 1}}", "duplicate");
}

static const char *const colours[] = { "red", "green", NULL };

static const struct ffsctl_option table[] = {
	{ .name = "text", .type = FFSCTL_OPTION_STRING, .default_value = "hello" },
	{ .name = "none", .type = FFSCTL_OPTION_STRING },
	{ .name = "colour", .type = FFSCTL_OPTION_STRING, .choices = colours },
	{ .name = "flag", .type = FFSCTL_OPTION_BOOL, .default_value = "true" },
	{ .name = "count",
	  .type = FFSCTL_OPTION_INT,
	  .default_value = "0x10",
	  .min = -2,
	  .max = 20 },
	{ .name = "ratio", .type = FFSCTL_OPTION_FLOAT, .default_value = "0.5" },
	{ .name = "room", .type = FFSCTL_OPTION_SIZE, .default_value = "64K" },
	{ .name = "chunk",
	  .type = FFSCTL_OPTION_SIZE,
	  .default_value = "4K",
	  .min = 2048,
	  .max = 8192 },
	{ 0 },
};

static const struct ffsctl_option strict[] = {
	{ .name = "path", .type = FFSCTL_OPTION_STRING, .required = 1 },
	{ 0 },
};

static int resolve(const struct ffsctl_option *t, const char *json, struct option_values *v,
		   struct error *err)
{
	json_t *given = json_loads(json, 0, NULL);
	int r;

	cr_assert_not_null(given, "the test's own JSON is wrong: %s", json);
	r = options_resolve(t, given, v, err);
	json_decref(given);
	return r;
}

static void wrong(const struct ffsctl_option *t, const char *json, const char *because)
{
	_cleanup_free_ char *said = NULL;
	struct option_values v;
	struct error err = { 0 };

	cr_assert_lt(resolve(t, json, &v, &err), 0, "accepted: %s", json);
	cr_assert_eq(err.exit, WORKER_EXIT_NEVER);
	said = error_text(&err);
	cr_assert_not_null(strstr(said, because), "'%s' does not contain '%s'", said, because);
	error_clear(&err);
}

Test(options, have_their_defaults)
{
	struct option_values v;
	struct error err = { 0 };

	cr_assert_eq(resolve(table, "{}", &v, &err), 0);
	cr_assert_str_eq(options_find(&v, "text")->text, "hello");
	cr_assert_null(options_find(&v, "none")->text);
	cr_assert_eq(options_find(&v, "flag")->number, 1);
	cr_assert_eq(options_find(&v, "count")->number, 16);
	cr_assert_eq(options_find(&v, "ratio")->real, 0.5);
	cr_assert_eq(options_find(&v, "room")->number, 65536);
	cr_assert_null(options_find(&v, "nothing"));
	options_free(&v);
}

Test(options, take_given_values)
{
	struct option_values v;
	struct error err = { 0 };

	cr_assert_eq(resolve(table,
			     "{\"text\": \"\", \"flag\": false, \"count\": -2, \"ratio\": 2, "
			     "\"room\": \"3M\", \"colour\": \"green\"}",
			     &v, &err),
		     0);
	cr_assert_str_eq(options_find(&v, "text")->text, "");
	cr_assert_eq(options_find(&v, "flag")->number, 0);
	cr_assert_eq(options_find(&v, "count")->number, -2);
	cr_assert_eq(options_find(&v, "ratio")->real, 2.0);
	cr_assert_eq(options_find(&v, "room")->number, 3 << 20);
	options_free(&v);
	cr_assert_eq(resolve(table, "{\"room\": 12}", &v, &err), 0);
	cr_assert_eq(options_find(&v, "room")->number, 12);
	options_free(&v);
	cr_assert_eq(resolve(table, "{\"chunk\": \"8K\"}", &v, &err), 0);
	cr_assert_eq(options_find(&v, "chunk")->number, 8192);
	options_free(&v);
}

Test(options, report_invalid_values)
{
	wrong(table, "{\"tex\": \"a\"}", "unknown option 'tex'");
	wrong(table, "{\"text\": 1}", "'text' must be a string");
	wrong(table, "{\"flag\": 1}", "'flag' must be true or false");
	wrong(table, "{\"count\": 1.5}", "'count' must be an integer");
	wrong(table, "{\"count\": 21}", "must be -2 to 20");
	wrong(table, "{\"count\": -3}", "must be -2 to 20");
	wrong(table, "{\"ratio\": \"1\"}", "'ratio' must be a number");
	wrong(table, "{\"room\": \"1T\"}", "'room' must be a size");
	wrong(table, "{\"room\": \"1KK\"}", "'room' must be a size");
	wrong(table, "{\"room\": -1}", "'room' must be a size");
	wrong(table, "{\"room\": \"9223372036854775807G\"}", "'room' must be a size");
	wrong(table, "{\"chunk\": 8193}", "must be 2048 to 8192");
	wrong(table, "{\"chunk\": \"9K\"}", "must be 2048 to 8192");
	wrong(table, "{\"chunk\": \"1K\"}", "must be 2048 to 8192");
	wrong(table, "{\"colour\": \"blue\"}", "cannot be 'blue'; use 'red' or 'green'");
	wrong(strict, "{}", "'path' is missing");
	wrong(NULL, "{\"a\": 1}", "unknown option 'a'");
}

/* Timers by name, in the order they fire. */
static char fired[16];

static void on_timer(struct ffsctl_host *host, struct ffsctl_timer *t)
{
	const char *name = t->user;

	strncat(fired, name, 1);
	if (*name == 'a') /* again, but not in this call */
		plugin_host_timer_start((struct plugin_host *)host, t, 0);
}

Test(watches, timers_fire_in_their_order_and_once)
{
	struct ffsctl_timer a = { .fired = on_timer, .user = "a" };
	struct ffsctl_timer b = { .fired = on_timer, .user = "b" };
	struct ffsctl_timer c = { .fired = on_timer, .user = "c" };
	struct plugin_host h = { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	struct epoll_event event;

	cr_assert_eq(plugin_host_open_timers(&h), 0);
	cr_assert_eq(epoll_wait(h.epoll_fd, &event, 1, 0), 0);
	/* If this process must wait between the starts, the timers are due in another order. */
	do {
		plugin_host_timer_start(&h, &c, 3);
		plugin_host_timer_start(&h, &a, 1);
		plugin_host_timer_start(&h, &b, 60000);
		plugin_host_timer_start(&h, &b, 2);
	} while (a.due_ms >= b.due_ms || b.due_ms >= c.due_ms);
	while (!strchr(fired, 'c')) {
		cr_assert_eq(epoll_wait(h.epoll_fd, &event, 1, 60000), 1);
		cr_assert_eq(event.data.u64, PLUGIN_HOST_FD_TIMERS);
		plugin_host_fire_timers(&h);
	}
	cr_assert(strchr(fired, 'b') < strchr(fired, 'c') && fired[0] == 'a', "%s", fired);
	plugin_host_timer_stop(&h, &a);
	/* Stopped timers wake nobody. */
	cr_assert_eq(epoll_wait(h.epoll_fd, &event, 1, 20), 0);
	/* An earlier timer that is stopped leaves the later one. */
	fired[0] = 0;
	plugin_host_timer_start(&h, &c, 5);
	plugin_host_timer_start(&h, &b, 2);
	plugin_host_timer_stop(&h, &b);
	while (!fired[0]) {
		cr_assert_eq(epoll_wait(h.epoll_fd, &event, 1, 60000), 1);
		plugin_host_fire_timers(&h);
	}
	cr_assert_str_eq(fired, "c");
	cr_assert_eq(epoll_wait(h.epoll_fd, &event, 1, 20), 0);
}

static unsigned int served;

static void on_ready(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	(void)host;
	(void)w;
	served += (events & EPOLLIN) != 0;
}

Test(watches, an_event_of_a_removed_watch_is_dropped)
{
	struct plugin_host h = { .epoll_fd = epoll_create1(0) };
	struct ffsctl_watch w = { .events = EPOLLIN, .ready = on_ready };
	struct epoll_event ev;

	w.fd = eventfd(1, 0);
	cr_assert_eq(plugin_host_watch(&h, &w), 0);
	cr_assert_eq(epoll_wait(h.epoll_fd, &ev, 1, 0), 1);
	plugin_host_handle_watch_event(&h, ev.data.u64, ev.events);
	cr_assert_eq(served, 1u);
	w.events = 0;
	cr_assert_eq(plugin_host_watch(&h, &w), 0);
	cr_assert_eq(epoll_wait(h.epoll_fd, &(struct epoll_event){ 0 }, 1, 0), 0);
	/* The same slot is used again. */
	plugin_host_unwatch(&h, &w);
	plugin_host_unwatch(&h, &w);
	plugin_host_handle_watch_event(&h, ev.data.u64, ev.events);
	cr_assert_eq(plugin_host_watch(&h, &w), 0);
	cr_assert_eq(h.n_watch_slots, 1u);
	plugin_host_handle_watch_event(&h, ev.data.u64, ev.events);
	cr_assert_eq(served, 1u);
	plugin_host_handle_watch_event(&h, w.host_private, EPOLLIN);
	cr_assert_eq(served, 2u);
	plugin_host_unwatch(&h, &w);
	close(w.fd);
	close(h.epoll_fd);
	free(h.watch_slots);
}

static unsigned int requests;

static void on_setup(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup)
{
	(void)host;
	cr_assert(id == 7 && setup->request == 12 && setup->value == 0x0201);
	requests++;
}

static void send_request(struct plugin_host *h, int keeper)
{
	const unsigned char packet[] = { 0xc1, 12, 1, 2, 0, 0, 1, 0 };

	cr_assert(control_message_send(keeper, FFSCTL_MSG_SETUP, 7, packet, sizeof(packet)));
	cr_assert(plugin_host_receive_message(h));
}

Test(control, a_request_waits_for_the_session_that_the_host_has_begun)
{
	const struct ffsctl_event suspend = { .event = FFSCTL_EVENT_SUSPEND };
	const struct ffsctl_plugin plugin = { .setup = on_setup };
	struct plugin_host h = { .plugin = &plugin };
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	h.control_fd = pair[0];
	/* Without a session there is nothing to wait for: requests to a device have no link. */
	send_request(&h, pair[1]);
	cr_assert_eq(requests, 1u);
	h.stream.session_is_pending = true;
	send_request(&h, pair[1]);
	cr_assert_eq(requests, 1u);
	plugin_host_deliver_held_request(&h);
	plugin_host_deliver_held_request(&h);
	cr_assert_eq(requests, 2u, "the request is not delivered once");
	send_request(&h, pair[1]);
	cr_assert(control_message_send(pair[1], FFSCTL_MSG_EVENT, 0, &suspend, sizeof(suspend)));
	cr_assert(plugin_host_receive_message(&h));
	plugin_host_deliver_held_request(&h);
	cr_assert_eq(requests, 2u, "a request that the host has given up is delivered");
	close(pair[0]);
	close(pair[1]);
}
