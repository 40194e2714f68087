// SPDX-License-Identifier: GPL-2.0
/* SETUP fixes sizes within the published limits, and tells the layout. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

static int setup(struct seda_setup_args *a)
{
	int fd = open("/dev/seda", O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	a->size = sizeof(*a);
	ret = ioctl(fd, SEDA_IOC_SETUP, a) ? -errno : 0;
	close(fd);
	return ret;
}

TEST(zero_takes_the_documented_defaults)
{
	struct seda_setup_args a = { 0 };

	ASSERT_EQ(0, setup(&a));
	EXPECT_EQ(64, a.workers);
	EXPECT_EQ(64, a.events);
	EXPECT_EQ(256, a.ops);
	EXPECT_EQ(1024, a.bufs);
	EXPECT_EQ(4096, a.buf_size);
	EXPECT_EQ(65536, a.sources);
}

TEST(parts_of_the_arena_do_not_overlap)
{
	struct seda_setup_args a = {
		.workers = 3, .events = 7, .ops = 5, .bufs = 9, .buf_size = 64,
		.sources = 1,
	};

	ASSERT_EQ(0, setup(&a));
	EXPECT_EQ(3, a.workers);
	EXPECT_EQ(7, a.events);
	EXPECT_EQ(5, a.ops);
	EXPECT_EQ(9, a.bufs);
	EXPECT_EQ(64, a.buf_size);
	EXPECT_LE(7 * sizeof(struct seda_event), a.ctl_off);
	EXPECT_LE(a.ctl_off + 7 * sizeof(struct seda_ctl), a.ops_off);
	EXPECT_LE(a.ops_off + 5 * sizeof(struct seda_op), a.worker_stride);
	EXPECT_LE(a.workers_off + 3 * a.worker_stride, a.bufs_off);
	EXPECT_LE(a.bufs_off + 9 * 64, a.arena_size);
	EXPECT_EQ(0, a.arena_size % 4096);
	EXPECT_LE(128 + 64 * 128, a.counters_size);
	EXPECT_EQ(0, a.ops_off % sizeof(struct seda_op));
}

#define REFUSED(member, value) do {					\
	struct seda_setup_args a = { .member = (value) };		\
									\
	EXPECT_EQ(-EINVAL, setup(&a)) {					\
		TH_LOG(#member " = %llu", (unsigned long long)(value));	\
	}								\
} while (0)

TEST(values_past_a_ceiling_are_refused)
{
	REFUSED(workers, SEDA_MAX_WORKERS + 1);
	REFUSED(events, SEDA_MAX_EVENTS + 1);
	REFUSED(ops, SEDA_MAX_OPS + 1);
	REFUSED(bufs, SEDA_MAX_BUFS + 1);
	REFUSED(sources, SEDA_MAX_SOURCES + 1);
	REFUSED(buf_size, SEDA_MIN_BUF_SIZE / 2);
	REFUSED(buf_size, SEDA_MAX_BUF_SIZE * 2);
	REFUSED(buf_size, 4097);
	REFUSED(buf_size, 3000);
	REFUSED(workers, 0xffffffffU);
	REFUSED(events, 0xffffffffU);
	REFUSED(ops, 0xffffffffU);
	REFUSED(bufs, 0xffffffffU);
	REFUSED(buf_size, 0x80000000U);
	REFUSED(sources, 0xffffffffU);
	REFUSED(flags, 1);
	REFUSED(pad, 1);
	REFUSED(counters_size, 1);
	REFUSED(arena_size, 1);
	REFUSED(workers_off, 1);
	REFUSED(bufs_off, 1);
	REFUSED(worker_stride, 1);
	REFUSED(ctl_off, 1);
	REFUSED(ops_off, 1);
}

TEST(an_arena_past_its_ceiling_is_refused)
{
	struct seda_setup_args a = {
		.bufs = SEDA_MAX_BUFS, .buf_size = SEDA_MAX_BUF_SIZE,
	};

	EXPECT_EQ(-EINVAL, setup(&a));
}

TEST(ceilings_of_single_values_are_accepted)
{
	struct seda_setup_args workers = {
		.workers = SEDA_MAX_WORKERS, .events = 1, .ops = 1, .bufs = 1,
		.buf_size = 64, .sources = SEDA_MAX_SOURCES,
	};
	struct seda_setup_args arrays = {
		.workers = 1, .events = SEDA_MAX_EVENTS, .ops = SEDA_MAX_OPS,
		.bufs = 2, .buf_size = SEDA_MAX_BUF_SIZE, .sources = 1,
	};
	struct seda_setup_args bufs = {
		.workers = 1, .bufs = SEDA_MAX_BUFS, .buf_size = 64,
	};

	EXPECT_EQ(0, setup(&workers));
	EXPECT_EQ(0, setup(&arrays));
	EXPECT_EQ(0, setup(&bufs));
}

TEST(info_needs_no_setup)
{
	struct seda_info_args a = { .size = sizeof(a) };
	int fd = open("/dev/seda", O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, SEDA_IOC_INFO, &a));
	EXPECT_EQ(SEDA_ABI_VERSION, a.abi_version);
	EXPECT_EQ(SEDA_FEATURE_FDLESS | SEDA_FEATURE_CLAIM, a.features);
	EXPECT_EQ((1ULL << SEDA_OP_LAST) - 1, a.ops);
	EXPECT_EQ((1ULL << 21) - 1, a.ioctls);
	EXPECT_EQ(SEDA_MAX_SOURCES, a.max_sources);
	EXPECT_LT(0, a.max_arena_pages);
	close(fd);
}

TEST_HARNESS_MAIN
