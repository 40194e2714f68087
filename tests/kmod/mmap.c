// SPDX-License-Identifier: GPL-2.0
/* What of the app's memory can be mapped, and how. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

static int try_map(const struct app *app, size_t len, int prot, int flags,
		   uint64_t off)
{
	void *p = mmap(NULL, len, prot, flags, app->fd, off);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, len);
	return 0;
}

#define RW (PROT_READ | PROT_WRITE)

TEST(counters_are_read_only)
{
	struct app app;

	ASSERT_EQ(0, app_open(&app, NULL));
	EXPECT_EQ(-EACCES, try_map(&app, 4096, RW, MAP_SHARED,
				   SEDA_MMAP_COUNTERS));
	EXPECT_EQ(-EACCES, try_map(&app, 4096, PROT_WRITE, MAP_SHARED,
				   SEDA_MMAP_COUNTERS));
	EXPECT_EQ(-1, mprotect((void *)app.counters, 4096, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(1024, app.counters->bufs_free);
	app_close(&app);
}

TEST(private_mappings_are_refused)
{
	struct app app;

	ASSERT_EQ(0, app_open(&app, NULL));
	EXPECT_EQ(-EINVAL, try_map(&app, 4096, PROT_READ, MAP_PRIVATE,
				   SEDA_MMAP_COUNTERS));
	EXPECT_EQ(-EINVAL, try_map(&app, 4096, RW, MAP_PRIVATE,
				   SEDA_MMAP_ARENA));
	app_close(&app);
}

TEST(a_prefix_of_the_arena_can_be_mapped)
{
	struct app app;
	char *p;

	ASSERT_EQ(0, app_open(&app, NULL));
	p = mmap(NULL, 8192, RW, MAP_SHARED, app.fd, SEDA_MMAP_ARENA);
	ASSERT_NE(MAP_FAILED, p);
	app.arena[100] = 'x';
	EXPECT_EQ('x', p[100]);
	munmap(p, 8192);
	EXPECT_EQ(-EINVAL, try_map(&app, app.setup.arena_size + 4096, RW,
				   MAP_SHARED, SEDA_MMAP_ARENA));
	EXPECT_EQ(-EINVAL, try_map(&app, app.setup.counters_size + 4096,
				   PROT_READ, MAP_SHARED, SEDA_MMAP_COUNTERS));
	app_close(&app);
}

TEST(other_offsets_are_refused)
{
	struct app app;

	ASSERT_EQ(0, app_open(&app, NULL));
	EXPECT_EQ(-EINVAL, try_map(&app, 4096, PROT_READ, MAP_SHARED, 4096));
	EXPECT_EQ(-EINVAL, try_map(&app, 4096, RW, MAP_SHARED,
				   SEDA_MMAP_ARENA + 4096));
	EXPECT_EQ(-EINVAL, try_map(&app, 4096, RW, MAP_SHARED,
				   SEDA_MMAP_ARENA * 2));
	app_close(&app);
}

TEST(nothing_is_mapped_before_setup)
{
	struct app app = { .fd = open("/dev/seda", O_RDWR | O_CLOEXEC) };

	ASSERT_LE(0, app.fd);
	EXPECT_EQ(-EBADFD, try_map(&app, 4096, PROT_READ, MAP_SHARED, 0));
	EXPECT_EQ(-EBADFD, try_map(&app, 4096, RW, MAP_SHARED,
				   SEDA_MMAP_ARENA));
	close(app.fd);
}

TEST(a_mapping_outlives_the_descriptor)
{
	struct app app;

	ASSERT_EQ(0, app_open(&app, NULL));
	close(app.fd);
	EXPECT_EQ(1024, app.counters->bufs_free);
	app.arena[app.setup.arena_size - 1] = 1;
	EXPECT_EQ(1, app.arena[app.setup.arena_size - 1]);
	app.fd = -1;
	app_close(&app);
}

TEST_HARNESS_MAIN
