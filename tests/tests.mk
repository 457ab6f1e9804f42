# SPDX-License-Identifier: GPL-2.0-or-later
# `make check`: unit tests (Criterion) and command line tests, all speaking TAP. What needs a
# kernel runs in the lab: lab/test.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
PY_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_COMPILER = $(PYTHON3)
TEST_EXTENSIONS = .py
LOG_COMPILER = $(top_srcdir)/tests/unit/tap
AM_TESTS_ENVIRONMENT = \
	FFSCTL_SRC='$(abs_top_srcdir)'; export FFSCTL_SRC; \
	FFSCTL_BUILD='$(abs_top_builddir)'; export FFSCTL_BUILD;

UNIT_TESTS =
if HAVE_CRITERION
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
