// SPDX-License-Identifier: GPL-2.0
/* SEND of one piece, of a vector, from a receive buffer. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

FIXTURE(conn) {
	struct rig r;
	uint64_t id;
	int peer;
	char back[4096];
};

FIXTURE_SETUP(conn)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&self->r, &self->id, &self->peer));
}

FIXTURE_TEARDOWN(conn)
{
	rig_close(&self->r);
}

TEST_F(conn, one_piece)
{
	EXPECT_EQ(5, rig_send(&self->r, self->id, "hello", 5, 0));
	ASSERT_EQ(5, read(self->peer, self->back, 100));
	EXPECT_EQ(0, memcmp("hello", self->back, 5));
	EXPECT_EQ(0, rig_send(&self->r, self->id, "", 0, 0));
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(conn, a_vector)
{
	struct seda_vec v[SEDA_MAX_VEC];
	char byte[SEDA_MAX_VEC];
	struct seda_op op = {
		.op = SEDA_OP_SEND, .source = self->id,
		.flags = SEDA_SEND_VEC, .addr = (uintptr_t)v,
		.len = SEDA_MAX_VEC,
	};
	int i;

	for (i = 0; i < SEDA_MAX_VEC; i++) {
		byte[i] = i;
		v[i].addr = (uintptr_t)&byte[i];
		v[i].len = i % 2;
	}
	EXPECT_EQ(SEDA_MAX_VEC / 2, rig_op(&self->r, &op));
	ASSERT_EQ(SEDA_MAX_VEC / 2, read(self->peer, self->back, 100));
	for (i = 0; i < SEDA_MAX_VEC / 2; i++)
		EXPECT_EQ(2 * i + 1, self->back[i]);
	op.len = SEDA_MAX_VEC + 1;
	EXPECT_EQ(-EMSGSIZE, rig_op(&self->r, &op));
	op.len = 1;
	v[0].len = SEDA_MAX_SEND_LEN + 1ULL;
	EXPECT_EQ(-EMSGSIZE, rig_op(&self->r, &op));
	v[0].len = ~0ULL;
	EXPECT_EQ(-EMSGSIZE, rig_op(&self->r, &op));
	v[0].len = 1;
	v[0].addr = 8;
	EXPECT_EQ(-EFAULT, rig_op(&self->r, &op));
	op.addr = 8;
	EXPECT_EQ(-EFAULT, rig_op(&self->r, &op));
	op.len = 0;
	EXPECT_EQ(0, rig_op(&self->r, &op));
}

TEST_F(conn, in_place_from_a_receive_buffer)
{
	struct seda_event *ev;
	struct seda_op *op;

	ASSERT_EQ(6, write(self->peer, "mirror", 6));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	ASSERT_EQ(SEDA_EV_IN, ev->events);
	op = worker_echo(&self->r.w, ev);
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(6, op->res);
	ASSERT_EQ(6, read(self->peer, self->back, 100));
	EXPECT_EQ(0, memcmp("mirror", self->back, 6));
	/* the buffer is the kernel's again */
	EXPECT_EQ(1024, self->r.app.counters->bufs_free);
	worker_echo(&self->r.w, ev);
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(-EINVAL, self->r.w.ops[0].res);
}

TEST_F(conn, a_buffer_is_not_reused_before_its_send_is_finished)
{
	static char data[8 << 20];
	struct seda_event *ev;
	struct seda_op *op;

	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, data,
					 sizeof(data), 1));
	ASSERT_EQ(6, write(self->peer, "mirror", 6));
	ev = rig_await(&self->r, SEDA_EV_IN);
	ASSERT_NE(NULL, ev);
	op = worker_echo(&self->r.w, ev);
	op->user_data = 2;
	ASSERT_EQ(0, rig_submit(&self->r));
	ASSERT_EQ(-EINPROGRESS, op->res);
	EXPECT_EQ(1023, self->r.app.counters->bufs_free);
	EXPECT_EQ(2, rig_do(&self->r, SEDA_OP_CANCEL, self->id, 0));
	EXPECT_EQ(1024, self->r.app.counters->bufs_free);
}

TEST_F(conn, bad_memory)
{
	EXPECT_EQ(-EFAULT, rig_send(&self->r, self->id, (void *)8, 5, 0));
	EXPECT_EQ(-EFAULT, rig_send(&self->r, self->id, (void *)-4096UL, 5, 0));
	EXPECT_EQ(-EMSGSIZE, rig_send(&self->r, self->id, self->back,
				      SEDA_MAX_SEND_LEN + 1ULL, 0));
}

TEST_F(conn, more_is_merged_with_the_next)
{
	struct seda_op op = {
		.op = SEDA_OP_SEND, .source = self->id,
		.flags = SEDA_SEND_MORE, .addr = (uintptr_t)"one ", .len = 4,
	};

	EXPECT_EQ(4, rig_op(&self->r, &op));
	op.flags = 0;
	op.addr = (uintptr_t)"two";
	op.len = 3;
	EXPECT_EQ(3, rig_op(&self->r, &op));
	ASSERT_EQ(7, read(self->peer, self->back, 100));
	EXPECT_EQ(0, memcmp("one two", self->back, 7));
}

TEST_F(conn, after_shutdown_it_is_epipe)
{
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_SHUTDOWN, self->id, 0));
	EXPECT_EQ(0, read(self->peer, self->back, 1));
	EXPECT_EQ(-EPIPE, rig_send(&self->r, self->id, "x", 1, 0));
	EXPECT_EQ(-EPIPE, rig_do(&self->r, SEDA_OP_SHUTDOWN, self->id, 0));
}

TEST_HARNESS_MAIN
