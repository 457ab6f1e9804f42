# SPDX-License-Identifier: GPL-2.0-or-later
# `make lint`: what programs find that read the source. Each prints nothing if it finds nothing, and fails otherwise.
# LINT_SOURCES="FILE.c ..." checks only these files. lab/test --all runs it (tests/cli/test_lint.py).
#
# What is switched off, and why: .clang-tidy, and below. gcc -fanalyzer is not run: that of gcc 12 does not see what functions
# in other files promise, and in 20 places reported what cannot happen.
lint_sources = { test -n "$(LINT_SOURCES)" && echo $(LINT_SOURCES) || find $(srcdir)/src -name '*.c'; }
lint_formatted = { test -n "$(LINT_SOURCES)" && echo $(LINT_SOURCES) || \
	find $(srcdir)/src $(srcdir)/include $(srcdir)/examples $(srcdir)/tests -name '*.[ch]' ! -name criterion.h; }
lint_flags = $(DEFS) -I. $(AM_CPPFLAGS) $(CPPFLAGS) $(LIBCONFIG_CFLAGS) $(LIBUSBGX_CFLAGS) $(JANSSON_CFLAGS) \
	$(LIBUSB_CFLAGS) -DFFSCTL_SYSCONFDIR='""' -DFFSCTL_DATADIR='""' -DFFSCTL_BINDIR='""' -DFFSCTL_LIBEXECDIR='""' \
	-DFFSCTL_PLUGINDIR='""'
# internalAstError, unknownMacro: cppcheck cannot parse statement expressions, as in steal_ptr(), and json_array_foreach().
# selfAssignment: `a = b ?: a`. preprocessorErrorDirective: it tries combinations of macros that no compiler has.
cppcheck_off = internalAstError unknownMacro selfAssignment preprocessorErrorDirective

CLEANFILES += compile_flags.txt

lint: lint-format lint-tidy lint-cppcheck

lint-format:
	@$(lint_formatted) | xargs clang-format --style=file:$(srcdir)/.clang-format --dry-run -Werror

lint-tidy:
	@printf '%s\n' $(lint_flags) >compile_flags.txt
	@$(lint_sources) | xargs -n 8 -P "$$(nproc)" clang-tidy --quiet \
		--config-file=$(srcdir)/.clang-tidy -p . 2>/dev/null

lint-cppcheck:
	@$(lint_sources) | xargs cppcheck --quiet --enable=warning,portability --error-exitcode=1 -j "$$(nproc)" -I$(srcdir)/src \
		-I$(srcdir)/include -I. $(cppcheck_off:%=--suppress=%)

.PHONY: lint lint-format lint-tidy lint-cppcheck
