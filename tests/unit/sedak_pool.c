// SPDX-License-Identifier: GPL-2.0
/* libsedak: of a pool either all workers start, or who makes it is told why not. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/seda.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "sedak_test.h"

#define MANY	256

static pthread_barrier_t all;

/* Returns once as many workers are in it. */
static void meet(struct sedak_stage *stage, struct sedak_event *ev,
		 unsigned int n)
{
	pthread_barrier_wait(&all);
}

TEST(as_many_as_asked_for)
{
	struct sedak_rt_opts ro = { .size = sizeof(ro), .workers = 1,
				    .more_workers = MANY };
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = MANY };
	struct sedak_stage_opts so = { .size = sizeof(so), .handler = meet,
				       .max_batch = 1 };
	struct sedak_stage *s;
	struct sedak_rt *rt;
	int i;

	pthread_barrier_init(&all, NULL, MANY + 1);
	ASSERT_EQ(0, sedak_rt_create(&ro, &rt));
	ASSERT_EQ(0, sedak_pool_create(rt, &po, &so.pool));
	ASSERT_EQ(0, sedak_stage_create(rt, &so, &s));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, sedak_stage_post(s, NULL));
	pthread_barrier_wait(&all);
	sedak_rt_destroy(rt);
}

TEST(no_more_than_asked_for)
{
	struct sedak_rt_opts ro = { .size = sizeof(ro), .workers = 2,
				    .more_workers = 3 };
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 4 };
	struct sedak_pool *p;
	struct sedak_rt *rt;

	ASSERT_EQ(0, sedak_rt_create(&ro, &rt));
	EXPECT_EQ(-ENOSPC, sedak_pool_create(rt, &po, &p));
	po.workers = 2;
	ASSERT_EQ(0, sedak_rt_start(rt));
	EXPECT_EQ(0, sedak_pool_create(rt, &po, &p));
	EXPECT_EQ(-ENOSPC, sedak_pool_create(rt, &po, &p));
	po.workers = 1;
	EXPECT_EQ(0, sedak_pool_create(rt, &po, &p));
	sedak_rt_destroy(rt);
	ro.more_workers = 0;
	po.workers = 48;
	ASSERT_EQ(0, sedak_rt_create(&ro, &rt));
	EXPECT_EQ(0, sedak_pool_create(rt, &po, &p));
	sedak_rt_destroy(rt);
	ro.more_workers = 1023;
	EXPECT_EQ(-EINVAL, sedak_rt_create(&ro, &rt));
	ro.more_workers = UINT32_MAX;
	EXPECT_EQ(-EINVAL, sedak_rt_create(&ro, &rt));
}

/* The device has no memory for any worker from here on. */
static int join_fails(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SEDA_IOC_WORKER_JOIN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

TEST(refused_by_the_device)
{
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 3 };
	struct sedak_rt *rt, *other;
	struct sedak_pool *p;

	if (strcmp(getenv("SEDAK_BACKEND") ?: "", "seda"))
		SKIP(return, "no device");
	rt = rt_new(1);
	other = rt_new(1);
	ASSERT_EQ(0, sedak_rt_start(rt));
	ASSERT_EQ(0, join_fails());
	EXPECT_EQ(-ENOMEM, sedak_pool_create(rt, &po, &p));
	EXPECT_EQ(-ENOMEM, sedak_rt_start(other));
	sedak_rt_destroy(other);
	sedak_rt_destroy(rt);
}

TEST_HARNESS_MAIN
