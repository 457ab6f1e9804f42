/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host of a gadget with kernel functions only, as the `state` of its UDC shows it. Here it is a
 * file: no UDC of the lab is ever "suspended".
 */
#include "configfs/udc.h"

#undef UDC_CLASS_DIR
#define UDC_CLASS_DIR "udc"

#include "supervisor/usb_host.c"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct config config;
static struct gadget gadget = { .configs = &config, .n_configs = 1 };
static struct live_gadget live;
static struct usb_host_state host;

/* --- doubles --- */

int fd_watch_add(struct loop *loop _unused_, struct fd_watch *source, int fd,
		 uint32_t events _unused_, void (*fn)(void *data, uint32_t events), void *data)
{
	source->fd = fd;
	source->on_event = fn;
	source->callback_data = data;
	return 0;
}

void fd_watch_remove(struct loop *loop _unused_, struct fd_watch *source)
{
	source->fd = -1;
}

void fd_watch_close(struct loop *loop _unused_, struct fd_watch *source)
{
	if (source->fd >= 0)
		close(source->fd);
	source->fd = -1;
}

void function_set_keeper_udc(struct live_function *f _unused_, const char *udc _unused_)
{
}

/* --- the UDC --- */

static void set_state(const char *word)
{
	FILE *f = fopen("udc/x/state", "w");

	cr_assert_not_null(f);
	fprintf(f, "%s\n", word);
	fclose(f);
}

static void change_state(const char *word)
{
	set_state(word);
	host.udc_state_watch.on_event(&host, EPOLLPRI);
}

static void begin(void)
{
	char top[] = "/tmp/ffsctl-host-XXXXXX";

	cr_assert_not_null(mkdtemp(top));
	cr_assert_eq(chdir(top), 0);
	cr_assert(mkdir("udc", 0700) == 0 && mkdir("udc/x", 0700) == 0);
	live = (struct live_gadget){ .configfs.gadget = &gadget };
	host_init(&host, &live);
}

static void end(void)
{
	_cleanup_free_ char *top = getcwd(NULL, 0);

	host_handle_unbind(&host);
	free(live.functions.last_bound_udc);
	unlink("udc/x/state");
	rmdir("udc/x");
	rmdir("udc");
	rmdir(top);
}

Test(host, the_state_before_the_bind_is_ignored, .init = begin, .fini = end)
{
	set_state("configured");
	host_watch_udc_state(&host, "x");
	cr_expect_not(host_has_configured(&host));
	change_state("configured");
	cr_expect(host_has_configured(&host));
}

Test(host, a_host_that_suspends_the_bus_stays_configured, .init = begin, .fini = end)
{
	set_state("not attached");
	host_watch_udc_state(&host, "x");
	change_state("addressed");
	cr_expect_not(host_has_configured(&host));
	change_state("suspended");
	cr_expect_not(host_has_configured(&host), "it has not configured the gadget");
	change_state("configured");
	cr_expect(host_has_configured(&host));
	cr_expect_not(host_has_suspended(&host));
	change_state("suspended");
	cr_expect(host_has_configured(&host));
	cr_expect(host_has_suspended(&host));
	change_state("configured");
	cr_expect(host_has_configured(&host));
	cr_expect_not(host_has_suspended(&host));
	change_state("not attached");
	cr_expect_not(host_has_configured(&host));
}

Test(host, a_takeover_keeps_the_state_of_the_host, .init = begin, .fini = end)
{
	set_state("suspended");
	host_watch_after_takeover(&host, "x", true);
	cr_expect(host_has_configured(&host));
	set_state("configured");
	host_watch_after_takeover(&host, "x", false);
	cr_expect_not(host_has_configured(&host));
}

/* --- functions whose keepers report ENABLE --- */

enum { FIRST, SECOND, KERNEL, N_FUNCTIONS };

static struct interface interface;
static struct ffs instance = { .interfaces = &interface, .n_interfaces = 1 };
static struct function models[N_FUNCTIONS] = { [FIRST].ffs = &instance, [SECOND].ffs = &instance };
static struct live_function functions[] = {
	[FIRST].model = &models[FIRST], [SECOND].model = &models[SECOND]
};
static struct live_function *list[] = { &functions[FIRST], &functions[SECOND] };
static struct config_function links[] = { { .function_index = FIRST },
					  { .function_index = KERNEL },
					  { .function_index = SECOND } };

static void begin_functions(void)
{
	begin();
	gadget.functions = models;
	gadget.n_functions = N_FUNCTIONS;
	config = (struct config){ .functions = links, .n_functions = ARRAY_SIZE(links) };
	live.model = &gadget;
	live.functions.list = list;
	live.functions.n = ARRAY_SIZE(list);
	set_state("configured");
	host_watch_udc_state(&host, "x");
}

Test(host, all_functions_of_a_configuration_must_be_enabled, .init = begin_functions, .fini = end)
{
	host.state_is_configured = true; /* as kernels that refused the host leave it */
	cr_expect_eq(host_evidence(&host), HOST_NO_EVIDENCE);
	functions[FIRST].link_state.enabled = true;
	cr_expect_eq(host_evidence(&host), HOST_NO_EVIDENCE);
	functions[SECOND].link_state.enabled = true;
	cr_expect_eq(host_evidence(&host), HOST_BY_FUNCTIONS);
	functions[FIRST].link_state.enabled = false;
	functions[FIRST].left_out = true;
	cr_expect_eq(host_evidence(&host), HOST_BY_FUNCTIONS, "it is left out");
	functions[SECOND].left_out = true;
	cr_expect_eq(host_evidence(&host), HOST_BY_UDC, "only the kernel's function is left");
}

Test(host, a_function_without_interfaces_is_never_enabled, .init = begin_functions, .fini = end)
{
	instance.n_interfaces = 0;
	cr_expect_eq(host_evidence(&host), HOST_NO_EVIDENCE);
	host.state_is_configured = true;
	cr_expect_eq(host_evidence(&host), HOST_BY_UDC);
}

Test(host, a_refused_host_has_not_configured_it, .init = begin, .fini = end)
{
	set_state("addressed");
	host_watch_udc_state(&host, "x");
	host.messages.host_was_refused = true;
	change_state("configured");
	cr_expect_not(host_has_configured(&host));
}
