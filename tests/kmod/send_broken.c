// SPDX-License-Identifier: GPL-2.0
/* A send that fails half-way ends the sending, not the receiving. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define SIZE	(8 << 20)

FIXTURE(conn) {
	struct rig r;
	uint64_t id;
	int own, peer;
	char *memory;
};

/* One send that waits for room, and one behind it. */
FIXTURE_SETUP(conn)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&self->r, 0, &self->id, &self->own,
			      &self->peer));
	self->memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
	memset(self->memory, 'a', SIZE);
	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, self->memory,
					 SIZE, 1));
	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, "later", 5, 2));
}

FIXTURE_TEARDOWN(conn)
{
	rig_close(&self->r);
}

/* Reads what has been sent, so that there is room. */
static void drain(int fd)
{
	static char into[1 << 20];

	while (recv(fd, into, sizeof(into), MSG_DONTWAIT) > 0)
		;
}

TEST_F(conn, its_memory_goes)
{
	struct seda_event *ev;

	ASSERT_EQ(0, munmap(self->memory, SIZE));
	/* there when the error is found, and no call back comes after it */
	ASSERT_EQ(4, write(self->peer, "data", 4));
	do {
		drain(self->peer);
		ev = rig_next_in(&self->r, MS);
	} while (!ev || ev->events == SEDA_EV_IN);
	EXPECT_EQ(SEDA_EV_ERR | SEDA_EV_CANCELED, ev->events);
	EXPECT_EQ(-EFAULT, ev->res);
	EXPECT_EQ(-EPIPE, rig_send(&self->r, self->id, "x", 1, 3));
	ASSERT_EQ(4, write(self->peer, "more", 4));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
}

TEST_F(conn, with_data_behind_the_error)
{
	struct pollfd room = { .fd = self->own, .events = POLLOUT };
	struct seda_event *ev;
	int came = 0;

	/* it is this worker's, so that data and error are found at once */
	ASSERT_EQ(1, write(self->peer, "x", 1));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	ASSERT_EQ(SEDA_EV_IN, ev->events);
	ASSERT_EQ(0, munmap(self->memory, SIZE));
	ASSERT_EQ(4, write(self->peer, "data", 4));
	do {
		drain(self->peer);
	} while (poll(&room, 1, 1) != 1 || ioctl(self->own, FIONREAD, &came) ||
		 came < 4);
	ev = rig_await(&self->r, SEDA_EV_ERR);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(-EFAULT, ev->res);
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(4, ev->len);
}

TEST_F(conn, its_vector_shrinks)
{
	struct seda_vec vec = { .addr = (uintptr_t)self->memory, .len = SIZE };
	struct seda_op op = {
		.op = SEDA_OP_SEND, .flags = SEDA_SEND_VEC, .user_data = 3,
		.addr = (uintptr_t)&vec, .len = 1,
	};
	uint64_t id;
	int own, peer;

	ASSERT_EQ(0, rig_pair(&self->r, 0, &id, &own, &peer));
	op.source = id;
	ASSERT_EQ(-EINPROGRESS, rig_op(&self->r, &op));
	vec.len = 10;
	do
		drain(peer);
	while (!rig_next_in(&self->r, MS));
	EXPECT_EQ(SEDA_EV_ERR | SEDA_EV_CANCELED, self->r.ev.events);
	EXPECT_EQ(-EFAULT, self->r.ev.res);
	EXPECT_EQ(id, self->r.ev.source);
}

TEST_F(conn, after_a_cancel_none_may_follow)
{
	struct seda_event *ev;

	EXPECT_EQ(2, rig_do(&self->r, SEDA_OP_CANCEL, self->id, 0));
	EXPECT_EQ(-EPIPE, rig_send(&self->r, self->id, "x", 1, 3));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CANCELED, ev->events);
	EXPECT_EQ(-ECANCELED, ev->res);
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_CANCEL, self->id, 0));
	ASSERT_EQ(4, write(self->peer, "more", 4));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
}

TEST_HARNESS_MAIN
