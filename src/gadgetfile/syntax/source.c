// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads gadget files and included files, and makes the text with includes for libconfig. libconfig
 * must never process an @include line itself, because it exits the process if the line names a
 * directory.
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
 * Returns the initial capacity of the buffer for a file: for a regular file, its size and one byte
 * more to detect the end of the file.
 */
static size_t initial_capacity(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size < 16 * 1024 || st.st_size > GADGETFILE_MAX_SIZE)
		return 16 * 1024;
	return (size_t)st.st_size + 1;
}

/*
 * Reads a file. The file may grow meanwhile, so the function stops when it has read more than
 * GADGETFILE_MAX_SIZE.
 */
static int read_all(int fd, char **text, size_t *size)
{
	size_t n = 0, capacity = initial_capacity(fd);
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

static int errno_to_exit_code(int e)
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
	r = trust_open_and_check(path, s->trust == GADGETFILE_TRUST_ROOT ? TRUST_ROOT : TRUST_OWNER,
				 &found, why);
	if (r < 0 || *why)
		return r < 0 ? r : -EPERM;
	/* Opens the file that was checked. The path may refer to another file by now. */
	snprintf(same, sizeof(same), "/proc/self/fd/%d", found);
	fd = open(same, flags);
	return fd < 0 ? -errno : fd;
}

int gadgetfile_source_open(struct scan *s, const char *path, struct error *err)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_close_ int fd = open_trusted(
		s, streq(path, GADGETFILE_STDIN) ? GADGETFILE_STDIN_PATH : path, 0, &why);
	char *text;
	size_t size;
	int r;

	if (why)
		return trust_set_error(path, why, err);
	if (fd < 0)
		return error_errno(err, errno_to_exit_code(-fd), -fd, path, "cannot open %s", path);
	r = read_all(fd, &text, &size);
	if (r == -EISDIR) {
		error_set(err, EX_NOINPUT, EISDIR, path, "%s is a directory", path);
		return error_add_hint(err, "name a gadget file in it");
	}
	if (r < 0)
		return error_errno(err, errno_to_exit_code(-r), -r, path, "cannot read %s", path);
	add_source(s, path, text, size);
	return 0;
}

bool gadgetfile_source_can_be_scanned(struct scan *s, const struct gadgetfile_source *source)
{
	struct cursor c = { .source = source, .line = 1, .column = 1 };
	const char *nul;
	struct text_range at;

	if (source->size > GADGETFILE_MAX_SIZE) {
		at = (struct text_range){ .source = source };
		scan_error_in_valid_libconfig(s, &at, "the file is larger than 1 MiB");
		return false;
	}
	nul = memchr(source->text, '\0', source->size);
	if (nul) {
		cursor_advance(&c, (size_t)(nul - source->text));
		at = cursor_range(s, &c, 1);
		scan_error_in_valid_libconfig(s, &at, "a NUL byte: this is not a text file");
		return false;
	}
	if (str_has_prefix(source->text, "\xef\xbb\xbf")) {
		at = cursor_range(s, &c, 3);
		diag_error(s->diags, &at, "the file starts with a byte order mark");
		diags_hint(s->diags, "save the file as UTF-8 without a byte order mark");
		return false;
	}
	return true;
}

/*
 * Returns whether the open file `fd` is below the gadget file's directory. Messages show lines of
 * included files. If root loads a gadget file of a user, this user must not see lines of a file
 * that belongs to another user. Therefore, a file that is not below the gadget file's directory is
 * refused unless it belongs to root.
 */
static bool is_below_gadget_file_dir(const struct gadgetfile_source *main_file, int fd)
{
	_cleanup_free_ char *path = fd_real_path(fd), *dir = realpath(main_file->dir, NULL);
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

/*
 * Reads an included file or a drop-in. `verb`: the word after "cannot" in messages. NULL: an error
 * was added.
 */
static struct gadgetfile_source *open_included(struct scan *s, const struct cursor *c,
					       const char *path, const char *verb,
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
		diag_error(s->diags, at, "cannot %s %s: %s", verb, path, why);
		return NULL;
	}
	if (r < 0) {
		diag_error(s->diags, at, "cannot %s %s: %s", verb, path, errno_words(-r));
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		diag_error(s->diags, at, "cannot %s %s: not a regular file", verb, path);
		return NULL;
	}
	if (st.st_uid != 0 && !is_below_gadget_file_dir(s->sources[0], fd)) {
		diag_error(s->diags, at,
			   "cannot %s %s: it is outside the gadget file's directory and does "
			   "not belong to root",
			   verb, path);
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

	/* A link to /dev/null disables the drop-in with the same name in a later directory. */
	if (stat(path, &st) == 0 && S_ISCHR(st.st_mode) && stat("/dev/null", &null) == 0 &&
	    st.st_rdev == null.st_rdev)
		return NULL;
	return open_included(s, NULL, path, "read", &whole);
}

/* An @include directive begins with ^[ \t]*@include[ \t]+" */
size_t include_length_before_quote(const struct cursor *c)
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
 * Sets *path to the quoted path at `p`. Returns the length of the quoted path with both quotes; 0:
 * the closing quote is not on this line, or the path contains an escape other than \\ and \".
 */
static size_t parse_quoted_path(const char *p, char **path)
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

	if (c->include_depth == GADGETFILE_MAX_INCLUDE_DEPTH) {
		diag_error(s->diags, at, "included files are nested deeper than %d levels",
			   GADGETFILE_MAX_INCLUDE_DEPTH);
		return NULL;
	}
	if (s->n_included_files++ == GADGETFILE_MAX_INCLUDES) {
		diag_error(s->diags, at, "the gadget file has more than %d @include lines",
			   GADGETFILE_MAX_INCLUDES);
		s->unparsable = true;
		return NULL;
	}
	full = path[0] == '/' || streq(dir, ".") ? xstrdup(path)
	       : streq(dir, "/")		 ? strf("/%s", path)
						 : strf("%s/%s", dir, path);
	source = open_included(s, c, full, "include", at);
	if (!source || !gadgetfile_source_can_be_scanned(s, source))
		return NULL;
	if (path[0] != '/' && !s->relative_include_note_added) {
		s->relative_include_note_added = true;
		diag_note(s->diags, at, DIAG_RELATIVE);
	}
	s->total_source_bytes += source->size;
	if (s->total_source_bytes > GADGETFILE_MAX_SIZE) {
		diag_error(s->diags, at, DIAG_TOO_LARGE);
		s->unparsable = true;
		return NULL;
	}
	return source;
}

const struct gadgetfile_source *include_process(struct scan *s, struct cursor *c, size_t directive,
						size_t *copied)
{
	const struct gadgetfile_source *included = NULL;
	_cleanup_free_ char *path = NULL;
	const size_t start = c->offset;
	struct text_range at;
	size_t length;

	cursor_advance(c, directive);
	length = parse_quoted_path(c->source->text + c->offset, &path);
	at = cursor_range(s, c, length ? length : 1);
	if (length == 0) {
		diag_error(s->diags, &at,
			   "expected a file name in quotes, on one line, with no escapes but \\\\ "
			   "and \\\"");
		cursor_advance(c, strcspn(c->source->text + c->offset, "\n"));
	} else {
		cursor_advance(c, length);
		text_with_includes_append(s, c->source, *copied, start, c->line);
		included = include_file(s, c, path, &at);
	}
	*copied = c->offset;
	return included;
}

/* Ends each appended piece with a newline, so that tokens of two files do not merge. */
void text_with_includes_append(struct scan *s, const struct gadgetfile_source *source, size_t from,
			       size_t to, unsigned int last_line)
{
	size_t n = to - from, need = s->text_with_includes_size + n + 2;
	struct text_segment *segment;
	unsigned int lines = 0;

	if (need > s->text_with_includes_capacity) {
		s->text_with_includes_capacity = 2 * need;
		s->text_with_includes =
			xreallocarray(s->text_with_includes, s->text_with_includes_capacity, 1);
	}
	memcpy(s->text_with_includes + s->text_with_includes_size, source->text + from, n);
	for (const char *p = source->text + from;
	     (p = memchr(p, '\n', to - (size_t)(p - source->text))); p++)
		lines++;
	segment = array_add(s->text_segments, s->n_text_segments);
	*segment = (struct text_segment){ s->n_lines_with_includes + 1, source, last_line - lines };
	s->text_with_includes_size += n;
	s->text_with_includes[s->text_with_includes_size++] = '\n';
	s->text_with_includes[s->text_with_includes_size] = '\0';
	s->n_lines_with_includes += lines + 1;
}

struct text_range source_range_of_line(const struct scan *s, unsigned int line)
{
	const struct text_segment *found = &s->text_segments[0];
	struct text_range at = { .source = s->sources[0] };
	const char *text, *p;

	for (size_t i = 0; i < s->n_text_segments && s->text_segments[i].first_line <= line; i++)
		found = &s->text_segments[i];
	at.source = found->source;
	at.line = found->source_line + (line - found->first_line);
	text = p = at.source->text;
	for (unsigned int i = 1; i < at.line && (p = strchr(p, '\n')); i++)
		p++;
	at.line_start_offset = p ? (unsigned int)(p - text) : 0;
	p = text + at.line_start_offset;
	at.column = 1 + (unsigned int)strspn(p, " \t");
	at.end_column = 1 + (unsigned int)strcspn(p, "\n");
	at.order_in_text = 0;
	return at;
}
