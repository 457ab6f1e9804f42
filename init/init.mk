# SPDX-License-Identifier: GPL-2.0-or-later
# --with-systemdsystemunitdir=DIR sets the directory of systemd's units. The files for other service
# managers are installed as data, for users to copy.
init_scripts = init/s6/run init/runit/run init/runit/check init/openrc/ffsctl init/sysvinit/ffsctl \
	init/procd/ffsctl
init_data = init/dinit/ffsctl-loopback
init_files = $(init_scripts) $(init_data)
nobase_pkgdata_SCRIPTS = $(init_scripts)
nobase_nodist_pkgdata_DATA = $(init_data)
nobase_dist_pkgdata_SCRIPTS = init/s6/finish init/runit/finish
nobase_dist_pkgdata_DATA = init/README.md init/s6/notification-fd
if HAVE_SYSTEMD
systemdsystemunit_DATA = init/ffsctl@.service
else
noinst_DATA = init/ffsctl@.service
endif
CLEANFILES += init/ffsctl@.service $(init_files)

# Files that begin with "#!" are programs.
init/ffsctl@.service $(init_files): $(srcdir)/init/ffsctl@.service.in $(init_files:=.in) Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed 's|@bindir[@]|$(bindir)|' $(srcdir)/$@.in >$@.new && \
	{ ! grep -q '^#!' $@.new || chmod +x $@.new; } && mv $@.new $@
