// SPDX-License-Identifier: GPL-2.0
/*
 * sedahttpd: nothing outside of the root is opened, with openat2() and without.
 * Each case is tried both ways.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "tools/sedahttpd/root.h"

FIXTURE(root) {
	char base[64];
	struct root root;
};

FIXTURE_VARIANT(root) {
	bool openat2;
};

FIXTURE_VARIANT_ADD(root, openat2) { .openat2 = true };
FIXTURE_VARIANT_ADD(root, walking) { .openat2 = false };

static int put(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0644);

	return fd < 0 || write(fd, path, 1) != 1 || close(fd);
}

FIXTURE_SETUP(root)
{
	strcpy(self->base, "/tmp/seda-root.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->base));
	ASSERT_EQ(0, chdir(self->base));
	ASSERT_EQ(0, mkdir("root", 0755) | mkdir("root/dir", 0755) |
		     mkdir("outside", 0755));
	ASSERT_EQ(0, put("root/file") | put("root/dir/inner") |
		     put("outside/secret") | put("secret"));
	ASSERT_EQ(0, symlink("file", "root/good"));
	ASSERT_EQ(0, symlink("dir", "root/gooddir"));
	ASSERT_EQ(0, symlink("..", "root/dir/back"));
	ASSERT_EQ(0, symlink("./back/gooddir/./../file", "root/dir/top"));
	ASSERT_EQ(0, symlink("../secret", "root/up"));
	ASSERT_EQ(0, symlink("../outside", "root/updir"));
	ASSERT_EQ(0, symlink("/etc", "root/abs"));
	ASSERT_EQ(0, symlink("/etc/passwd", "root/absfile"));
	ASSERT_EQ(0, symlink("loop", "root/loop"));
	ASSERT_EQ(0, symlink("../../secret", "root/dir/up"));
	ASSERT_EQ(0, symlink("/proc/self/root", "root/proc"));
	ASSERT_EQ(0, root_init(&self->root, "root"));
	if (variant->openat2 && !self->root.has_openat2)
		SKIP(return, "no openat2()");
	self->root.has_openat2 = variant->openat2;
}

FIXTURE_TEARDOWN(root)
{
	char command[128];

	root_close(&self->root);
	snprintf(command, sizeof(command), "rm -rf %s", self->base);
	EXPECT_EQ(0, chdir("/"));
	EXPECT_EQ(0, system(command));
}

/* 0 if @path can be opened, else -errno. */
static int try(const struct root *root, const char *path, int flags)
{
	int fd = root_open(root, path, flags);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

TEST_F(root, what_is_inside)
{
	EXPECT_EQ(0, try(&self->root, "/", O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(0, try(&self->root, "/file", O_RDONLY));
	EXPECT_EQ(0, try(&self->root, "/dir", O_RDONLY));
	EXPECT_EQ(0, try(&self->root, "/dir/", O_RDONLY));
	EXPECT_EQ(0, try(&self->root, "/dir/inner", O_PATH));
	EXPECT_EQ(-ENOENT, try(&self->root, "/none", O_RDONLY));
	EXPECT_EQ(-ENOTDIR, try(&self->root, "/file/", O_RDONLY));
	EXPECT_EQ(-ENOTDIR, try(&self->root, "/file/x", O_RDONLY));
}

TEST_F(root, links_inside)
{
	EXPECT_EQ(0, try(&self->root, "/good", O_RDONLY));
	EXPECT_EQ(0, try(&self->root, "/good", O_PATH));
	EXPECT_EQ(0, try(&self->root, "/gooddir", O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(0, try(&self->root, "/gooddir/", O_RDONLY));
	EXPECT_EQ(0, try(&self->root, "/gooddir/inner", O_RDONLY));
	EXPECT_EQ(0, try(&self->root, "/dir/back/dir/back/file", O_RDONLY));
	EXPECT_EQ(0, try(&self->root, "/dir/top", O_RDONLY));
	EXPECT_EQ(-ENOTDIR, try(&self->root, "/good/", O_RDONLY));
	EXPECT_EQ(-ENOTDIR, try(&self->root, "/dir/back/file/", O_RDONLY));
}

/* With and without openat2() as many as the kernel follows. */
TEST_F(root, links_are_counted)
{
	char path[1024] = "";
	unsigned int i;

	for (i = 0; i < 40; i++)
		strcat(path, "/dir/back");
	EXPECT_EQ(0, try(&self->root, path, O_RDONLY));
	strcat(path, "/good");
	EXPECT_EQ(-ELOOP, try(&self->root, path, O_RDONLY));
}

TEST_F(root, no_way_out)
{
	static const char * const paths[] = {
		"/..", "/../secret", "/../outside/secret", "/dir/../../secret",
		"/up", "/updir", "/updir/secret", "/updir/", "/abs",
		"/abs/passwd", "/absfile", "/dir/up", "/loop", "/proc/etc",
		"/proc", "//etc/passwd", "/gooddir/up",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		EXPECT_NE(0, try(&self->root, paths[i], O_RDONLY)) {
			TH_LOG("%s", paths[i]);
		}
		EXPECT_NE(0, try(&self->root, paths[i], O_PATH)) {
			TH_LOG("%s", paths[i]);
		}
	}
}

struct swapper {
	atomic_bool stop;
};

/* Swaps a directory and a link that leads out, as fast as it can. */
static void *swap(void *arg)
{
	struct swapper *s = arg;

	while (!s->stop) {
		renameat2(AT_FDCWD, "root/dir", AT_FDCWD, "root/updir",
			  RENAME_EXCHANGE);
	}
	return NULL;
}

TEST_F(root, races)
{
	struct swapper swapper = { false };
	pthread_t thread;
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, swap, &swapper));
	for (i = 0; i < 50000; i++)
		ASSERT_NE(0, try(&self->root, "/dir/secret", O_RDONLY));
	swapper.stop = true;
	pthread_join(thread, NULL);
}

TEST_F(root, long_paths)
{
	char path[8192];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[300] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, try(&self->root, path, O_RDONLY));
	path[300] = 'a';
	path[sizeof(path) - 1] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, try(&self->root, path, O_RDONLY));
}

TEST(init_fails_well)
{
	struct root root;

	EXPECT_EQ(-ENOENT, root_init(&root, "/nonexistent"));
	EXPECT_EQ(-ENOTDIR, root_init(&root, "/etc/passwd"));
}

TEST_HARNESS_MAIN
