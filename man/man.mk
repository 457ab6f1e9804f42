# SPDX-License-Identifier: GPL-2.0-or-later
# The pages of other rooms are listed in their fragments.
manual_pages += man/ffsctl.8

# The sources of the pages have the usual directories; installed pages have those of this build.
install_hooks += install-manual-paths
install-manual-paths:
	for page in $(dist_man_MANS); do \
		page="$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}" && \
		sed -e 's,/usr/bin/ffsctl,$(bindir)/ffsctl,g' \
			-e 's,/usr/share/doc/ffsctl,$(docdir),g' \
			-e 's,/usr/share/ffsctl,$(pkgdatadir),g' \
			-e 's,/usr/share/bash-completion/completions,$(bashcompletiondir),g' \
			-e 's,/usr/share/zsh/site-functions,$(zshcompletiondir),g' \
			-e 's,/usr/share/fish/vendor_completions.d,$(fishcompletiondir),g' \
			-e 's,/etc/ffsctl,$(sysconfdir)/ffsctl,g' "$$page" >"$$page.new" && \
		chmod 644 "$$page.new" && mv "$$page.new" "$$page" || exit; \
	done
