// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both back ends, on directories that look like configfs. (With a kernel:
 * tests/lab/configfs/test_backends.py, and each `up` and `reload` of tests/lab.)
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "configfs/backend.h"

/*
 * On tmpfs, whose directories have small offsets as those of configfs: a libusbgx of 32 bits cannot
 * read others on a 64-bit kernel that does not know that the program has 32 bits, such as below
 * QEMU's user-mode emulation.
 */
#define DIRECTORY "/dev/shm/ffsctl-backend-XXXXXX"

static char gadget[] = DIRECTORY;

static char *in_gadget(const char *name)
{
	return strf("%s/%s", gadget, name);
}

static void make_directory(const char *name)
{
	_cleanup_free_ char *path = in_gadget(name);

	cr_assert_eq(mkdir(path, 0700), 0, "%s: %s", path, strerror(errno));
}

static void setup(void)
{
	static const char *const below[] = { "functions", "configs", "strings", "strings/0x409" };

	cr_assert_not_null(mkdtemp(gadget));
	for (size_t i = 0; i < ARRAY_SIZE(below); i++)
		make_directory(below[i]);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	nftw(gadget, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(direct, .init = setup, .fini = teardown);

/* The file's contents; the caller frees them. */
static char *contents(const char *name)
{
	_cleanup_free_ char *path = in_gadget(name);
	char *text = NULL;

	cr_assert_eq(file_read(AT_FDCWD, path, 4096, &text, NULL), 0, "%s", path);
	return text;
}

static void expect_contents(const char *name, const char *expected)
{
	_cleanup_free_ char *text = contents(name);

	cr_expect_str_eq(text, expected, "%s: '%s'", name, text);
}

/* Where libusbgx makes a link, the target begins with its private directory. */
static void expect_link(const char *name, const char *to)
{
	_cleanup_free_ char *path = in_gadget(name);
	char target[4096] = "";

	cr_assert_gt(readlink(path, target, sizeof(target) - 1), 0, "%s", path);
	cr_expect(str_has_suffix(target, to), "%s leads to %s", path, target);
}

static bool is_directory(const char *name)
{
	_cleanup_free_ char *path = in_gadget(name);
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The kernel's part: an attribute, with a value that a write must replace. */
static void make_attribute(const char *name)
{
	_cleanup_free_ char *path = in_gadget(name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
}

static int direct(enum backend_item item, const char *name, const char *value)
{
	_cleanup_free_ char *path = in_gadget(name);

	return direct_make_item(item, path, value);
}

Test(direct, values_are_written_as_they_are)
{
	make_attribute("idVendor");
	make_attribute("strings/0x409/product");
	cr_expect_eq(direct(ITEM_ATTRIBUTE, "idVendor", "0x1D6B"), 0);
	cr_expect_eq(direct(ITEM_STRING, "strings/0x409/product", "x y"), 0);
	expect_contents("idVendor", "0x1D6B");
	expect_contents("strings/0x409/product", "x y");
}

Test(direct, an_empty_string_is_a_newline)
{
	make_attribute("strings/0x409/product");
	cr_expect_eq(direct(ITEM_STRING, "strings/0x409/product", ""), 0);
	expect_contents("strings/0x409/product", "\n");
}

Test(direct, a_configuration_with_a_function)
{
	cr_expect_eq(direct(ITEM_FUNCTION, "functions/none.x", NULL), 0);
	cr_expect_eq(direct(ITEM_CONFIG, "configs/c.1", NULL), 0);
	make_attribute("configs/c.1/MaxPower");
	cr_expect_eq(direct(ITEM_CONFIG_ATTRIBUTE, "configs/c.1/MaxPower", "500"), 0);
	cr_expect_eq(direct(ITEM_SYMLINK, "configs/c.1/x", "none.x"), 0);
	cr_expect(is_directory("functions/none.x"));
	expect_contents("configs/c.1/MaxPower", "500");
	expect_link("configs/c.1/x", "functions/none.x");
	cr_expect(is_directory("configs/c.1/x"));
}

Test(direct, errors_are_those_of_the_kernel)
{
	cr_expect_eq(direct(ITEM_FUNCTION, "nothing/none.x", NULL), -ENOENT);
	cr_expect_eq(direct(ITEM_ATTRIBUTE, "idVendor", "1"), -ENOENT);
	cr_expect_eq(direct(ITEM_CONFIG, "configs/c.1", NULL), 0);
	cr_expect_eq(direct(ITEM_CONFIG, "configs/c.1", NULL), -EEXIST);
	cr_expect_eq(direct(ITEM_SYMLINK, "configs/c.1", "none.x"), -EEXIST);
}

/* Without a struct backend_state, and in a build without libusbgx. */
Test(direct, makes_what_no_back_end_is_asked_for)
{
	_cleanup_free_ char *path = in_gadget("functions/ffs.x");

	cr_expect_eq(backend_make_item(NULL, ITEM_FUNCTION, path, NULL), 0);
	cr_expect(is_directory("functions/ffs.x"));
}

#ifdef HAVE_LIBUSBGX
static char root[] = DIRECTORY;

static void setup_usbg(void)
{
	setup();
	cr_assert_not_null(mkdtemp(root));
}

static void teardown_usbg(void)
{
	teardown();
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(usbg, .init = setup_usbg, .fini = teardown_usbg);

static struct libusbgx_session *open_gadget(void)
{
	struct libusbgx_session *library = libusbgx_open(open(root, O_PATH | O_CLOEXEC), gadget);

	cr_assert_not_null(library, "%s", strerror(errno));
	return library;
}

static int usbg(struct libusbgx_session *library, enum backend_item item, const char *name,
		const char *value)
{
	_cleanup_free_ char *path = in_gadget(name);

	return libusbgx_make_item(library, item, path, value);
}

/* The library writes numbers in its own way. */
Test(usbg, makes_a_gadget)
{
	struct libusbgx_session *library = open_gadget();

	cr_expect_eq(usbg(library, ITEM_ATTRIBUTE, "idVendor", "0x1D6B"), 0);
	cr_expect_eq(usbg(library, ITEM_STRING, "strings/0x409/product", "x y"), 0);
	cr_expect_eq(usbg(library, ITEM_FUNCTION, "functions/ffs.x", NULL), 0);
	cr_expect_eq(usbg(library, ITEM_CONFIG, "configs/a.b.1", NULL), 0);
	cr_expect_eq(usbg(library, ITEM_CONFIG_ATTRIBUTE, "configs/a.b.1/MaxPower", "500"), 0);
	cr_expect_eq(usbg(library, ITEM_CONFIG_ATTRIBUTE, "configs/a.b.1/bmAttributes", "0xC0"), 0);
	make_directory("configs/a.b.1/strings");
	make_directory("configs/a.b.1/strings/0x407");
	cr_expect_eq(usbg(library, ITEM_CONFIG_STRING, "configs/a.b.1/strings/0x407/configuration",
			  "eins"),
		     0);
	cr_expect_eq(usbg(library, ITEM_SYMLINK, "configs/a.b.1/x", "ffs.x"), 0);
	libusbgx_close(library);
	expect_contents("idVendor", "0x1d6b\n");
	expect_contents("strings/0x409/product", "x y");
	cr_expect(is_directory("functions/ffs.x"));
	expect_contents("configs/a.b.1/MaxPower", "500\n");
	expect_contents("configs/a.b.1/bmAttributes", "0xc0\n");
	expect_contents("configs/a.b.1/strings/0x407/configuration", "eins");
	expect_link("configs/a.b.1/x", "functions/ffs.x");
}

Test(usbg, opens_a_gadget_with_functions_that_it_does_not_know)
{
	struct libusbgx_session *library;

	make_directory("functions/none.x");
	make_directory("functions/acm.old");
	make_directory("configs/c.1");
	cr_expect_eq(direct(ITEM_SYMLINK, "configs/c.1/x", "none.x"), 0);
	library = open_gadget();
	cr_expect_eq(usbg(library, ITEM_FUNCTION, "functions/acm.new", NULL), 0);
	cr_expect_eq(usbg(library, ITEM_SYMLINK, "configs/c.1/old", "acm.old"), 0);
	cr_expect_eq(usbg(library, ITEM_SYMLINK, "configs/c.1/new", "acm.new"), 0);
	cr_expect_eq(usbg(library, ITEM_CONFIG_ATTRIBUTE, "configs/c.1/MaxPower", "2"), 0);
	libusbgx_close(library);
	expect_link("configs/c.1/old", "functions/acm.old");
	expect_link("configs/c.1/new", "functions/acm.new");
}

Test(usbg, leaves_to_system_calls_what_it_does_not_know)
{
	struct libusbgx_session *library;

	make_directory("functions/none.x");
	make_directory("configs/c.1");
	library = open_gadget();
	cr_expect_eq(usbg(library, ITEM_FUNCTION, "functions/none.y", NULL), BACKEND_UNKNOWN);
	cr_expect_eq(usbg(library, ITEM_SYMLINK, "configs/c.1/x", "none.x"), BACKEND_UNKNOWN);
	cr_expect_eq(usbg(library, ITEM_SYMLINK, "configs/c.2/x", "ffs.x"), BACKEND_UNKNOWN);
	cr_expect_eq(usbg(library, ITEM_CONFIG_ATTRIBUTE, "configs/c.2/MaxPower", "2"),
		     BACKEND_UNKNOWN);
	cr_expect_eq(usbg(library, ITEM_STRING, "strings/0x409/product", ""), BACKEND_UNKNOWN);
	cr_expect_eq(usbg(library, ITEM_ATTRIBUTE, "bNothing", "1"), BACKEND_UNKNOWN);
	libusbgx_close(library);
	cr_expect_not(is_directory("functions/none.y"));
}

Test(usbg, errors_are_those_of_the_kernel)
{
	struct libusbgx_session *library = open_gadget();

	make_directory("functions/ffs.x"); /* after libusbgx has looked */
	cr_expect_eq(usbg(library, ITEM_FUNCTION, "functions/ffs.x", NULL), -EEXIST);
	make_directory("idVendor");
	cr_expect_eq(usbg(library, ITEM_ATTRIBUTE, "idVendor", "1"), -EISDIR);
	libusbgx_close(library);
}

Test(usbg, a_directory_that_it_cannot_work_in_is_refused)
{
	_cleanup_free_ char *in_the_way = strf("%s/usb_gadget", root);

	cr_assert_eq(mkdir(in_the_way, 0700), 0);
	cr_expect_null(libusbgx_open(open(root, O_PATH | O_CLOEXEC), gadget));
	cr_expect_eq(errno, EEXIST);
}
#endif
