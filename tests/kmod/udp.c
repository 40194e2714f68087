// SPDX-License-Identifier: GPL-2.0
/* UDP: datagrams with their senders, replies, truncation, errors, pause. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

union sa {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

FIXTURE(udp) {
	struct rig r;
	uint64_t id;
	int own, peer;
	union sa own_sa, peer_sa;
	socklen_t len;
	char back[128];
};

FIXTURE_VARIANT(udp) {
	int family;
};

FIXTURE_VARIANT_ADD(udp, v4) {
	.family = AF_INET,
};

FIXTURE_VARIANT_ADD(udp, v6) {
	.family = AF_INET6,
};

static int udp_socket(int family, union sa *sa, socklen_t *len)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	memset(sa, 0, sizeof(*sa));
	sa->sa.sa_family = family;
	*len = family == AF_INET ? sizeof(sa->in) : sizeof(sa->in6);
	if (family == AF_INET)
		sa->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		sa->in6.sin6_addr = in6addr_loopback;
	if (bind(fd, &sa->sa, *len) || getsockname(fd, &sa->sa, len))
		return -1;
	return fd;
}

FIXTURE_SETUP(udp)
{
	struct seda_setup_args setup = { .buf_size = 64, .bufs = 16 };

	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	self->own = udp_socket(variant->family, &self->own_sa, &self->len);
	self->peer = udp_socket(variant->family, &self->peer_sa, &self->len);
	ASSERT_LE(0, self->own);
	ASSERT_LE(0, self->peer);
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 9, 0,
			       &self->id));
}

FIXTURE_TEARDOWN(udp)
{
	rig_close(&self->r);
}

static struct seda_addr seda_addr_of(const union sa *sa)
{
	struct seda_addr a = {
		.family = sa->sa.sa_family, .port = sa->in.sin_port,
	};

	if (a.family == AF_INET)
		memcpy(a.addr, &sa->in.sin_addr, 4);
	else
		memcpy(a.addr, &sa->in6.sin6_addr, 16);
	return a;
}

TEST_F(udp, a_datagram_with_its_sender_and_a_reply)
{
	struct seda_addr from = seda_addr_of(&self->peer_sa);
	struct seda_event *ev;
	struct seda_op *op;

	ASSERT_EQ(5, sendto(self->peer, "hello", 5, 0, &self->own_sa.sa,
			    self->len));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(5, ev->len);
	EXPECT_EQ(9, ev->user_data);
	EXPECT_EQ(0, memcmp("hello", rig_data(&self->r, ev), 5));
	EXPECT_EQ(0, memcmp(&from, &ev->peer, sizeof(from)));
	op = worker_echo(&self->r.w, ev);
	op->to = ev->peer;
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(5, op->res);
	EXPECT_EQ(5, recv(self->peer, self->back, 128, 0));
	EXPECT_EQ(0, memcmp("hello", self->back, 5));
}

TEST_F(udp, many_in_one_batch)
{
	int i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(1, sendto(self->peer, "0123456789" + i, 1, 0,
				    &self->own_sa.sa, self->len));
	sleep_ms(20);
	ASSERT_EQ(10, worker_enter(&self->r.w, 10, SEDA_FOREVER));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(i, (int)self->r.w.events[i].seq);
		EXPECT_EQ('0' + i, *rig_data(&self->r,
					     &self->r.w.events[i]));
	}
	EXPECT_EQ(10, app_counters(&self->r.app, self->r.stage)->outstanding);
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(0, app_counters(&self->r.app, self->r.stage)->outstanding);
	EXPECT_EQ(16, self->r.app.counters->bufs_free);
}

TEST_F(udp, more_than_the_buffers_waits_for_them)
{
	int i, got = 0, n;

	for (i = 0; i < 40; i++)
		ASSERT_EQ(4, sendto(self->peer, &i, 4, 0, &self->own_sa.sa,
				    self->len));
	sleep_ms(20);
	while (got < 40) {
		n = worker_enter(&self->r.w, 1, SEDA_FOREVER);
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++)
			ASSERT_EQ(got++, *(int *)rig_data(&self->r,
						&self->r.w.events[i]));
	}
}

TEST_F(udp, one_larger_than_a_buffer_is_cut_and_told)
{
	static char big[100];
	struct seda_event *ev;

	ASSERT_EQ(100, sendto(self->peer, big, 100, 0, &self->own_sa.sa,
			      self->len));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN | SEDA_EV_TRUNC, ev->events);
	EXPECT_EQ(64, ev->len);
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(udp, an_empty_one_is_an_event)
{
	struct seda_event *ev;

	ASSERT_EQ(0, sendto(self->peer, "", 0, 0, &self->own_sa.sa,
			    self->len));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(0, ev->len);
}

TEST_F(udp, an_icmp_error_is_an_event)
{
	struct seda_event *ev;
	struct seda_op *op;

	ASSERT_EQ(0, connect(self->own, &self->peer_sa.sa, self->len));
	close(self->peer);
	op = worker_op(&self->r.w, SEDA_OP_SEND, self->id);
	op->addr = (uintptr_t)"x";
	op->len = 1;
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ERR, ev->events);
	EXPECT_EQ(-ECONNREFUSED, ev->res);
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(udp, disarmed_it_keeps_datagrams_in_the_socket)
{
	struct seda_event *ev;

	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_DISARM, self->id, 0));
	ASSERT_EQ(1, sendto(self->peer, "x", 1, 0, &self->own_sa.sa,
			    self->len));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_ARM, self->id, 0));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
}

TEST_F(udp, closing_the_descriptor_ends_it)
{
	struct seda_event *ev;

	close(self->own);
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	EXPECT_EQ(self->id, ev->source);
	EXPECT_EQ(0, self->r.app.counters->sources);
}

TEST_F(udp, send_refuses_what_does_not_suit)
{
	struct seda_op op = {
		.op = SEDA_OP_SEND, .source = self->id, .addr = (uintptr_t)"x",
		.len = 1,
	};

	/* not connected, no address */
	EXPECT_EQ(-EDESTADDRREQ, rig_op(&self->r, &op));
	op.to.family = AF_UNIX;
	EXPECT_EQ(-EAFNOSUPPORT, rig_op(&self->r, &op));
	op.to = seda_addr_of(&self->peer_sa);
	op.flags = SEDA_SEND_MORE;
	EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
	op.flags = 0;
	op.len = 100000;
	EXPECT_GT(0, rig_op(&self->r, &op));
	op.len = 1;
	op.addr = 8;
	EXPECT_EQ(-EFAULT, rig_op(&self->r, &op));
	EXPECT_EQ(-EOPNOTSUPP, rig_do(&self->r, SEDA_OP_SHUTDOWN, self->id, 0));
	EXPECT_EQ(-EOPNOTSUPP, rig_do(&self->r, SEDA_OP_RECV, self->id, 0));
	EXPECT_EQ(-EOPNOTSUPP, rig_do(&self->r, SEDA_OP_CANCEL, self->id, 0));
}

TEST_HARNESS_MAIN
