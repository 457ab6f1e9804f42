// SPDX-License-Identifier: GPL-2.0-or-later
/* The digest of what a worker is started with, by which a reload decides whether to replace it. */
#include <criterion/criterion.h>

#include "function/function.h"
#include "function/launch.h"

static char *nothing[] = { NULL };
static struct functions all = { .gadget_name = "demo" };
static struct worker model = { .kind = WORKER_EXEC, .options_json = "{}" };
static struct function function = { .label = "echo", .type = "acm", .worker = &model };
static struct live_function live = { .model = &function, .functions = &all };
static struct live_worker worker = {
	.function = &live,
	.model = &model,
	.spawn = { .program_path = "/bin/true",
		   .working_directory = "/",
		   .argv = nothing,
		   .env = nothing },
};

Test(launch_digest, depends_on_each_byte_of_the_process_settings)
{
	uint64_t before = launch_digest(&worker);
	unsigned char *bytes = (unsigned char *)&worker.spawn.process_limits;

	for (size_t i = 0; i < sizeof(worker.spawn.process_limits); i++) {
		bytes[i] = 1;
		cr_expect_neq(launch_digest(&worker), before, "byte %zu", i);
		bytes[i] = 0;
	}
	cr_expect_eq(launch_digest(&worker), before);
}
