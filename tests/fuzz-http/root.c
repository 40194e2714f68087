// SPDX-License-Identifier: GPL-2.0
/*
 * Paths below the root: what is opened lies in it, by openat2() and by walking,
 * and for a decoded target both open the same.
 *
 * The input is a target in which a capital letter stands for one of the names of
 * a tree that has links of every kind.  After a leading '=' it is not decoded:
 * then nothing protects but root_open().
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "tools/sedahttpd/path.h"
#include "tools/sedahttpd/root.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static const char * const names[26] = {
	"/", "/dir", "/sub", "/file", "/in", "/up", "/out", "/abs", "/loop",
	"/secret", "/deep", "/self", "/proc", "/far", "/slash", "/dangling",
	"/..", "/.", "/%2e%2e", "/.%2E", "%2f", "%5c", "%00", "/%c0%ae", "//",
	"/outside",
};

static const struct {
	const char *target, *name;
} links[] = {
	{ "dir", "root/in" }, { "../file", "root/dir/up" },
	{ "../outside", "root/out" }, { "/etc", "root/abs" },
	{ "loop", "root/loop" }, { "../../outside/secret", "root/dir/out" },
	{ "sub/../../file", "root/dir/deep" }, { ".", "root/self" },
	{ "/proc/self/root", "root/proc" }, { "/", "root/slash" },
	{ "../../../../../../../../../../etc", "root/dir/sub/far" },
	{ "none/here", "root/dangling" }, { "dir/../../root", "root/far" },
};

static char top[PATH_MAX];	/* of the tree, resolved */
static struct root by_openat2, by_walking;

static void make_file(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	REQUIRE(fd >= 0);
	close(fd);
}

/* In TMPDIR, which tests/san/fuzz-http removes. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *tmp = getenv("TMPDIR");
	char name[PATH_MAX];
	unsigned int i;

	snprintf(name, sizeof(name), "%s/fuzz-root.XXXXXX", tmp ? tmp : "/tmp");
	REQUIRE(mkdtemp(name) && !chdir(name));
	REQUIRE(!mkdir("root", 0755) && !mkdir("root/dir", 0755) &&
		!mkdir("root/dir/sub", 0755) && !mkdir("outside", 0755));
	make_file("outside/secret");
	make_file("root/file");
	make_file("root/dir/file");
	make_file("root/dir/sub/file");
	for (i = 0; i < ARRAY_SIZE(links); i++)
		REQUIRE(!symlink(links[i].target, links[i].name));
	REQUIRE(realpath("root", top));
	REQUIRE(!root_init(&by_openat2, "root") && by_openat2.has_openat2);
	by_walking = by_openat2;
	by_walking.has_openat2 = false;
	return 0;
}

/* What was opened, from the top of the root on; empty if nothing was. */
static void open_by(const struct root *root, const char *path, char where[PATH_MAX])
{
	char link[64], real[PATH_MAX];
	int fd = root_open(root, path, O_RDONLY | O_NONBLOCK);
	size_t n = strlen(top);
	ssize_t len;

	where[0] = '\0';
	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, real, sizeof(real) - 1);
	REQUIRE(len > 0);
	real[len] = '\0';
	close(fd);
	REQUIRE(!strncmp(real, top, n) && (!real[n] || real[n] == '/'));
	snprintf(where, PATH_MAX, ".%s", real + n);
}

/* The target with its capitals replaced, cut where it gets too long. */
static size_t expand(struct str in, char *out, size_t size)
{
	size_t len = 0, n;

	for (; in.n; in.p++, in.n--) {
		const char *p = in.p;

		n = 1;
		if (*p >= 'A' && *p <= 'Z') {
			p = names[*p - 'A'];
			n = strlen(p);
		}
		if (len + n >= size)
			break;
		memcpy(out + len, p, n);
		len += n;
	}
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char target[2 * PATH_SIZE], path[PATH_SIZE];
	char one[PATH_MAX], other[PATH_MAX];
	struct str in = { (const char *)data, size }, query;
	bool raw = in.n && in.p[0] == '=';
	size_t n;

	/* which head_scan() has refused */
	if (!size || memchr(data, '\0', size))
		return 0;
	if (raw) {
		in.p++;
		in.n--;
		n = expand(in, path, sizeof(path));
		path[n] = '\0';
	} else {
		n = expand(in, target, sizeof(target));
		if (path_decode((struct str){ target, n }, path, &query) < 0)
			return 0;
	}
	open_by(&by_openat2, path, one);
	open_by(&by_walking, path, other);
	if (!raw)
		REQUIRE(!strcmp(one, other));
	return 0;
}
