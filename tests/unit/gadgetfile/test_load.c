/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader: the model of a gadget file, with defaults. tests/bad has the errors. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "blob/uapi.h"
#include "gadgetfile/load.h"
#include "gadgetfile/syntax/diag.h"
#include "gadgetfile/write.h"
#include "text.h"

TestSuite(load, .fini = unload);

#define ENDPOINTS(inside) FFS("interfaces = ( { endpoints = ( " inside " ); } );")
#define WORKER(inside)                                                                             \
	"functions : { echo : { ffs : { interfaces = ( { endpoints = ( \"bulk-in\" ); } ); }; "    \
	"worker : { " inside " }; }; };"

Test(load, loads_a_document_without_its_file)
{
	const char *text =
		"attrs = { idVendor = 0x1d6b; idProduct = 0x0104; }; max_speed = "
		"\"high\"; functions : { echo : { ffs : { interfaces = ( { string = "
		"\"\xc3\xa4 \\\"1\\\"\"; endpoints = ( { type = \"interrupt\"; direction = "
		"\"in\"; interval = 0.125; } ); } ); }; worker : { exec = [ \"./x\" ]; }; "
		"}; };";
	_cleanup_error_ struct error err = { 0 };
	json_t *form = NULL, *wrong = json_pack("{s:i}", "functoins", 1);
	struct gadget *again;

	gadgetfile_load_text("/nonexistent/demo.conf", text, strlen(text), &g, &form, &d);
	cr_assert_not_null(g);
	cr_assert_eq(
		gadgetfile_load_document(form, "/nonexistent/demo.conf", "other", &again, &err), 0,
		"%s", err.text);
	cr_expect_str_eq(again->name, "other");
	cr_expect_str_eq(again->file, g->file);
	cr_expect_str_eq(again->file_dir, g->file_dir);
	cr_expect_str_eq(again->functions[0].worker->argv[0], g->functions[0].worker->argv[0]);
	cr_expect_eq(again->functions[0].worker->at.line, 1U);
	cr_expect_eq(again->functions[0].worker->at.column, 1U, "there is no place for it");
	cr_expect_eq(again->functions[0].ffs->interfaces[0].endpoints[0].speed[EP_HIGH].interval,
		     g->functions[0].ffs->interfaces[0].endpoints[0].speed[EP_HIGH].interval);
	gadget_free(again);
	cr_expect_lt(gadgetfile_load_document(wrong, "/nonexistent/demo.conf", "x", &again, &err),
		     0);
	cr_expect_eq(err.exit, EX_DATAERR);
	cr_expect_not_null(strstr(err.text, "a gadget file needs 'functions'"), "%s", err.text);
	error_clear(&err);
	cr_expect_lt(gadgetfile_load_document(NULL, "/nonexistent/demo.conf", "x", &again, &err),
		     0);
	json_decref(wrong);
	json_decref(form);
}

static const struct endpoint *endpoint(size_t n)
{
	return &g->functions[0].ffs->interfaces[0].endpoints[n];
}

/* Returns a function with a value of `n` bytes. */
static char *long_value(size_t n)
{
	_cleanup_free_ char *bytes = xcalloc(n, 2);

	for (size_t i = 0; i < n; i++)
		memcpy(bytes + 2 * i, i + 1 < n ? "0," : "0", 2 - (i + 1 == n));
	return strf("functions : { f : { type = \"other\"; tree = ( { path = \"descriptor\"; "
		    "value = ( %s ); } ); }; };",
		    bytes);
}

Test(load, a_value_longer_than_a_configfs_page_is_an_error)
{
	_cleanup_free_ char *page = long_value(ATTRIBUTE_VALUE_MAX),
			    *more = long_value(ATTRIBUTE_VALUE_MAX + 1);

	load(page);
	cr_expect_eq(g->functions[0].configfs_attributes.list[0].size, ATTRIBUTE_VALUE_MAX);
	unload();
	cr_expect_lt(
		gadgetfile_load_text("/nonexistent/demo.conf", more, strlen(more), &g, NULL, &d),
		0);
	cr_expect(said(DIAG_ERROR, "at most 4095 bytes, not 4096"));
}

Test(load, a_minimal_file_gets_all_defaults)
{
	const struct function *f;

	load("functions : {\n  echo : {\n    ffs : { interfaces = ( { endpoints = ( \"bulk-in\", "
	     "\"bulk-out\" ); } ); };\n    worker : { plugin = \"loopback\"; };\n  };\n};\n");
	cr_expect_str_eq(g->name, "demo");
	cr_expect_str_eq(g->file, "/nonexistent/demo.conf");
	cr_expect_str_eq(g->file_dir, "/nonexistent");
	cr_expect_str_eq(g->source_files[0], "/nonexistent/demo.conf");
	cr_expect_null(g->source_files[1]);
	cr_expect_eq(g->max_speed, GADGET_SPEED_NONE, "the kernel's own is right");
	cr_expect_eq(g->device_attrs[GADGET_ID_VENDOR].value, 0x1d6b);
	cr_expect_eq(g->device_attrs[GADGET_ID_PRODUCT].value, 0x0104);
	cr_expect(!g->device_attrs[GADGET_BCD_DEVICE].set);
	cr_expect(said(DIAG_WARNING, "no ids are set"));
	cr_assert_eq(g->n_strings, 1);
	cr_expect_eq(g->strings[0].lang, 0x0409);
	cr_expect_str_eq(g->strings[0].product.value, "demo");
	cr_expect_null(g->strings[0].manufacturer.value);

	cr_assert_eq(g->n_functions, 1);
	f = &g->functions[0];
	cr_expect_str_eq(f->label, "echo");
	cr_expect_str_eq(f->type, "ffs");
	cr_expect_str_eq(f->instance, "demo-echo");
	cr_expect_eq(f->at.line, 2);
	cr_expect_str_eq(f->ffs->mount.path, "/dev/ffs/demo/echo");
	cr_expect(f->ffs->mount.path_is_default);
	cr_expect(!f->ffs->mount.no_disconnect);
	cr_expect_null(f->ffs->mount.uid.value);
	cr_expect_null(f->ffs->endpoint_file_symlink.value);
	cr_expect(f->ffs->has_speed[EP_FULL] && f->ffs->has_speed[EP_HIGH] &&
		  f->ffs->has_speed[EP_SUPER]);
	cr_expect_eq(f->ffs->interfaces[0].class, 0xff);
	cr_expect_eq(f->ffs->interfaces[0].string.n_texts, 0);
	cr_expect_str_eq(endpoint(0)->name, "ep1-in");
	cr_expect_eq(endpoint(0)->address, 0x81);
	cr_expect_str_eq(endpoint(1)->name, "ep2-out");
	cr_expect_eq(endpoint(1)->address, 0x02);
	cr_expect_eq(endpoint(1)->file_number, 2);
	cr_expect_eq(endpoint(1)->speed[EP_FULL].max_packet, 64);
	cr_expect_eq(endpoint(1)->speed[EP_HIGH].max_packet, 512);
	cr_expect_eq(endpoint(1)->speed[EP_SUPER].max_packet, 1024);

	cr_assert_eq(g->n_configs, 1);
	cr_expect_eq(g->configs[0].id, 1);
	cr_expect_str_eq(g->configs[0].name, "c");
	cr_expect(!g->configs[0].bm_attributes.set && !g->configs[0].max_power.set);
	cr_assert_eq(g->configs[0].n_functions, 1);
	cr_expect_str_eq(g->configs[0].functions[0].name, "ffs.demo-echo");
}

Test(load, warns_about_each_missing_id)
{
	load("attrs = { idVendor = 5; };" FFS("interfaces = ( { } );"));
	cr_expect_eq(g->device_attrs[GADGET_ID_VENDOR].value, 5);
	cr_expect_eq(g->device_attrs[GADGET_ID_PRODUCT].value, 0x0104);
	cr_expect(said(DIAG_WARNING, "no 'idProduct' is set: 0x0104"));
	unload();
	load("attrs = { idProduct = 5; };" FFS("interfaces = ( { } );"));
	cr_expect(said(DIAG_WARNING, "no 'idVendor' is set: 0x1d6b"));
	unload();
	load("attrs = { idVendor = 5; idProduct = 5; };" FFS("interfaces = ( { } );"));
	cr_expect_eq(d.n, 0);
}

Test(load, defaults_of_a_plugin)
{
	const struct worker *w;

	load(WORKER("plugin = \"loopback\";"));
	w = g->functions[0].worker;
	cr_expect_eq(w->kind, WORKER_PLUGIN);
	cr_expect_str_eq(w->plugin, "loopback");
	cr_expect_str_eq(w->options_json, "{}");
	cr_expect_null(w->argv);
	cr_expect(!w->blocking_io);
	cr_expect_eq(w->engine, ENGINE_AUTO);
	cr_expect_eq(w->endpoint_transfer_size, 0);
	cr_expect_eq(w->endpoint_queue_depth, 0);
	cr_expect_eq(w->ready_when, READY_NOTIFY);
	cr_expect_eq(w->start_timeout, 10);
	cr_expect_eq(w->stop_timeout, 5);
	cr_expect_eq(w->restart_when, RESTART_ALWAYS);
	cr_expect_eq(w->restart_delay, 1);
	cr_expect_eq(w->restart_max_delay, 30);
	cr_expect_eq(w->restart_limit, 5);
	cr_expect_eq(w->restart_window, 60);
	cr_expect_eq(w->on_crash, CRASH_STALL);
	cr_expect_eq(w->on_failed, FAILED_UNBIND);
	cr_expect_null(w->user.value);
	cr_expect_eq(w->n_groups, 0);
	cr_expect(!w->process_limits.keep_all_privileges);
	cr_expect_eq(w->process_limits.max_memory_bytes, 0);
	cr_expect_eq(w->process_limits.max_open_files, 0);
	cr_expect_eq(w->process_limits.max_cpu_seconds, 0);
	cr_expect_eq(w->n_env, 0);
	cr_expect_str_eq(w->working_directory, "/");
	cr_expect(w->sandbox);
	cr_expect_eq(w->sandbox_permissions, SANDBOX_ANY, "what the plugin declares");
}

Test(load, allow_sets_what_the_sandbox_permits)
{
	static const struct {
		const char *text;
		unsigned int allowed;
	} cases[] = {
		{ "plugin = \"p\"; allow = ();", 0 },
		{ "plugin = \"p\"; allow = ( \"files\", \"network\" );",
		  SANDBOX_FILES | SANDBOX_NETWORK },
		{ "exec = [ \"p\" ]; sandbox = true;", SANDBOX_PROGRAMS },
		{ "exec = [ \"p\" ]; sandbox = true; allow = ();", SANDBOX_PROGRAMS },
		{ "exec = [ \"p\" ]; sandbox = true; allow = ( \"network\" );",
		  SANDBOX_NETWORK | SANDBOX_PROGRAMS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = strf(WORKER("%s"), cases[i].text);

		load(text);
		cr_expect_eq(g->functions[0].worker->sandbox_permissions, cases[i].allowed, "%s",
			     cases[i].text);
		unload();
	}
}

Test(load, defaults_of_a_program)
{
	const struct worker *w;

	load(WORKER("exec = [ \"prog\", \"./arg\" ];"));
	w = g->functions[0].worker;
	cr_expect_eq(w->kind, WORKER_EXEC);
	cr_expect_str_eq(w->argv[0], "prog");
	cr_expect_str_eq(w->argv[1], "./arg", "arguments are untouched");
	cr_expect_null(w->argv[2]);
	cr_expect(w->blocking_io);
	cr_expect_eq(w->ready_when, READY_STARTED);
	cr_expect_null(w->user.value);
	cr_expect(!w->sandbox);
}

#define CRASHING(interfaces, more)                                                                 \
	"functions : { f : { ffs : { interfaces = ( " interfaces " ); }; "                         \
	"worker : { exec = [ \"x\" ]; " more " }; }; };"

Test(load, hosts_that_never_clear_a_halt_get_none)
{
	static const struct {
		const char *text;
		enum worker_on_crash on_crash;
	} files[] = {
		{ CRASHING("{ class = \"smart-card\"; }", ""), CRASH_HOLD },
		{ CRASHING("{ class = \"smart-card\"; }", "on_crash = \"stall\";"), CRASH_STALL },
		{ CRASHING("{ class = \"application\"; subclass = 3; }", ""), CRASH_HOLD },
		{ CRASHING("{ class = \"application\"; subclass = 1; }", ""), CRASH_STALL },
		{ CRASHING("{ string = \"CMSIS-DAP v2\"; }", ""), CRASH_HOLD },
		{ CRASHING("{ string = \"DAP\"; }", ""), CRASH_STALL },
		{ CRASHING("{ class = \"hid\"; string = \"CMSIS-DAP\"; }", ""), CRASH_STALL },
		{ CRASHING("{ class = \"smart-card\"; }, { }", ""), CRASH_STALL },
		{ CRASHING("{ class = \"printer\"; }", ""), CRASH_STALL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		load(files[i].text);
		cr_assert_eq(g->functions[0].worker->on_crash, files[i].on_crash, "%s",
			     files[i].text);
		unload();
	}
}

Test(load, loads_all_keys_of_a_worker)
{
	const struct worker *w;

	load(WORKER(
		"exec = ( \"bin/prog\", \"${mount}\" ); opens = \"endpoints\"; blocking = false; "
		"ready = \"fd\"; start_timeout = 2.5; stop_timeout = 0; restart = \"on-failure\"; "
		"restart_delay = 0; restart_max_delay = 7; restart_limit = 0; "
		"restart_window = 0.5; on_crash = \"hold\"; on_failed = \"stall\"; user = 1000; "
		"groups = ( \"tty\", 20 ); privileges = \"keep\"; "
		"limits : { memory = \"2G\"; files = 64; cpu = 10; }; "
		"env : { A = \"${gadget}\"; N = 5; }; directory = \"data\";"));
	w = g->functions[0].worker;
	cr_expect_str_eq(w->argv[0], "/nonexistent/bin/prog");
	cr_expect_str_eq(w->argv[1], "${mount}");
	cr_expect_eq(w->program_at.line, 1);
	cr_expect(!w->blocking_io);
	cr_expect_eq(w->ready_when, READY_FD);
	cr_expect_eq(w->start_timeout, 2.5);
	cr_expect_eq(w->stop_timeout, 0);
	cr_expect_eq(w->restart_when, RESTART_ON_FAILURE);
	cr_expect_eq(w->restart_delay, 0);
	cr_expect_eq(w->restart_max_delay, 7);
	cr_expect_eq(w->restart_limit, 0);
	cr_expect_eq(w->restart_window, 0.5);
	cr_expect_eq(w->on_crash, CRASH_HOLD);
	cr_expect_eq(w->on_failed, FAILED_STALL);
	cr_expect_str_eq(w->user.value, "1000");
	cr_assert_eq(w->n_groups, 2);
	cr_expect_str_eq(w->groups[0].value, "tty");
	cr_expect_str_eq(w->groups[1].value, "20");
	cr_expect(w->process_limits.keep_all_privileges);
	cr_expect_eq(w->process_limits.max_memory_bytes, UINT64_C(2) << 30);
	cr_expect_eq(w->process_limits.max_open_files, 64);
	cr_expect_eq(w->process_limits.max_cpu_seconds, 10);
	cr_expect(said(DIAG_WARNING, "root's privileges"));
	cr_assert_eq(w->n_env, 2);
	cr_expect_str_eq(w->env[0].name, "A");
	cr_expect_str_eq(w->env[0].value, "${gadget}");
	cr_expect_str_eq(w->env[1].value, "5");
	cr_expect_str_eq(w->working_directory, "/nonexistent/data");
}

Test(load, a_program_below_dir_is_not_expanded_yet)
{
	load(WORKER("exec = [ \"${dir}/prog\" ];"));
	cr_expect_str_eq(g->functions[0].worker->argv[0], "${dir}/prog");
}

Test(load, io_and_options_of_a_plugin)
{
	const struct worker *w;
	json_t *options;

	load(WORKER(
		"plugin = \"./my.so\"; options : { a = 1; b = ( true, \"x\" ); c : { d = 1.5; }; };"
		" io : { engine = \"copy\"; size = \"64K\"; depth = 8; };"));
	w = g->functions[0].worker;
	cr_expect_str_eq(w->plugin, "/nonexistent/./my.so");
	cr_expect_eq(w->engine, ENGINE_COPY);
	cr_expect_eq(w->endpoint_transfer_size, 65536);
	cr_expect_eq(w->endpoint_queue_depth, 8);
	options = json_loads(w->options_json, 0, NULL);
	cr_expect_eq(json_integer_value(json_object_get(options, "a")), 1);
	cr_expect(json_is_true(json_array_get(json_object_get(options, "b"), 0)));
	cr_expect_eq(json_real_value(json_object_get(json_object_get(options, "c"), "d")), 1.5);
	json_decref(options);
}

Test(load, a_longer_delay_moves_the_default_maximum)
{
	load(WORKER("exec = [ \"x\" ]; restart_delay = 60;"));
	cr_expect_eq(g->functions[0].worker->restart_max_delay, 60);
	unload();
	load(WORKER("exec = [ \"x\" ]; restart_max_delay = 0.5;"));
	cr_expect_eq(g->functions[0].worker->restart_delay, 0.5);
}

Test(load, gadgets_to_switch_to)
{
	load("switch_to = [ \"b\", \"c.d\" ]; " FFS("interfaces = ( { } );"));
	cr_assert_eq(g->n_switch_to, 2);
	cr_expect_str_eq(g->switch_to[1].value, "c.d");
	cr_expect_eq(g->switch_to[1].at.column, 20);
}

Test(load, on_failed_depends_on_other_functions)
{
	load("functions : { a : { ffs : { interfaces = ( { } ); }; worker : { exec = [ \"x\" ]; }; "
	     "};"
	     " b : { ffs : { interfaces = ( { } ); }; }; };");
	cr_expect_eq(g->functions[0].worker->on_failed, FAILED_STALL);
	unload();
	/* The gadget cannot be bound without the daemon that has ep0 open. */
	load("functions : { a : { ffs : { }; worker : { exec = [ \"x\" ]; opens = \"ep0\"; }; };"
	     " b : { ffs : { interfaces = ( { } ); }; }; };");
	cr_expect_eq(g->functions[0].worker->on_failed, FAILED_UNBIND);
}

Test(load, mount_options)
{
	const struct ffs *ffs;

	load(FFS("mount : { path = \"here\"; uid = \"adb\"; gid = 2000; mode = \"0770\"; "
		 "rmode = \"550\"; fmode = \"0660\"; no_disconnect = true; }; virtual_addr = true; "
		 "all_ctrl_recip = true; config0_setup = true; device = \"/dev/x\"; "
		 "interfaces = ( { endpoints = ( \"bulk-in\" ); } );"));
	ffs = g->functions[0].ffs;
	cr_expect_str_eq(ffs->mount.path, "/nonexistent/here");
	cr_expect(!ffs->mount.path_is_default);
	cr_expect_str_eq(ffs->mount.uid.value, "adb");
	cr_expect_str_eq(ffs->mount.gid.value, "2000");
	cr_expect_eq(ffs->mount.mode.value, 0770);
	cr_expect_eq(ffs->mount.rmode.value, 0550);
	cr_expect_eq(ffs->mount.fmode.value, 0660);
	cr_expect(ffs->mount.no_disconnect);
	cr_expect_eq(ffs->flags, FUNCTIONFS_VIRTUAL_ADDR | FUNCTIONFS_ALL_CTRL_RECIP |
					 FUNCTIONFS_CONFIG0_SETUP);
	cr_expect_str_eq(ffs->endpoint_file_symlink.value, "/dev/x");
}

/* The rows of ffs_flags and the keys of the group 'ffs' set the same flags. */
Test(load, each_flag_of_functionfs_has_its_key)
{
	for (const struct ffs_flag *f = ffs_flags; f->flag; f++) {
		unsigned int number = (unsigned int)FFS_FLAG_NUMBER(f->flag);
		_cleanup_free_ char *on = NULL, *off = NULL;
		const struct ffs *ffs;

		if (!f->feature.name)
			continue;
		on = strf(FFS("%s = true; interfaces = ( { endpoints = ( \"bulk-in\", \"bulk-out\" "
			      "); } );"),
			  f->feature.name);
		off = strf(FFS("%s = false; interfaces = ( { endpoints = ( \"bulk-in\" ); } );"),
			   f->feature.name);
		load(on);
		ffs = g->functions[0].ffs;
		cr_expect_eq(ffs->flags, f->flag, "%s sets %#x", f->feature.name, ffs->flags);
		cr_expect_eq(ffs->flag_at[number].line, 1);
		unload();
		load(off);
		cr_expect_eq(g->functions[0].ffs->flags, 0, "%s", f->feature.name);
		unload();
	}
}

Test(load, each_key_of_a_flag_is_in_the_table)
{
	size_t first = offsetof(struct ffs_settings, flags);

	for (const struct key *k = ffs_keys.keys; k->name; k++) {
		size_t n = (k->offset - first) / sizeof(struct node *);
		const struct ffs_flag *f = ffs_flags;
		_cleanup_free_ char *needs = NULL;

		if (k->offset < first || n >= FFS_FLAG_BITS)
			continue;
		while (f->flag && f->flag != 1U << n)
			f++;
		cr_assert_neq(f->flag, 0, "%s has no row", k->name);
		cr_expect_str_eq(f->feature.name, k->name);
		cr_expect_eq(k->types, NODE_BOOL);
		if (!f->feature.description)
			continue;
		needs = f->feature.since_version
				? strf("Needs Linux %u.%u", f->feature.since_version >> 8,
				       f->feature.since_version & 0xff)
				: xstrdup("Needs ffsctl's kernel patches");
		cr_expect_not_null(strstr(k->doc, needs), "%s: %s", k->name, needs);
	}
}

Test(load, bulk_sizes_are_adapted_to_each_speed)
{
	load(ENDPOINTS("{ direction = \"in\"; type = \"bulk\"; max_packet = 16; burst = 15; }, "
		       "{ direction = \"in\"; type = \"bulk\"; max_packet = 1024; }, "
		       "{ direction = \"in\"; type = \"bulk\"; full : { max_packet = 8; }; "
		       "super : { burst = 3; }; }"));
	cr_expect_eq(endpoint(0)->speed[EP_FULL].max_packet, 16);
	cr_expect_eq(endpoint(0)->speed[EP_HIGH].max_packet, 512);
	cr_expect_eq(endpoint(0)->speed[EP_SUPER].max_packet, 1024);
	cr_expect_eq(endpoint(0)->speed[EP_SUPER].burst, 15);
	cr_expect_eq(endpoint(0)->speed[EP_HIGH].burst, 0);
	cr_expect_eq(endpoint(0)->speed[EP_HIGH].interval, 0);
	cr_expect_eq(endpoint(1)->speed[EP_FULL].max_packet, 64);
	cr_expect_eq(endpoint(2)->speed[EP_FULL].max_packet, 8);
	cr_expect_eq(endpoint(2)->speed[EP_HIGH].max_packet, 512);
	cr_expect_eq(endpoint(2)->speed[EP_SUPER].burst, 3);
}

Test(load, interrupt_sizes_and_intervals_are_adapted_to_each_speed)
{
	static const struct {
		const char *interval;
		uint8_t full, high; /* bInterval; SuperSpeed's is high speed's */
	} cases[] = {
		{ "0.125", 1, 1 },  { "0.25", 1, 2 },	 { "0.3", 1, 2 }, { "1", 1, 4 },
		{ "2.9", 2, 5 },    { "3", 3, 5 },	 { "10", 10, 7 }, { "255", 255, 11 },
		{ "256", 255, 12 }, { "4096", 255, 16 },
	};

	load(ENDPOINTS("\"interrupt-in\", "
		       "{ direction = \"out\"; type = \"interrupt\"; max_packet = 1024; }, "
		       "{ direction = \"out\"; type = \"interrupt\"; burst = 2; }"));
	cr_expect_eq(endpoint(0)->speed[EP_FULL].max_packet, 64);
	cr_expect_eq(endpoint(0)->speed[EP_SUPER].max_packet, 64);
	cr_expect_eq(endpoint(1)->speed[EP_FULL].max_packet, 64);
	cr_expect_eq(endpoint(1)->speed[EP_HIGH].max_packet, 1024);
	cr_expect_eq(endpoint(2)->speed[EP_HIGH].max_packet, 64);
	cr_expect_eq(endpoint(2)->speed[EP_SUPER].max_packet, 1024, "bursts have full packets");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text =
			strf("functions : { echo : { ffs : { interfaces = ( { endpoints = ( { "
			     "direction = \"in\"; type = \"interrupt\"; interval = %s; } ); } ); "
			     "}; }; };",
			     cases[i].interval);

		unload();
		load(text);
		cr_expect_eq(endpoint(0)->speed[EP_FULL].interval, cases[i].full, "%s ms: %u",
			     cases[i].interval, endpoint(0)->speed[EP_FULL].interval);
		cr_expect_eq(endpoint(0)->speed[EP_HIGH].interval, cases[i].high, "%s ms: %u",
			     cases[i].interval, endpoint(0)->speed[EP_HIGH].interval);
		cr_expect_eq(endpoint(0)->speed[EP_SUPER].interval, cases[i].high);
	}
}

Test(load, exact_values_are_not_changed)
{
	load(ENDPOINTS(
		"{ direction = \"in\"; type = \"interrupt\"; max_packet = 8; "
		"high : { max_packet = 1000; interval = 0.5; }; full : { interval = 77; }; }"));
	cr_expect_eq(endpoint(0)->speed[EP_FULL].max_packet, 8);
	cr_expect_eq(endpoint(0)->speed[EP_FULL].interval, 77);
	cr_expect_eq(endpoint(0)->speed[EP_HIGH].max_packet, 1000);
	cr_expect_eq(endpoint(0)->speed[EP_HIGH].interval, 3);
	cr_expect_eq(endpoint(0)->speed[EP_SUPER].max_packet, 8);
}

Test(load, only_the_listed_speeds_have_descriptors)
{
	load(FFS("speeds = [ \"full\", \"high\" ]; interfaces = ( { endpoints = ( \"bulk-in\" ); } "
		 ");"));
	cr_expect(endpoint(0)->speed[EP_FULL].is_offered && endpoint(0)->speed[EP_HIGH].is_offered);
	cr_expect(!endpoint(0)->speed[EP_SUPER].is_offered);
	cr_expect_eq(g->max_speed, GADGET_SPEED_HIGH, "else a host at SuperSpeed sees nothing");
	cr_expect(said(DIAG_WARNING, "lowered to \"high\""));
}

Test(load, max_speed_is_lowered_but_never_raised)
{
	load("max_speed = \"full\";" FFS("interfaces = ( { } );"));
	cr_expect_eq(g->max_speed, GADGET_SPEED_FULL);
	cr_expect(!said(DIAG_WARNING, "lowered"));
	unload();
	load("max_speed = \"super-plus\";" FFS("interfaces = ( { } );"));
	cr_expect_eq(g->max_speed, GADGET_SPEED_SUPER_PLUS, "SuperSpeed's descriptors serve it");
	unload();
	load("max_speed = \"super\";" FFS("speeds = [ \"full\" ]; interfaces = ( { } );"));
	cr_expect_eq(g->max_speed, GADGET_SPEED_FULL);
	cr_expect(said(DIAG_WARNING, "lowered to \"full\""));
}

Test(load, automatic_addresses_avoid_explicit_ones)
{
	load(ENDPOINTS("\"bulk-in\", { direction = \"in\"; type = \"bulk\"; address = 0x81; }, "
		       "{ type = \"bulk\"; address = 0x02; }, \"bulk-out\", "
		       "{ direction = \"in\"; type = \"bulk\"; address = 5; }"));
	cr_expect_eq(endpoint(0)->address, 0x82);
	cr_expect_eq(endpoint(1)->address, 0x81);
	cr_expect_eq(endpoint(2)->address, 0x02);
	cr_expect_eq(endpoint(2)->direction, EP_OUT, "the address says it");
	cr_expect_eq(endpoint(3)->address, 0x04);
	cr_expect_eq(endpoint(4)->address, 0x85);
	cr_expect_str_eq(endpoint(4)->name, "ep5-in");
}

Test(load, thirty_endpoints_have_thirty_addresses)
{
	bool seen[256] = { false };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("functions : { echo : { ffs : { interfaces = ( { endpoints = ( ", f);
	for (int i = 0; i < 15; i++)
		fprintf(f, "\"bulk-in\", \"bulk-out\"%s ", i < 14 ? "," : "");
	fputs("); } ); }; }; };", f);
	fclose(f);
	load(text);
	free(text);
	cr_assert_eq(g->functions[0].ffs->interfaces[0].n_endpoints, 30);
	for (size_t i = 0; i < 30; i++) {
		uint8_t address = endpoint(i)->address;

		cr_expect(!seen[address], "0x%02x twice", address);
		seen[address] = true;
		cr_expect_eq(address >> 7, endpoint(i)->direction == EP_IN);
		cr_expect((address & 0x7f) >= 1 && (address & 0x7f) <= 15);
	}
}

Test(load, classes_by_name)
{
	const struct interface *i;

	load("attrs = { bDeviceClass = \"misc\"; };" FFS(
		"interfaces = ( { class = \"hid\"; protocol = 2; }, { class = \"dfu\"; }, "
		"{ class = \"dfu\"; subclass = 2; }, { class = 10; } );"));
	i = g->functions[0].ffs->interfaces;
	cr_expect_eq(g->device_attrs[GADGET_DEVICE_CLASS].value, 0xef);
	cr_expect_eq(i[0].class, 3);
	cr_expect_eq(i[0].protocol, 2);
	cr_expect_eq(i[1].class, 0xfe);
	cr_expect_eq(i[1].subclass, 1);
	cr_expect_eq(i[2].subclass, 2);
	cr_expect_eq(i[3].class, 10);
}

Test(load, a_device_id_gets_its_length_in_front)
{
	load("functions : { a : { type = \"printer\"; attrs : { pnp_string = \"MFG:a;\"; }; }; "
	     "b : { type = \"printer\"; attrs : { pnp_string = \"MFG:a;  \"; }; }; };");
	cr_expect_str_eq(g->functions[0].configfs_attributes.list[0].value, "MFG:a;  ");
	cr_expect_eq(g->functions[0].configfs_attributes.list[0].size, 8);
	cr_expect_str_eq(g->functions[1].configfs_attributes.list[0].value, "MFG:a;  ");
}

Test(load, vendor_codes_of_os_descs_and_webusb_must_differ)
{
	load("os_descs : { b_vendor_code = 5; use = false; }; webusb : { bVendorCode = 5; };" FFS(
		"interfaces = ( { } );"));
	unload();
	load("os_descs : { b_vendor_code = 0; }; webusb : { use = false; };" FFS(
		"interfaces = ( { } );"));
	unload();
	load("os_descs : { }; webusb : { };" FFS("interfaces = ( { } );"));
}

#define CAMERA(frame)                                                                              \
	"functions : { c : { type = \"uvc\"; attrs : { formats = ( { type = \"mjpeg\"; frames = "  \
	"( " frame " ); } ); }; }; };"

Test(load, the_default_interval_must_be_in_the_frame_s_list)
{
	load(CAMERA("{ width = 1; height = 1; dwFrameInterval = [ 5, 7 ]; dwDefaultFrameInterval = "
		    "7; }"));
	cr_expect(!said(DIAG_WARNING, "not one of the frame's intervals"));
	unload();
	load(CAMERA("{ width = 1; height = 1; dwFrameInterval = [ 5, 7 ]; dwDefaultFrameInterval = "
		    "6; }"));
	cr_expect(said(DIAG_WARNING, "not one of the frame's intervals"));
}

/* Returns the number of errors for `frames` frames with `rates` rates each. */
static size_t load_many(size_t frames, size_t rates)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("functions : { c : { type = \"uvc\"; attrs : { formats = ( { type = \"mjpeg\"; "
	      "frames = ( ",
	      f);
	for (size_t i = 0; i < frames; i++) {
		fprintf(f, "%s{ width = 1; height = 1; fps = ( 1", i ? "," : "");
		for (size_t r = 1; r < rates; r++)
			fputs(", 1", f);
		fputs(" ); }", f);
	}
	fputs(" ); } ); }; }; };", f);
	fclose(f);
	return count_errors(text, size);
}

Test(load, a_camera_has_at_most_255_frames_and_rates)
{
	cr_expect_eq(load_many(255, 1), 0);
	cr_expect_eq(load_many(256, 1), 1);
	cr_expect_eq(load_many(1, 255), 0);
	cr_expect_eq(load_many(1, 256), 1);
}

/* A warning only: configfs accepts any id. */
Test(load, warns_about_an_invalid_compatible_id)
{
	load("functions : { n : { type = \"ncm\"; os_descs = ( { interface = \"ncm\"; "
	     "compatible_id = \"WINNCM\"; sub_compatible_id = \"\"; } ); }; };");
	cr_expect(!said(DIAG_WARNING, "Windows"));
	unload();
	load("functions : { n : { type = \"ncm\"; os_descs = ( { interface = \"ncm\"; "
	     "compatible_id = \"winncm\"; } ); }; };");
	cr_expect(said(DIAG_WARNING, "Windows accepts only"));
}

Test(load, a_tree_has_limits)
{
	static const struct {
		size_t entries, levels, errors;
	} cases[] = { { 1024, 1, 0 }, { 1025, 1, 1 }, { 1, 16, 0 }, { 1, 17, 1 } };

	for (size_t c = 0; c < 4; c++) {
		char *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		fputs("functions : { c : { type = \"ncm\"; tree = ( ", f);
		for (size_t i = 0; i < cases[c].entries; i++) {
			fprintf(f, "%s{ path = \"%zx", i ? "," : "", i);
			for (size_t n = 1; n < cases[c].levels; n++)
				fputs("/a", f);
			fputs("\"; }", f);
		}
		fputs(" ); }; };", f);
		fclose(f);
		gadgetfile_load_text("/nonexistent/demo.conf", text, size, &g, NULL, &d);
		free(text);
		cr_expect_eq(d.n_errors, cases[c].errors);
		unload();
	}
}

Test(load, only_the_first_block_has_midi_1_groups_by_default)
{
	load("functions : { m : { type = \"midi2\"; attrs : { endpoints = ( { }, { blocks = ( { "
	     "first_group = 4; } ); } ); }; }; };");
	unload();
	load("functions : { m : { type = \"midi2\"; attrs : { endpoints = ( { blocks = ( { "
	     "midi1_num_groups = 0; }, { midi1_num_groups = 1; } ); } ); }; }; };");
}

Test(load, strings_in_several_languages)
{
	const struct ffs_string *s;

	load("strings = ( { lang = 0x0407; product = \"\xc3\x84\"; }, { manufacturer = \"m\"; "
	     "serialnumber = \"\"; } );" FFS(
		     "interfaces = ( { string = \"one\"; }, { string = ( { text "
		     "= \"a\"; }, { lang = \"de-at\"; text = \"b\"; } ); } );"));
	cr_assert_eq(g->n_strings, 2);
	cr_expect_eq(g->strings[0].lang, 0x0407);
	cr_expect_str_eq(g->strings[0].product.value, "\xc3\x84");
	cr_expect_eq(g->strings[1].lang, 0x0409);
	cr_expect_null(g->strings[1].product.value, "a list of strings is taken as it is");
	cr_expect_null(g->strings[1].serialnumber.value, "empty is none");
	s = &g->functions[0].ffs->interfaces[0].string;
	cr_assert_eq(s->n_texts, 1);
	cr_expect_eq(s->texts[0].lang, 0x0409);
	s = &g->functions[0].ffs->interfaces[1].string;
	cr_assert_eq(s->n_texts, 2);
	cr_expect_eq(s->texts[1].lang, 0x0c07);
	cr_expect_str_eq(s->texts[1].text, "b");
}

Test(load, a_string_has_at_most_126_bytes)
{
	char text[256];

	snprintf(text, sizeof(text), "strings = ( { product = \"%0126d\"; } );%s", 0,
		 FFS("interfaces = ( { } );"));
	load(text);
	cr_expect_eq(strlen(g->strings[0].product.value), 126);
}

Test(load, configurations)
{
	const struct config *c;

	load("functions : { a : { ffs : { interfaces = ( { } ); }; }; "
	     "b : { ffs : { interfaces = ( { } ); }; instance = \"bb\"; }; };"
	     "configs = ( { id = 5; name = \"five\"; attrs = { bmAttributes = 0xe0; bMaxPower = "
	     "500; }; "
	     "strings = ( { lang = \"en-gb\"; configuration = \"Five\"; } ); "
	     "functions = ( \"b\", { name = \"first\"; function = \"a\"; } ); }, "
	     "{ functions = [ \"a\" ]; } );");
	cr_assert_eq(g->n_configs, 2);
	c = &g->configs[0];
	cr_expect_eq(c->id, 5);
	cr_expect_str_eq(c->name, "five");
	cr_expect_eq(c->bm_attributes.value, 0xe0);
	cr_expect_eq(c->max_power.value, 500);
	cr_assert_eq(c->n_strings, 1);
	cr_expect_eq(c->strings[0].lang, 0x0809);
	cr_expect_str_eq(c->strings[0].configuration, "Five");
	cr_assert_eq(c->n_functions, 2);
	cr_expect_eq(c->functions[0].function_index, 1);
	cr_expect_str_eq(c->functions[0].name, "ffs.bb");
	cr_expect_str_eq(c->functions[1].name, "first");
	cr_expect_eq(g->configs[1].id, 6);
}

Test(load, warns_about_functions_that_no_host_sees)
{
	load("functions : { a : { ffs : { interfaces = ( { } ); }; }; b : { ffs : { interfaces = ( "
	     "{ } ); "
	     "}; }; }; configs = ( { functions = ( \"a\" ); } );");
	cr_expect(said(DIAG_WARNING, "function 'b' is in no configuration"));
}

Test(load, more_than_500_mA_need_superspeed)
{
	load(FFS("interfaces = ( { } );") "configs = ( { attrs = { bMaxPower = 900; }; functions = "
					  "( "
					  "\"echo\" ); } );");
	cr_expect_eq(d.n_warnings, 1, "only that of the ids");
	unload();
	load(FFS("speeds = [ \"high\" ]; interfaces = ( { } );") "configs = ( { attrs = { "
								 "bMaxPower = 501; "
								 "}; functions = ( \"echo\" ); } "
								 ");");
	cr_expect(said(DIAG_WARNING, "500 mA"));
}

Test(load, the_udc_by_name_or_driver)
{
	load("udc = \"dummy_udc.0\";" FFS("interfaces = ( { } );"));
	cr_expect_str_eq(g->udc.name.value, "dummy_udc.0");
	unload();
	load("udc : { driver = \"dwc3\"; wait = 2.5; };" FFS("interfaces = ( { } );"));
	cr_expect_str_eq(g->udc.driver.value, "dwc3");
	cr_expect_eq(g->udc.wait_seconds, 2.5);
	cr_expect_null(g->udc.name.value);
}

Test(load, endpoints_are_those_of_the_largest_configuration_isochronous_in_any)
{
	struct endpoint_count n;

	load("functions : { a : { type = \"ncm\"; }; b : { type = \"gser\"; };\n"
	     "s : { type = \"uac2\"; }; };\n"
	     "configs = ( { functions = (\"a\", \"b\"); }, { functions = (\"s\"); } );\n");
	n = gadget_endpoint_count(g);
	cr_expect_eq(n.in, 3);
	cr_expect_eq(n.out, 2);
	cr_expect(n.has_isochronous, "the kernel binds the second configuration, too");
	cr_expect(n.is_minimum);
	unload();
	load("functions : { a : { type = \"ncm\"; }; };");
	n = gadget_endpoint_count(g);
	cr_expect_not(n.has_isochronous);
	cr_expect_not(n.is_minimum);
	unload();
}

Test(load, an_ffs_function_of_a_scheme_is_only_created_in_configfs)
{
	load("attrs : { idVendor = 0x1D6B; idProduct = 0x104 };\n"
	     "functions : { ffs_x : { type = \"ffs\" instance = \"x\" } };\n"
	     "configs = ( { id = 1 name = \"The only one\"\n functions = ( { function = \"ffs_x\" "
	     "} ) } )\n");
	cr_expect_null(g->functions[0].ffs);
	cr_expect_str_eq(g->functions[0].instance, "x");
	cr_expect_str_eq(g->configs[0].name, "The only one");
	cr_expect(said(DIAG_NOTE, "only creates it in configfs"));
}

Test(load, the_name_option_overrides_the_file)
{
	const struct gadgetfile_options options = { .overriding_gadget_name = "other" };
	char path[] = "/tmp/ffsctl-test-XXXXXX.conf";
	_cleanup_error_ struct error err = { 0 };
	int fd = mkstemps(path, 5);

	cr_assert_geq(fd, 0);
	dprintf(fd, "name = \"mine\"; strings = ( { serialnumber = { from = \"name\"; }; } );%s\n",
		FFS("interfaces = ( { } );"));
	close(fd);
	gadgetfile_load(path, &options, &g, NULL, &d, &err);
	unlink(path);
	cr_assert_not_null(g);
	cr_expect_str_eq(g->name, "other");
	cr_expect_str_eq(g->functions[0].instance, "other-echo");
	cr_expect_str_eq(g->strings[0].serialnumber.value, "other");
	cr_expect_null(g->strings[0].serialnumber_source.value, "the machine is not asked");
}

/* A gadget that an earlier version has brought up must still load. */
Test(load, a_stored_document_has_no_errors_that_earlier_versions_did_not_have)
{
	_cleanup_error_ struct error err = { 0 };
	json_t *form =
		json_loads("{ \"functions\": { \"a\": { \"type\": \"uac3\" }, \"b\": { \"type\": "
			   "\"hid\", \"attrs\": { \"report_desc\": [ 161, 1 ], "
			   "\"report_length\": 1 } }, \"c\": { \"type\": \"ncm\", "
			   "\"attrs\": { \"dev_addr\": \"02:00:00:00:00:01\", "
			   "\"host_addr\": \"02:00:00:00:00:01\" } } } }",
			   0, NULL);
	char *text = gadgetfile_write(form);

	cr_assert_eq(gadgetfile_load_document(form, "/nonexistent/demo.conf", "x", &g, &err), 0,
		     "%s", err.text);
	cr_expect_eq(g->n_functions, 3);
	unload();
	cr_expect_eq(count_errors(text, strlen(text)), 3);
	json_decref(form);
}

Test(load, unreadable_files_are_errors)
{
	_cleanup_error_ struct error err = { 0 };

	cr_expect_lt(gadgetfile_load("/nonexistent/x.conf", NULL, &g, NULL, &d, &err), 0);
	cr_expect_eq(err.exit, EX_NOINPUT);
	cr_expect_str_eq(err.path, "/nonexistent/x.conf");
	cr_expect_lt(gadgetfile_load("/", NULL, &g, NULL, &d, &err), 0);
	cr_expect_eq(err.exit, EX_NOINPUT);
	cr_expect_eq(d.n, 0);
}

Test(load, the_document_has_the_settings_of_the_file)
{
	const char *text = "a = 0x10; b = [ 1.5 ]; c : { d = \"\xff\"; }; name = \"x\";";
	json_t *form = NULL;

	gadgetfile_load_text("x.conf", text, strlen(text), &g, &form, &d);
	cr_expect_null(g, "a, b and c are unknown");
	cr_assert_not_null(form, "but the syntax was right");
	cr_expect_eq(json_integer_value(json_object_get(form, "a")), 16);
	cr_expect_eq(json_real_value(json_array_get(json_object_get(form, "b"), 0)), 1.5);
	cr_expect_str_eq(json_string_value(json_object_get(json_object_get(form, "c"), "d")),
			 "\xef\xbf\xbd");
	json_decref(form);
}

/* --- the table of keys ---------------------------------------------------------------------------
 */

static void check_rows(const struct key_group *group)
{
	cr_expect_not_null(group->group_name_in_messages);
	cr_expect_not_null(group->doc);
	for (const struct key *k = group->keys; k && k->name; k++) {
		cr_expect(k->types != 0, "%s.%s has no type", group->manual_heading, k->name);
		cr_expect(k->doc && str_has_suffix(k->doc, "."), "%s.%s: no sentence",
			  group->manual_heading, k->name);
		cr_expect(k->set, "%s.%s goes nowhere: it would be ignored", group->manual_heading,
			  k->name);
		cr_expect(!(k->types & TYPE_LIST) || k->item_types, "%s.%s: a list of what?",
			  group->manual_heading, k->name);
		for (const struct key *other = group->keys; other < k; other++)
			cr_expect_str_neq(other->name, k->name, "twice in %s",
					  group->manual_heading);
		if (k->group)
			check_rows(k->group);
	}
	if (group->user_named_key && group->user_named_key->group)
		check_rows(group->user_named_key->group);
}

Test(keys, each_row_is_complete)
{
	check_rows(&gadget_keys);
}

/* The keys of each group in this table: ffsctl-gadget(5) documents them. */
Test(keys, each_documented_key_has_a_row)
{
	static const struct {
		const struct key_group *group;
		const char *keys;
	} cases[] = {
		{ &gadget_keys,
		  "name autostart max_speed udc attrs strings os_descs webusb switch_to "
		  "functions configs" },
		{ &function_keys, "type instance attrs os_descs tree ffs worker" },
		{ &config_keys, "id name attrs strings functions" },
		{ &ffs_keys,
		  "mount rw_proxy device virtual_addr all_ctrl_recip config0_setup speeds "
		  "interfaces associations winusb os_compat os_properties blob" },
		{ &mount_keys, "path uid gid mode rmode fmode no_disconnect mmap_memory_mb" },
		{ &interface_keys, "class subclass protocol string endpoints alternates extra" },
		{ &endpoint_keys,
		  "direction type name address max_packet interval burst mult zlp full "
		  "high super" },
		{ &worker_keys,
		  "plugin options exec opens start blocking io ready start_timeout "
		  "stop_timeout watchdog restart restart_delay restart_max_delay "
		  "restart_limit restart_window on_crash on_failed user groups privileges "
		  "capabilities sandbox allow env directory limits" },
		{ &io_keys, "engine size depth" },
		{ &limits_keys, "memory files cpu" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *keys = xstrdup(cases[i].keys);
		char *save, *key = strtok_r(keys, " ", &save);

		for (; key; key = strtok_r(NULL, " ", &save))
			cr_expect_not_null(key_find(cases[i].group, key), "%s.%s",
					   cases[i].group->manual_heading, key);
	}
}

Test(load, a_hint_belongs_to_the_message_before_it)
{
	const struct position at = { "x.conf", 0, 0 };
	char line[16];

	diags_add_at_position(&d, DIAG_WARNING, &at, "last");
	diags_add_at_position(&d, DIAG_WARNING, &at, "the next");
	diags_hint(&d, "of the next");
	cr_expect_str_eq(d.list[1].hint, "of the next");
	cr_expect_null(d.list[0].hint);
	for (int i = 0; i < DIAG_MAX_ERRORS + 2; i++) {
		snprintf(line, sizeof(line), "%d", i);
		diags_add_at_position(&d, DIAG_ERROR, &at, "%s", line);
		diags_hint(&d, "%s", line);
	}
	cr_expect_eq(d.n_errors, DIAG_MAX_ERRORS + 1);
	for (size_t i = 0; i < d.n; i++)
		if (d.list[i].severity == DIAG_ERROR && d.list[i].hint)
			cr_expect_str_eq(d.list[i].hint, d.list[i].text);
}
