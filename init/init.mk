# SPDX-License-Identifier: GPL-2.0-or-later
# Units are installed where configure is told to: --with-systemdsystemunitdir=DIR.
if HAVE_SYSTEMD
systemdsystemunit_DATA = init/ffsctl@.service
endif
CLEANFILES += init/ffsctl@.service

init/ffsctl@.service: $(srcdir)/init/ffsctl@.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) init && sed 's|@bindir[@]|$(bindir)|' $(srcdir)/init/ffsctl@.service.in >$@.new && mv $@.new $@
