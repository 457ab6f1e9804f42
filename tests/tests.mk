# SPDX-License-Identifier: GPL-2.0-or-later
# `make check`: unit tests and command line tests, all speaking TAP. What needs a
# kernel runs in the lab: lab/test.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
PY_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_COMPILER = $(PYTHON3)
TEST_EXTENSIONS = .py
LOG_COMPILER = $(top_srcdir)/tests/unit/tap
AM_TESTS_ENVIRONMENT = \
	FFSCTL_SRC='$(abs_top_srcdir)'; export FFSCTL_SRC; \
	FFSCTL_BUILD='$(abs_top_builddir)'; export FFSCTL_BUILD; \
	CC='$(CC)'; export CC;

UNIT_TESTS =

# Criterion, or where there is none our own runner, which knows as much of it as the tests use
if HAVE_CRITERION
UNIT_CFLAGS = $(CRITERION_CFLAGS)
UNIT_LIBS = $(CRITERION_LIBS)
else
check_LIBRARIES = tests/unit/runner/librunner.a
tests_unit_runner_librunner_a_SOURCES = tests/unit/runner/runner.c
tests_unit_runner_librunner_a_CPPFLAGS = $(AM_CPPFLAGS) $(UNIT_CFLAGS)
UNIT_CFLAGS = -I$(top_srcdir)/tests/unit/runner
UNIT_LIBS = tests/unit/runner/librunner.a
endif

# base, plan, ffs: what is below a gadget's life.
UNIT_TESTS += tests/unit/base/test_base tests/unit/configfs/test_bind_kernel_log tests/unit/blob/test_encode tests/unit/plan/test_plan
UNIT_TESTS += tests/unit/plan/test_difference
tests_unit_base_test_base_SOURCES = tests/unit/base/test_base.c tests/unit/base/test_kernel_series.c \
	tests/unit/base/test_option_table.c
tests_unit_base_test_base_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_base_test_base_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_configfs_test_bind_kernel_log_SOURCES = tests/unit/configfs/test_bind_kernel_log.c
tests_unit_configfs_test_bind_kernel_log_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_configfs_test_bind_kernel_log_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
UNIT_TESTS += tests/unit/configfs/test_host_messages
tests_unit_configfs_test_host_messages_SOURCES = tests/unit/configfs/test_host_messages.c
tests_unit_configfs_test_host_messages_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_configfs_test_host_messages_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_blob_test_encode_SOURCES = tests/unit/blob/test_encode.c
tests_unit_blob_test_encode_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_blob_test_encode_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_plan_test_difference_SOURCES = tests/unit/plan/test_difference.c tests/unit/rounds.h
tests_unit_plan_test_difference_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_plan_test_difference_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_plan_test_plan_SOURCES = tests/unit/plan/test_plan.c
tests_unit_plan_test_plan_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_plan_test_plan_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)

# The validator of blobs: a table by hand, and everything that the generator makes.
BLOB_HEX_SOURCES = tests/unit/blob/hex.c tests/unit/blob/hex.h
UNIT_TESTS += tests/unit/blob/test_check tests/unit/blob/test_validate tests/unit/blob/test_validate_usb
UNIT_TESTS += tests/unit/blob/test_flags tests/unit/functionfs/test_features
tests_unit_blob_test_flags_SOURCES = tests/unit/blob/test_flags.c
tests_unit_blob_test_flags_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_blob_test_flags_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_functionfs_test_features_SOURCES = tests/unit/functionfs/test_features.c
tests_unit_functionfs_test_features_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_functionfs_test_features_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_blob_test_check_SOURCES = tests/unit/blob/test_check.c $(BLOB_HEX_SOURCES)
tests_unit_blob_test_check_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_blob_test_check_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_blob_test_validate_SOURCES = tests/unit/blob/test_validate.c $(BLOB_HEX_SOURCES)
tests_unit_blob_test_validate_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_blob_test_validate_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_blob_test_validate_usb_SOURCES = tests/unit/blob/test_validate_usb.c $(BLOB_HEX_SOURCES)
tests_unit_blob_test_validate_usb_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_blob_test_validate_usb_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)

BLOBS_SOURCES = tests/fuzz/blobs.c tests/fuzz/blobs.h tests/fuzz/blobs_parts.h \
	tests/fuzz/blobs_descs.c tests/fuzz/blobs_mutate.c tests/fuzz/blobs_plan.c \
	tests/fuzz/blobs_text.c
BLOB_CHECK_SOURCES = tests/fuzz/blob_check.c tests/fuzz/blob_check.h
UNIT_TESTS += tests/unit/blob/test_validate_blobs
tests_unit_blob_test_validate_blobs_SOURCES = tests/unit/blob/test_validate_blobs.c tests/unit/rounds.h $(BLOBS_SOURCES) \
	$(BLOB_CHECK_SOURCES)
tests_unit_blob_test_validate_blobs_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_blob_test_validate_blobs_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)

# Report descriptors of HID: by hand, and generated ones. The comparison with the kernel is for the lab
# (tests/lab/hid/test_reports.py).
HID_REPORTS_SOURCES = tests/fuzz/hid_reports.c tests/fuzz/hid_reports.h tests/fuzz/blobs.h tests/fuzz/blobs_mutate.c
UNIT_TESTS += tests/unit/hid/test_check_report
tests_unit_hid_test_check_report_SOURCES = tests/unit/hid/test_check_report.c $(HID_REPORTS_SOURCES)
tests_unit_hid_test_check_report_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_hid_test_check_report_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
noinst_PROGRAMS += tests/lab/hid/uhid_diff
tests_lab_hid_uhid_diff_SOURCES = tests/lab/hid/uhid_diff.c $(HID_REPORTS_SOURCES)
tests_lab_hid_uhid_diff_LDADD = libffsctl.a

# The comparison with the kernel, for the lab (tests/lab/blob/test_validate.py).
noinst_PROGRAMS += tests/lab/blob/validate_diff
tests_lab_blob_validate_diff_SOURCES = tests/lab/blob/validate_diff.c $(BLOBS_SOURCES)
tests_lab_blob_validate_diff_LDADD = libffsctl.a

# The host's side of an echo, with disturbances (tests/lab/stream/test_storm.py), and a host that means harm
# (tests/lab/system/test_hostile.py).
noinst_PROGRAMS += tests/lab/hosts/storm tests/lab/hosts/hostile
USBFS_SOURCES = tests/lab/hosts/usbfs.c tests/lab/hosts/usbfs.h
tests_lab_hosts_storm_SOURCES = tests/lab/hosts/storm.c tests/lab/hosts/storm.h tests/lab/hosts/storm_device.c \
	tests/lab/hosts/storm_flow.c $(USBFS_SOURCES)
tests_lab_hosts_storm_LDADD = libffsctl.a
tests_lab_hosts_hostile_SOURCES = tests/lab/hosts/hostile.c tests/lab/hosts/hostile.h tests/lab/hosts/hostile_check.c \
	tests/lab/hosts/hostile_setup.c $(USBFS_SOURCES)
tests_lab_hosts_hostile_LDADD = libffsctl.a

# A worker that does what its arguments say. It starts a thousand times: without sanitizers.
noinst_PROGRAMS += tests/lab/workers/odd_worker
tests_lab_workers_odd_worker_SOURCES = tests/lab/workers/odd_worker.c
tests_lab_workers_odd_worker_CFLAGS = $(WARN_CFLAGS) $(JANSSON_CFLAGS)
tests_lab_workers_odd_worker_LDFLAGS = -Wl,-O1,--hash-style=gnu,-z,noseparate-code
tests_lab_workers_odd_worker_LDADD = $(JANSSON_LIBS)

# gadgetfile.
UNIT_TESTS += tests/unit/gadgetfile/test_descriptors tests/unit/gadgetfile/test_load tests/unit/gadgetfile/test_scan
UNIT_TESTS += tests/unit/gadgetfile/test_text tests/unit/gadgetfile/test_drop_in tests/unit/gadgetfile/test_find
UNIT_TESTS += tests/unit/gadgetfile/test_libconfig tests/unit/gadgetfile/test_forms
UNIT_TESTS += tests/unit/gadgetfile/test_libconfig
UNIT_TESTS += tests/unit/configfs/test_serial_number tests/unit/configfs/test_udc_driver_table
tests_unit_gadgetfile_test_drop_in_SOURCES = tests/unit/gadgetfile/test_drop_in.c
tests_unit_gadgetfile_test_drop_in_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_gadgetfile_test_drop_in_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_gadgetfile_test_find_SOURCES = tests/unit/gadgetfile/test_find.c
tests_unit_gadgetfile_test_find_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_gadgetfile_test_find_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_configfs_test_udc_driver_table_SOURCES = tests/unit/configfs/test_udc_driver_table.c
tests_unit_configfs_test_udc_driver_table_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_configfs_test_udc_driver_table_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_configfs_test_serial_number_SOURCES = tests/unit/configfs/test_serial_number.c
tests_unit_configfs_test_serial_number_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_configfs_test_serial_number_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_gadgetfile_test_descriptors_SOURCES = tests/unit/gadgetfile/test_descriptors.c tests/unit/gadgetfile/text.h
tests_unit_gadgetfile_test_descriptors_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_gadgetfile_test_descriptors_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_gadgetfile_test_forms_SOURCES = tests/unit/gadgetfile/test_forms.c tests/unit/gadgetfile/text.h
tests_unit_gadgetfile_test_forms_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_gadgetfile_test_forms_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_gadgetfile_test_load_SOURCES = tests/unit/gadgetfile/test_load.c tests/unit/gadgetfile/text.h
tests_unit_gadgetfile_test_load_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_gadgetfile_test_load_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_gadgetfile_test_scan_SOURCES = tests/unit/gadgetfile/test_scan.c
tests_unit_gadgetfile_test_scan_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_gadgetfile_test_scan_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_gadgetfile_test_libconfig_SOURCES = tests/unit/gadgetfile/test_libconfig.c
tests_unit_gadgetfile_test_libconfig_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_gadgetfile_test_libconfig_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_gadgetfile_test_text_SOURCES = tests/unit/gadgetfile/test_text.c
tests_unit_gadgetfile_test_text_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_gadgetfile_test_text_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
TESTS += tests/cli/test_abi.py tests/cli/test_bad_files.py tests/cli/test_check.py tests/cli/test_generated.py \
	tests/cli/test_doctor.py tests/cli/test_documents.py tests/cli/test_hostile.py tests/cli/test_house.py tests/cli/test_messages.py \
	tests/cli/test_runner.py \
	tests/cli/test_python_worker.py tests/cli/test_reference.py tests/cli/test_schemes.py \
	tests/cli/test_hints.py tests/cli/test_lint.py \
	tests/cli/test_kernel_answers.py tests/cli/test_kernel_limits.py \
	tests/cli/test_unpredicted.py \
	tests/cli/test_warnings.py

# They compare packages with what is installed.
if WHOLE
TESTS += tests/cli/test_recipes.py
endif

# The front end. (test_examples_check.py and test_manual.py need more than make check does.)
TESTS += tests/cli/test_cli.py tests/cli/test_completion.py tests/cli/test_drop_ins.py tests/cli/test_plans.py \
	tests/cli/test_files.py tests/cli/test_log.py
UNIT_TESTS += tests/unit/cmd/test_status_watch
tests_unit_cmd_test_status_watch_SOURCES = tests/unit/cmd/test_status_watch.c
tests_unit_cmd_test_status_watch_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_cmd_test_status_watch_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
UNIT_TESTS += tests/unit/cmd/test_selftest_text
tests_unit_cmd_test_selftest_text_SOURCES = tests/unit/cmd/test_selftest_text.c
tests_unit_cmd_test_selftest_text_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_cmd_test_selftest_text_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)

# Writes generated gadget files, for tests/cli/test_plans.py and the lab.
GADGET_FILES_SOURCES = tests/fuzz/gadget_files.h tests/fuzz/gadget_files.c tests/fuzz/gadget_file_values.c \
	tests/fuzz/gadget_file_texts.c tests/fuzz/blobs.h tests/fuzz/blobs_mutate.c
noinst_PROGRAMS += tests/fuzz/write_gadget_files
tests_fuzz_write_gadget_files_SOURCES = tests/fuzz/write_gadget_files.c $(GADGET_FILES_SOURCES)
tests_fuzz_write_gadget_files_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_write_gadget_files_LDADD = $(FFSCTL_LIBS)

# Fuzz targets: with --enable-fuzzers for libFuzzer, else a program that runs the corpus and what it
# makes of it.
check_PROGRAMS += tests/fuzz/fuzz_gadgetfile
NULL_STREAM_SOURCES = tests/fuzz/null_stream.c tests/fuzz/null_stream.h
tests_fuzz_fuzz_gadgetfile_SOURCES = tests/fuzz/fuzz_gadgetfile.c tests/fuzz/fuzz_options.c \
	$(NULL_STREAM_SOURCES)
tests_fuzz_fuzz_gadgetfile_CFLAGS = $(AM_CFLAGS) $(LIBCONFIG_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_gadgetfile_LDADD = $(FFSCTL_LIBS)
check_PROGRAMS += tests/fuzz/fuzz_blob
tests_fuzz_fuzz_blob_SOURCES = tests/fuzz/fuzz_blob.c tests/fuzz/fuzz_options.c \
	$(BLOBS_SOURCES) $(BLOB_CHECK_SOURCES)
tests_fuzz_fuzz_blob_LDADD = libffsctl.a
# Beside sources that it takes into its own, with doubles of what they call
check_PROGRAMS += tests/fuzz/fuzz_control
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c tests/fuzz/control.h \
	tests/fuzz/control_commands.c tests/fuzz/control_keeper.c tests/fuzz/control_supervisor.c \
	tests/fuzz/control_worker.c tests/fuzz/fuzz_options.c
tests_fuzz_fuzz_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_control_LDADD = $(FFSCTL_LIBS)
check_PROGRAMS += tests/fuzz/fuzz_hid
tests_fuzz_fuzz_hid_SOURCES = tests/fuzz/fuzz_hid.c tests/fuzz/fuzz_options.c $(HID_REPORTS_SOURCES) \
	$(NULL_STREAM_SOURCES)
tests_fuzz_fuzz_hid_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_hid_LDADD = $(FFSCTL_LIBS)
check_PROGRAMS += tests/fuzz/fuzz_trace
tests_fuzz_fuzz_trace_SOURCES = tests/fuzz/fuzz_trace.c tests/fuzz/fuzz_options.c $(NULL_STREAM_SOURCES)
tests_fuzz_fuzz_trace_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_trace_LDADD = $(FFSCTL_LIBS)
check_PROGRAMS += tests/fuzz/fuzz_plan
tests_fuzz_fuzz_plan_SOURCES = tests/fuzz/fuzz_plan.c tests/fuzz/fuzz_options.c $(GADGET_FILES_SOURCES) \
	$(NULL_STREAM_SOURCES)
tests_fuzz_fuzz_plan_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SOURCES='"$(abs_top_srcdir)"'
tests_fuzz_fuzz_plan_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_plan_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=plugin_path_find
tests_fuzz_fuzz_plan_LDADD = $(FFSCTL_LIBS)
if FUZZERS
tests_fuzz_fuzz_plan_LDFLAGS += -fsanitize=fuzzer
tests_fuzz_fuzz_control_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_gadgetfile_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_blob_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_hid_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_trace_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN_SOURCES = tests/fuzz/fuzz_main.c tests/fuzz/fuzz_main.h tests/fuzz/fuzz_make.c
tests_fuzz_fuzz_control_SOURCES += $(FUZZ_MAIN_SOURCES) tests/fuzz/blobs.h tests/fuzz/blobs_mutate.c
tests_fuzz_fuzz_gadgetfile_SOURCES += $(FUZZ_MAIN_SOURCES) tests/fuzz/blobs.h tests/fuzz/blobs_mutate.c
tests_fuzz_fuzz_blob_SOURCES += $(FUZZ_MAIN_SOURCES)
tests_fuzz_fuzz_hid_SOURCES += $(FUZZ_MAIN_SOURCES)
tests_fuzz_fuzz_trace_SOURCES += $(FUZZ_MAIN_SOURCES) tests/fuzz/blobs.h tests/fuzz/blobs_mutate.c
tests_fuzz_fuzz_plan_SOURCES += $(FUZZ_MAIN_SOURCES)
TESTS += tests/fuzz/test_corpus.py tests/fuzz/test_corpus_control.py \
	tests/fuzz/test_corpus_blob.py tests/fuzz/test_corpus_hid.py tests/fuzz/test_corpus_plan.py \
	tests/fuzz/test_corpus_trace.py
endif

# configfs: from configfs to a gadget file, and what the kernel has made of values.
UNIT_TESTS += tests/unit/configfs/test_backend tests/unit/configfs/test_configfs tests/unit/export/test_export
tests_unit_configfs_test_backend_SOURCES = tests/unit/configfs/test_backend.c
tests_unit_configfs_test_backend_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_configfs_test_backend_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_configfs_test_configfs_SOURCES = tests/unit/configfs/test_configfs.c
tests_unit_configfs_test_configfs_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_configfs_test_configfs_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_export_test_export_SOURCES = tests/unit/export/test_export.c
tests_unit_export_test_export_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_export_test_export_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)

# descriptors: what a host will see.
UNIT_TESTS += tests/unit/predict/test_predict
tests_unit_predict_test_predict_SOURCES = tests/unit/predict/test_predict.c
tests_unit_predict_test_predict_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_predict_test_predict_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
UNIT_TESTS += tests/unit/predict/test_endpoint_needs
tests_unit_predict_test_endpoint_needs_SOURCES = tests/unit/predict/test_endpoint_needs.c
tests_unit_predict_test_endpoint_needs_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_predict_test_endpoint_needs_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
UNIT_TESTS += tests/unit/trace/test_trace
tests_unit_trace_test_trace_SOURCES = tests/unit/trace/test_trace.c
tests_unit_trace_test_trace_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_trace_test_trace_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)

# process: what a process of ours is started with.
UNIT_TESTS += tests/unit/process/test_worker_uid
tests_unit_process_test_worker_uid_SOURCES = tests/unit/process/test_worker_uid.c
tests_unit_process_test_worker_uid_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_process_test_worker_uid_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
UNIT_TESTS += tests/unit/process/test_spawn
tests_unit_process_test_spawn_SOURCES = tests/unit/process/test_spawn.c
tests_unit_process_test_spawn_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_process_test_spawn_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/process/test_worker_processes
tests_unit_process_test_worker_processes_SOURCES = tests/unit/process/test_worker_processes.c
tests_unit_process_test_worker_processes_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_process_test_worker_processes_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
TESTS += tests/cli/test_32_bits.py

# function: a worker's life, without its processes.
UNIT_TESTS += tests/unit/rundir/test_control tests/unit/supervisor/test_host tests/unit/functionfs/test_keeper \
	tests/unit/rundir/test_rundir tests/unit/rundir/test_status tests/unit/function/test_worker
tests_unit_rundir_test_control_SOURCES = tests/unit/rundir/test_control.c
tests_unit_rundir_test_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_rundir_test_control_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_supervisor_test_host_SOURCES = tests/unit/supervisor/test_host.c
tests_unit_supervisor_test_host_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_supervisor_test_host_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
UNIT_TESTS += tests/unit/supervisor/test_status_word
tests_unit_supervisor_test_status_word_SOURCES = tests/unit/supervisor/test_status_word.c
tests_unit_supervisor_test_status_word_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_supervisor_test_status_word_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_functionfs_test_keeper_SOURCES = tests/unit/functionfs/test_keeper.c
tests_unit_functionfs_test_keeper_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_functionfs_test_keeper_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_rundir_test_rundir_SOURCES = tests/unit/rundir/test_rundir.c
tests_unit_rundir_test_rundir_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_rundir_test_rundir_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_rundir_test_status_SOURCES = tests/unit/rundir/test_status.c
tests_unit_rundir_test_status_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_rundir_test_status_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
UNIT_TESTS += tests/unit/function/test_launch_digest
tests_unit_function_test_launch_digest_SOURCES = tests/unit/function/test_launch_digest.c
tests_unit_function_test_launch_digest_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_function_test_launch_digest_LDADD = $(FFSCTL_LIBS) $(UNIT_LIBS)
tests_unit_function_test_worker_SOURCES = tests/unit/function/test_worker.c
tests_unit_function_test_worker_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
tests_unit_function_test_worker_LDADD = libffsctl.a $(JANSSON_LIBS) $(UNIT_LIBS)

# stream, worker, host: the data path.
UNIT_TESTS += tests/unit/ffsbench/test_bench tests/unit/plugin-host/test_plugin_host tests/unit/stream/test_stream
tests_unit_ffsbench_test_bench_SOURCES = tests/unit/ffsbench/test_bench.c src/ffsbench/args.c src/ffsbench/pattern.c \
	src/ffsbench/plot.c src/ffsbench/stats.c
tests_unit_ffsbench_test_bench_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_ffsbench_test_bench_LDADD = libffsctl.a $(UNIT_LIBS) -lm
if HAVE_LIBUSB
UNIT_TESTS += tests/unit/ffsbench/test_bench_rows
tests_unit_ffsbench_test_bench_rows_SOURCES = tests/unit/ffsbench/test_bench_rows.c src/ffsbench/args.c src/ffsbench/bench.c \
	src/ffsbench/chart.c src/ffsbench/device.c src/ffsbench/plot.c src/ffsbench/progress.c src/ffsbench/result_row.c \
	src/ffsbench/stats.c src/ffsbench/timing.c
tests_unit_ffsbench_test_bench_rows_CFLAGS = $(AM_CFLAGS) $(LIBUSB_CFLAGS) $(JANSSON_CFLAGS) \
	$(UNIT_CFLAGS)
tests_unit_ffsbench_test_bench_rows_LDADD = libffsctl.a $(LIBUSB_LIBS) $(JANSSON_LIBS) $(UNIT_LIBS) -lm
UNIT_TESTS += tests/unit/ffsbench/test_bench_device
tests_unit_ffsbench_test_bench_device_SOURCES = tests/unit/ffsbench/test_bench_device.c src/ffsbench/device.c src/ffsbench/timing.c
tests_unit_ffsbench_test_bench_device_CFLAGS = $(AM_CFLAGS) $(LIBUSB_CFLAGS) $(UNIT_CFLAGS)
tests_unit_ffsbench_test_bench_device_LDADD = libffsctl.a $(UNIT_LIBS)
TESTS += tests/cli/test_ffsbench.py
endif
tests_unit_stream_test_stream_SOURCES = tests/unit/stream/test_stream.c tests/unit/stream/recorder.h
tests_unit_stream_test_stream_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_stream_test_stream_LDADD = libstream.a $(UNIT_LIBS)
UNIT_TESTS += tests/unit/stream/test_stream_kernel
tests_unit_stream_test_stream_kernel_SOURCES = tests/unit/stream/test_stream_kernel.c tests/unit/stream/recorder.h \
	src/stream/libffsctl_stream.c
tests_unit_stream_test_stream_kernel_CFLAGS = $(AM_CFLAGS) $(UNIT_CFLAGS)
tests_unit_stream_test_stream_kernel_LDADD = libstream.a $(AIO_LIBS) $(UNIT_LIBS)
tests_unit_plugin_host_test_plugin_host_SOURCES = tests/unit/plugin-host/test_plugin_host.c src/plugin-host/control_socket.c \
	src/plugin-host/options.c src/plugin-host/plugin_calls.c src/plugin-host/plugin_host.c src/plugin-host/watches.c \
	src/plugin-host/worker_config.c
tests_unit_plugin_host_test_plugin_host_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(UNIT_CFLAGS)
TESTS += tests/cli/test_plugins.py tests/cli/test_stream_library.py
tests_unit_plugin_host_test_plugin_host_LDADD = libstream.a libffsctl.a $(WORKER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
