// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads gadget files and included files, and makes the expanded text for libconfig. libconfig must
 * never process an @include itself: it exits the process if that names a directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/trust.h"
#include "gadgetfile/syntax/lex.h"

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static struct gadgetfile_source *add_source(struct scan *s, const char *path, char *text,
					    size_t size)
{
	struct gadgetfile_source *source = xcalloc(1, sizeof(*source));

	*array_add(s->sources, s->n_sources) = source;
	source->path = xstrdup(path);
	source->dir = directory_of(path);
	source->text = text;
	source->size = size;
	return source;
}

struct gadgetfile_source *gadgetfile_source_add(struct scan *s, const char *path, const char *text,
						size_t size)
{
	char *copy = xcalloc(size + 1, 1);

	memcpy(copy, text, size);
	return add_source(s, path, copy, size);
}

/*
 * Returns the initial size of the buffer: the size of a regular file, and one byte to detect the
 * end of the file.
 */
static size_t first_capacity(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size < 16 * 1024 || st.st_size > GADGETFILE_MAX_SIZE)
		return 16 * 1024;
	return (size_t)st.st_size + 1;
}

/* Reads at most one byte more than GADGETFILE_MAX_SIZE; the file may grow meanwhile. */
static int read_all(int fd, char **text, size_t *size)
{
	size_t n = 0, capacity = first_capacity(fd);
	_cleanup_free_ char *buffer = xreallocarray(NULL, capacity + 1, 1);

	memory_fault_in(buffer, capacity);
	for (;;) {
		ssize_t got;

		if (n == capacity) {
			capacity *= 2;
			buffer = xreallocarray(buffer, capacity + 1, 1);
		}
		got = read(fd, buffer + n, capacity - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0 || (n += (size_t)got) > GADGETFILE_MAX_SIZE)
			break;
	}
	buffer[n] = '\0';
	*text = steal_ptr(buffer);
	*size = n;
	return 0;
}

static int exit_code(int e)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
		return EX_NOINPUT;
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	default:
		return EX_IOERR;
	}
}

/*
 * Opens a file and checks who can write it. Returns a file descriptor, or a negative errno. Sets
 * *why to the reason if the file is not trusted, else to NULL; the caller frees *why.
 */
static int open_trusted(const struct scan *s, const char *path, int flags, char **why)
{
	_cleanup_close_ int found = -1;
	char same[32];
	int fd, r;

	*why = NULL;
	flags |= O_RDONLY | O_CLOEXEC | O_NOCTTY;
	if (s->trust == GADGETFILE_TRUST_ALL || geteuid() != 0) {
		fd = open(path, flags);
		return fd < 0 ? -errno : fd;
	}
	r = trust_open(path, s->trust == GADGETFILE_TRUST_ROOT ? TRUST_ROOT : TRUST_OWNER, &found,
		       why);
	if (r < 0 || *why)
		return r < 0 ? r : -EPERM;
	/* Opens the file that was checked: the name may refer to another one by now. */
	snprintf(same, sizeof(same), "/proc/self/fd/%d", found);
	fd = open(same, flags);
	return fd < 0 ? -errno : fd;
}

int gadgetfile_source_open(struct scan *s, const char *path, struct error *err)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_close_ int fd = open_trusted(s, path, 0, &why);
	char *text;
	size_t size;
	int r;

	if (why)
		return trust_refuse(path, why, err);
	if (fd < 0)
		return error_errno(err, exit_code(-fd), -fd, path, "cannot open %s", path);
	r = read_all(fd, &text, &size);
	if (r == -EISDIR) {
		error_set(err, EX_NOINPUT, EISDIR, path, "%s is a directory", path);
		return error_hint(err, "name a gadget file in it");
	}
	if (r < 0)
		return error_errno(err, exit_code(-r), -r, path, "cannot read %s", path);
	add_source(s, path, text, size);
	return 0;
}

bool gadgetfile_source_check(struct scan *s, const struct gadgetfile_source *source)
{
	struct cursor c = { .source = source, .line = 1, .column = 1 };
	const char *nul;
	struct text_range at;

	if (source->size > GADGETFILE_MAX_SIZE) {
		at = (struct text_range){ .source = source };
		scan_stricter_error(s, &at, "the file is larger than 1 MiB");
		return false;
	}
	nul = memchr(source->text, '\0', source->size);
	if (nul) {
		cursor_advance(&c, (size_t)(nul - source->text));
		at = cursor_range(s, &c, 1);
		scan_stricter_error(s, &at, "a NUL byte: this is not a text file");
		return false;
	}
	if (str_has_prefix(source->text, "\xef\xbb\xbf")) {
		at = cursor_range(s, &c, 3);
		diag_error(s->diags, &at, "the file starts with a byte order mark");
		diags_hint(s->diags, "save it as UTF-8 without one");
		return false;
	}
	return true;
}

/*
 * Returns whether the file is below the gadget file's directory. Root may load a gadget file from a
 * user's directory; messages show lines of included files, so a file outside that directory is only
 * read if it belongs to root.
 */
static bool is_below(const struct gadgetfile_source *main_file, int fd)
{
	_cleanup_free_ char *path = fd_path(fd), *dir = realpath(main_file->dir, NULL);
	size_t n;

	if (!path || !dir)
		return false;
	n = strlen(dir);
	return streq(dir, "/") || (str_has_prefix(path, dir) && path[n] == '/');
}

static bool same_file(const struct gadgetfile_source *source, const struct stat *st)
{
	struct stat other;

	return stat(source->path, &other) == 0 && other.st_dev == st->st_dev &&
	       other.st_ino == st->st_ino;
}

/* Reads an included file or a drop-in. `to`: the verb for messages. NULL: an error was added. */
static struct gadgetfile_source *open_included(struct scan *s, const struct cursor *c,
					       const char *path, const char *to,
					       const struct text_range *at)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	_cleanup_free_ char *why = NULL;
	_cleanup_close_ int fd = open_trusted(s, path, O_NONBLOCK, &why);
	struct stat st;
	char *text;
	size_t size;
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;

	if (why) {
		diag_error(s->diags, at, "cannot %s %s: %s", to, path, why);
		return NULL;
	}
	if (r < 0) {
		diag_error(s->diags, at, "cannot %s %s: %s", to, path, errno_words(-r));
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		diag_error(s->diags, at, "cannot %s %s: not a regular file", to, path);
		return NULL;
	}
	if (st.st_uid != 0 && !is_below(s->sources[0], fd)) {
		diag_error(s->diags, at,
			   "cannot %s %s: it is outside the gadget file's directory and does "
			   "not belong to root",
			   to, path);
		return NULL;
	}
	for (const struct cursor *i = c; i; i = i->includer) {
		if (same_file(i->source, &st)) {
			diag_error(s->diags, at, "%s includes itself", path);
			return NULL;
		}
	}
	r = read_all(fd, &text, &size);
	if (r < 0) {
		diag_error(s->diags, at, "cannot read %s: %s", path, errno_words(-r));
		return NULL;
	}
	return add_source(s, path, text, size);
}

struct gadgetfile_source *gadgetfile_source_open_drop_in(struct scan *s, const char *path)
{
	const struct text_range whole = { .source = s->sources[0] };
	struct stat st, null;

	/* A link to /dev/null masks a drop-in of another directory. */
	if (stat(path, &st) == 0 && S_ISCHR(st.st_mode) && stat("/dev/null", &null) == 0 &&
	    st.st_rdev == null.st_rdev)
		return NULL;
	return open_included(s, NULL, path, "read", &whole);
}

/* The directive is ^[ \t]*@include[ \t]+" */
size_t include_directive(const struct cursor *c)
{
	const char *text = c->source->text + c->offset, *p = text;

	if (c->offset > 0 && text[-1] != '\n')
		return 0;
	p += strspn(p, " \t");
	if (!str_has_prefix(p, "@include"))
		return 0;
	p += strlen("@include");
	if (strspn(p, " \t") == 0)
		return 0;
	p += strspn(p, " \t");
	return *p == '"' ? (size_t)(p - text) : 0;
}

/*
 * Sets *path to the quoted path at `p`. Returns the length with both quotes; 0: the closing quote
 * is not on this line, or the path contains another escape than for a backslash or a quote.
 */
static size_t quoted_path(const char *p, char **path)
{
	char *out = xcalloc(strlen(p) + 1, 1), *o = out;
	const char *start = p++;

	for (; *p && *p != '"' && *p != '\n'; p++) {
		if (*p == '\\' && p[1] != '\\' && p[1] != '"')
			break;
		if (*p == '\\')
			p++;
		*o++ = *p;
	}
	*path = out;
	return *p == '"' ? (size_t)(p + 1 - start) : 0;
}

/* Reads an included file. NULL: an error was added. */
static const struct gadgetfile_source *include_file(struct scan *s, const struct cursor *c,
						    const char *path, const struct text_range *at)
{
	const char *dir = c->source->dir;
	_cleanup_free_ char *full = NULL;
	const struct gadgetfile_source *source;

	if (c->depth == GADGETFILE_MAX_INCLUDE_DEPTH) {
		diag_error(s->diags, at, "included files are nested deeper than %d levels",
			   GADGETFILE_MAX_INCLUDE_DEPTH);
		return NULL;
	}
	if (s->n_included++ == GADGETFILE_MAX_INCLUDES) {
		diag_error(s->diags, at, "the gadget file has more than %d @include lines",
			   GADGETFILE_MAX_INCLUDES);
		s->unparsable = true;
		return NULL;
	}
	full = path[0] == '/' || streq(dir, ".") ? xstrdup(path)
	       : streq(dir, "/")		 ? strf("/%s", path)
						 : strf("%s/%s", dir, path);
	source = open_included(s, c, full, "include", at);
	if (!source || !gadgetfile_source_check(s, source))
		return NULL;
	if (path[0] != '/' && !s->include_noted) {
		s->include_noted = true;
		diag_note(s->diags, at, DIAG_RELATIVE);
	}
	s->bytes += source->size;
	if (s->bytes > GADGETFILE_MAX_SIZE) {
		diag_error(s->diags, at, "the gadget file is larger than 1 MiB with this file");
		s->unparsable = true;
		return NULL;
	}
	return source;
}

const struct gadgetfile_source *include_take(struct scan *s, struct cursor *c, size_t directive,
					     size_t *copied)
{
	const struct gadgetfile_source *included = NULL;
	_cleanup_free_ char *path = NULL;
	const size_t start = c->offset;
	struct text_range at;
	size_t length;

	cursor_advance(c, directive);
	length = quoted_path(c->source->text + c->offset, &path);
	at = cursor_range(s, c, length ? length : 1);
	if (length == 0) {
		diag_error(s->diags, &at,
			   "expected a file name in quotes, on one line, with no escapes but \\\\ "
			   "and \\\"");
		cursor_advance(c, strcspn(c->source->text + c->offset, "\n"));
	} else {
		cursor_advance(c, length);
		expanded_append(s, c->source, *copied, start, c->line);
		included = include_file(s, c, path, &at);
	}
	*copied = c->offset;
	return included;
}

/* Begins each appended piece on a new line, so that tokens of two files do not merge. */
void expanded_append(struct scan *s, const struct gadgetfile_source *source, size_t from, size_t to,
		     unsigned int last_line)
{
	size_t n = to - from, need = s->expanded_size + n + 2;
	struct segment *segment;
	unsigned int lines = 0;

	if (need > s->expanded_capacity) {
		s->expanded_capacity = 2 * need;
		s->expanded = xreallocarray(s->expanded, s->expanded_capacity, 1);
	}
	memcpy(s->expanded + s->expanded_size, source->text + from, n);
	for (const char *p = source->text + from;
	     (p = memchr(p, '\n', to - (size_t)(p - source->text))); p++)
		lines++;
	segment = array_add(s->segments, s->n_segments);
	*segment = (struct segment){ s->expanded_line + 1, source, last_line - lines };
	s->expanded_size += n;
	s->expanded[s->expanded_size++] = '\n';
	s->expanded[s->expanded_size] = '\0';
	s->expanded_line += lines + 1;
}

struct text_range expanded_range(const struct scan *s, unsigned int line)
{
	const struct segment *found = &s->segments[0];
	struct text_range at = { .source = s->sources[0] };
	const char *text, *p;

	for (size_t i = 0; i < s->n_segments && s->segments[i].expanded_line <= line; i++)
		found = &s->segments[i];
	at.source = found->source;
	at.line = found->line + (line - found->expanded_line);
	text = p = at.source->text;
	for (unsigned int i = 1; i < at.line && (p = strchr(p, '\n')); i++)
		p++;
	at.line_start = p ? (unsigned int)(p - text) : 0;
	p = text + at.line_start;
	at.column = 1 + (unsigned int)strspn(p, " \t");
	at.end_column = 1 + (unsigned int)strcspn(p, "\n");
	at.order = 0;
	return at;
}
