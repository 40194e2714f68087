// SPDX-License-Identifier: GPL-2.0
/* An id of nothing, of something gone, of another kind or app is -ESTALE. */
#include <kselftest_harness.h>

#include "tests/lib/disk.h"
#include "tests/lib/seda_rig.h"

FIXTURE(app) {
	struct rig r;
	int own, peer;
	uint64_t id;
	uint64_t bad[16];
	int nr_bad;
};

FIXTURE_SETUP(app)
{
	struct rig *r = &self->r;
	uint64_t gone;
	struct rig other;
	int i;

	/* the other app's ids have generations that this one's have not */
	ASSERT_EQ(0, rig_open(&other, NULL, NULL));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, app_timer(&other.app, other.stage, 0, 0,
				       &self->bad[0]));
	ASSERT_EQ(0, rig_open(r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(r, 0, &self->id, &self->own, &self->peer));
	ASSERT_EQ(0, app_timer(&r->app, r->stage, 0, 0, &gone));
	ASSERT_EQ(0, rig_do(r, SEDA_OP_CLOSE, gone, 0));
	ASSERT_NE(NULL, rig_await(r, SEDA_EV_CLOSED));
	ASSERT_EQ(0, rig_submit(r));
	/* until RCU has freed it: KASAN sees who still looks there */
	sleep_ms(100);
	self->nr_bad = 1;
	self->bad[self->nr_bad++] = 0;
	self->bad[self->nr_bad++] = gone;
	self->bad[self->nr_bad++] = (uint32_t)self->id;
	self->bad[self->nr_bad++] = self->id + 1;
	self->bad[self->nr_bad++] = self->id + (1ULL << 32);
	self->bad[self->nr_bad++] = self->id | 0x80000000U;
	self->bad[self->nr_bad++] = ~0ULL;
	self->bad[self->nr_bad++] = 0xffffffffULL;
	self->bad[self->nr_bad++] = 1ULL << 63;
	self->bad[self->nr_bad++] = r->w.id;
}

FIXTURE_TEARDOWN(app)
{
	rig_close(&self->r);
}

TEST_F(app, of_sources)
{
	struct seda_op send = { .op = SEDA_OP_SENDFILE, .source = self->id };
	struct seda_source_info_args info;
	uint8_t op;
	int i;

	self->bad[self->nr_bad++] = self->r.app.pool;
	self->bad[self->nr_bad++] = self->r.stage;
	for (i = 0; i < self->nr_bad; i++) {
		for (op = SEDA_OP_SEND; op < SEDA_OP_LAST; op++) {
			if (op == SEDA_OP_RETURN || op == SEDA_OP_POST ||
			    op == SEDA_OP_TAKE)
				continue;
			EXPECT_EQ(-ESTALE, rig_do(&self->r, op, self->bad[i],
						  0)) {
				TH_LOG("op %d, id %d", op, i);
			}
		}
		send.file = self->bad[i];
		EXPECT_EQ(-ESTALE, rig_op(&self->r, &send));
		EXPECT_EQ(-ESTALE, app_id_call(&self->r.app, SEDA_IOC_CLOSE,
					       self->bad[i], 0));
		EXPECT_EQ(-ESTALE, app_to_fd(&self->r.app, self->bad[i], 0));
		EXPECT_EQ(-ESTALE, app_source_info(&self->r.app, self->bad[i],
						   &info));
	}
}

TEST_F(app, of_stages)
{
	struct seda_stage_args set = { .size = sizeof(set) };
	struct app *app = &self->r.app;
	struct seda_addr to = addr_v4(1);
	struct seda_op op = { .op = SEDA_OP_POST };
	uint16_t port = 0;
	int i, l = tcp_listen(&port), fd[2], file = memfd_create("ids", 0);
	uint64_t id;

	self->bad[self->nr_bad++] = self->id;
	ASSERT_EQ(0, tcp_pair(fd));
	for (i = 0; i < self->nr_bad; i++) {
		uint64_t bad = self->bad[i];

		set.stage = bad;
		op.source = bad;
		EXPECT_EQ(-ESTALE, app_call(app, SEDA_IOC_STAGE_SET, &set));
		EXPECT_EQ(-ESTALE, app_id_call(app, SEDA_IOC_STAGE_DESTROY,
					       bad, 0));
		EXPECT_EQ(-ESTALE, app_post(app, bad, 0, 0));
		EXPECT_EQ(-ESTALE, rig_op(&self->r, &op));
		EXPECT_EQ(-ESTALE, app_listen(app, l, bad, self->r.stage,
					      NULL));
		EXPECT_EQ(-ESTALE, app_listen(app, l, self->r.stage, bad,
					      NULL));
		EXPECT_EQ(-ESTALE, app_adopt(app, fd[0], bad, 0, 0, &id));
		EXPECT_EQ(-ESTALE, app_connect(app, bad, &to, 0, 0, &id));
		EXPECT_EQ(-ESTALE, app_watch(app, fd[0], bad, POLLIN, 0, &id));
		EXPECT_EQ(-ESTALE, app_timer(app, bad, 0, 0, &id));
		EXPECT_EQ(-ESTALE, app_file(app, file, bad, self->r.stage, 0,
					    &id));
		/* 0: the same as the other */
		if (bad)
			EXPECT_EQ(-ESTALE, app_file(app, file, self->r.stage,
						    bad, 0, &id));
	}
	EXPECT_EQ(1, app->counters->sources);
	EXPECT_EQ(0, app_listen(app, l, self->r.stage, self->r.stage, NULL));
	EXPECT_EQ(0, app_adopt(app, fd[0], self->r.stage, 0, 0, &id));
}

TEST_F(app, of_pools)
{
	struct seda_pool_args set = { .size = sizeof(set) };
	struct seda_stage_args stage = { .size = sizeof(stage) };
	struct seda_join_args join = { .size = sizeof(join) };
	struct app *app = &self->r.app;
	int i;

	self->bad[self->nr_bad++] = self->id;
	ASSERT_EQ(0, worker_leave(&self->r.w));
	for (i = 0; i < self->nr_bad; i++) {
		set.pool = stage.pool = join.pool = self->bad[i];
		EXPECT_EQ(-ESTALE, app_call(app, SEDA_IOC_POOL_SET, &set));
		EXPECT_EQ(-ESTALE, app_id_call(app, SEDA_IOC_POOL_DESTROY,
					       self->bad[i], 0));
		EXPECT_EQ(-ESTALE, app_call(app, SEDA_IOC_STAGE_CREATE,
					    &stage));
		EXPECT_EQ(-ESTALE, app_call(app, SEDA_IOC_WORKER_JOIN, &join));
	}
}

TEST_F(app, of_workers)
{
	struct seda_enter_args a = { .size = sizeof(a) };
	int i;

	for (i = 0; i < self->nr_bad - 1; i++) {
		a.worker = self->bad[i];
		EXPECT_EQ(-ESRCH, app_call(&self->r.app, SEDA_IOC_ENTER, &a));
	}
}

TEST_HARNESS_MAIN
