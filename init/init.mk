# SPDX-License-Identifier: GPL-2.0-or-later
# Files for service managers: each is made of the file with its name and ".in". Those below are
# installed as data, for users to copy. The unit for systemd is installed in the directory that configure
# finds, or that --with-systemdsystemunitdir=DIR sets.

# Files that begin with "#!", which are executable.
init_scripts = \
	init/openrc/ffsctl \
	init/procd/ffsctl \
	init/runit/check init/runit/finish init/runit/run \
	init/s6/finish init/s6/run \
	init/sysvinit/ffsctl

init_data = \
	init/dinit/ffsctl-loopback \
	init/s6/notification-fd

init_files = $(init_scripts) $(init_data)
nobase_pkgdata_SCRIPTS = $(init_scripts)
nobase_nodist_pkgdata_DATA = $(init_data)
if DOCS
nobase_dist_pkgdata_DATA = init/README.md
endif
if HAVE_SYSTEMD
systemdsystemunit_DATA = init/ffsctl@.service
else
noinst_DATA = init/ffsctl@.service
endif
CLEANFILES += init/ffsctl@.service $(init_files)

init/ffsctl@.service $(init_files): $(srcdir)/init/ffsctl@.service.in $(init_files:=.in) Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed 's|@bindir[@]|$(bindir)|' $(srcdir)/$@.in >$@.new && \
	{ ! grep -q '^#!' $@.new || chmod +x $@.new; } && mv $@.new $@
