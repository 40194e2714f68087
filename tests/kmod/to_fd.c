// SPDX-License-Identifier: GPL-2.0
/* TO_FD turns a connection into a descriptor that works as any other. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

FIXTURE(conn) {
	struct rig r;
	uint64_t id;
	int peer;
};

FIXTURE_SETUP(conn)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&self->r, &self->id, &self->peer));
	ASSERT_EQ(2, write(self->peer, "in", 2));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_IN));
}

FIXTURE_TEARDOWN(conn)
{
	rig_close(&self->r);
}

TEST_F(conn, an_owned_one)
{
	int fd = app_to_fd(&self->r.app, self->id, SEDA_FD_CLOEXEC);
	char back[8];

	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	ASSERT_EQ(3, write(self->peer, "abc", 3));
	fcntl(fd, F_SETFL, 0);
	EXPECT_EQ(3, read(fd, back, 8));
	ASSERT_EQ(2, write(fd, "hi", 2));
	EXPECT_EQ(2, read(self->peer, back, 8));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(0, self->r.app.counters->sources);
	EXPECT_EQ(-ESTALE, app_to_fd(&self->r.app, self->id, 0));
	/* it survives the app, and can be adopted by another */
	rig_close(&self->r);
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, app_adopt(&self->r.app, fd, self->r.stage, 0, 0,
			       &self->id));
	ASSERT_EQ(3, write(self->peer, "abc", 3));
	EXPECT_NE(NULL, rig_await(&self->r, SEDA_EV_IN));
	close(fd);
	EXPECT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	EXPECT_EQ(0, read(self->peer, back, 8));
}

TEST_F(conn, not_one_whose_closed_event_was_promised)
{
	self->r.w.ctl[0].flags = SEDA_CTL_HOLD;
	ASSERT_EQ(0, rig_submit(&self->r));
	ASSERT_EQ(0, app_id_call(&self->r.app, SEDA_IOC_CLOSE, self->id, 0));
	EXPECT_EQ(-EALREADY, app_to_fd(&self->r.app, self->id, 0));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_RELEASE, self->id, 0));
	EXPECT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
}

TEST_F(conn, a_held_one)
{
	int fd;

	self->r.w.ctl[0].flags = SEDA_CTL_HOLD;
	ASSERT_EQ(0, rig_submit(&self->r));
	fd = app_to_fd(&self->r.app, self->id, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, app_counters(&self->r.app, self->r.stage)->outstanding);
	EXPECT_EQ(0, self->r.app.counters->sources);
}

TEST_F(conn, one_that_is_neither)
{
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(-EBUSY, app_to_fd(&self->r.app, self->id, 0));
	EXPECT_EQ(-EINVAL, app_to_fd(&self->r.app, self->id, 2));
}

TEST_F(conn, one_with_unfinished_sends)
{
	static char data[8 << 20];

	self->r.w.ctl[0].flags = SEDA_CTL_HOLD;
	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, data,
					 sizeof(data), 0));
	EXPECT_EQ(-EBUSY, app_to_fd(&self->r.app, self->id, 0));
	EXPECT_EQ(1, rig_do(&self->r, SEDA_OP_CANCEL, self->id, 0));
	EXPECT_LE(0, app_to_fd(&self->r.app, self->id, 0));
}

TEST_F(conn, other_kinds)
{
	uint64_t timer;

	ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage, 0, 0, &timer));
	EXPECT_EQ(-EOPNOTSUPP, app_to_fd(&self->r.app, timer, 0));
}

TEST_F(conn, without_a_descriptor_to_be_had_it_is_closed)
{
	int fd, ret;
	char c;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0);
	ret = app_to_fd(&self->r.app, self->id, 0);
	EXPECT_EQ(-EMFILE, ret);
	EXPECT_EQ(0, self->r.app.counters->sources);
	EXPECT_EQ(0, read(self->peer, &c, 1));
}

TEST_HARNESS_MAIN
