// SPDX-License-Identifier: GPL-2.0
/* libsedak: options outside their range, and of another version, are refused. */
#include "sedak_test.h"

struct newer {
	struct sedak_rt_opts o;
	uint64_t unknown;
};

TEST(struct_size)
{
	struct newer n = { .o = { .size = sizeof(n), .workers = 1 } };
	struct sedak_rt *rt;
	size_t tiny = 3;

	EXPECT_EQ(-EINVAL, sedak_rt_create((void *)&tiny, &rt));
	ASSERT_EQ(0, sedak_rt_create(&n.o, &rt));
	sedak_rt_destroy(rt);
	n.unknown = 1;
	EXPECT_EQ(-E2BIG, sedak_rt_create(&n.o, &rt));
	n.o.size = offsetof(struct sedak_rt_opts, nr_bufs);
	n.o.nr_bufs = 1u << 30;		/* beyond it: not read */
	ASSERT_EQ(0, sedak_rt_create(&n.o, &rt));
	sedak_rt_destroy(rt);
}

TEST(defaults)
{
	struct sedak_rt *rt;

	ASSERT_EQ(0, sedak_rt_create(NULL, &rt));
	sedak_rt_destroy(rt);
}

TEST(runtime)
{
	struct sedak_rt_opts o = { .size = sizeof(o) };
	struct sedak_rt *rt;

	o.flags = 1u << 31;
	EXPECT_EQ(-EINVAL, sedak_rt_create(&o, &rt));
	o.flags = 0;
	o.workers = 1025;
	EXPECT_EQ(-EINVAL, sedak_rt_create(&o, &rt));
	o.workers = 1;
	o.buf_size = 63;
	EXPECT_EQ(-EINVAL, sedak_rt_create(&o, &rt));
	o.buf_size = (1 << 20) + 1;
	EXPECT_EQ(-EINVAL, sedak_rt_create(&o, &rt));
}

/* The ends of the range are the same with both backends. */
TEST(max_conns)
{
	struct sedak_rt_opts o = { .size = sizeof(o), .workers = 1 };
	struct sedak_rt *rt;

	o.max_conns = (1 << 20) - 1024;
	ASSERT_EQ(0, sedak_rt_create(&o, &rt));
	sedak_rt_destroy(rt);
	o.max_conns++;
	EXPECT_EQ(-EINVAL, sedak_rt_create(&o, &rt));
	/* 1024 more would wrap */
	o.max_conns = UINT32_MAX - 1023;
	EXPECT_EQ(-EINVAL, sedak_rt_create(&o, &rt));
}

TEST(pool)
{
	struct sedak_pool_opts o = { .size = sizeof(o), .sched = 3 };
	struct sedak_rt *rt = rt_new(1);
	struct sedak_pool *p;
	int i;

	EXPECT_EQ(-EINVAL, sedak_pool_create(rt, &o, &p));
	o.sched = SEDAK_SCHED_BATCH;
	o.flags = 8;
	EXPECT_EQ(-EINVAL, sedak_pool_create(rt, &o, &p));
	o.flags = SEDAK_POOL_PIN;
	o.workers = 1;
	for (i = 1; i < 16; i++)
		EXPECT_EQ(0, sedak_pool_create(rt, &o, &p));
	EXPECT_EQ(-ENOSPC, sedak_pool_create(rt, &o, &p));
	EXPECT_EQ(0, sedak_rt_start(rt));
	EXPECT_EQ(0, sedak_rt_stop(rt));
	EXPECT_EQ(-ESHUTDOWN, sedak_pool_create(rt, &o, &p));
	sedak_rt_destroy(rt);
}

TEST(stage)
{
	struct sedak_stage_opts o = { .size = sizeof(o) };
	struct sedak_rt *rt = rt_new(1), *other = rt_new(1);
	struct sedak_stage *s;
	int i;

	EXPECT_EQ(-EINVAL, sedak_stage_create(rt, NULL, &s));
	EXPECT_EQ(-EINVAL, sedak_stage_create(rt, &o, &s));
	o.handler = box_handler;
	o.priority = 20;
	EXPECT_EQ(-EINVAL, sedak_stage_create(rt, &o, &s));
	o.priority = -21;
	EXPECT_EQ(-EINVAL, sedak_stage_create(rt, &o, &s));
	o.priority = 0;
	o.min_batch = 2;
	EXPECT_EQ(-EINVAL, sedak_stage_create(rt, &o, &s));
	o.max_delay_ns = 1;
	o.max_batch = 1;
	EXPECT_EQ(-EINVAL, sedak_stage_create(rt, &o, &s));
	o.max_batch = 1025;
	EXPECT_EQ(-EINVAL, sedak_stage_create(rt, &o, &s));
	o.max_batch = 0;
	o.full = 2;
	EXPECT_EQ(-EINVAL, sedak_stage_create(rt, &o, &s));
	o.full = 0;
	o.pool = sedak_rt_pool(other, 0);
	EXPECT_EQ(-EINVAL, sedak_stage_create(rt, &o, &s));
	o.pool = NULL;
	o.name = "a name that is longer than there is room for";
	for (i = 0; i < 48; i++)
		EXPECT_EQ(0, sedak_stage_create(rt, &o, &s));
	EXPECT_EQ(rt, sedak_stage_rt(s));
	EXPECT_EQ(23, strlen(sedak_stage_name(s)));
	EXPECT_EQ(-ENOSPC, sedak_stage_create(rt, &o, &s));
	sedak_rt_destroy(rt);
	sedak_rt_destroy(other);
}

TEST_HARNESS_MAIN
