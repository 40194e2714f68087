// SPDX-License-Identifier: GPL-2.0
/* Every bad op to its errno. */
#include <kselftest_harness.h>

#include "tests/lib/disk.h"
#include "tests/lib/seda_rig.h"

enum { TCP, LISTENER, UDP, FILE_, TIMER, DISK, KINDS };

FIXTURE(app) {
	struct rig r;
	uint64_t id[KINDS];
	int own, peer;
};

FIXTURE_SETUP(app)
{
	struct rig *r = &self->r;
	uint16_t port = 0;
	int p[2];

	ASSERT_EQ(0, rig_open(r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(r, 0, &self->id[TCP], &self->own, &self->peer));
	ASSERT_EQ(0, app_listen(&r->app, tcp_listen(&port), r->stage, r->stage,
				&self->id[LISTENER]));
	ASSERT_EQ(0, app_adopt(&r->app, socket(AF_INET, SOCK_DGRAM, 0),
			       r->stage, 0, 0, &self->id[UDP]));
	ASSERT_EQ(0, pipe(p));
	ASSERT_EQ(0, app_watch(&r->app, p[0], r->stage, POLLIN, 0,
			       &self->id[FILE_]));
	ASSERT_EQ(0, app_timer(&r->app, r->stage, 0, 0, &self->id[TIMER]));
	ASSERT_EQ(0, app_file(&r->app, memfd_create("ops", 0), r->stage, 0, 0,
			      &self->id[DISK]));
}

FIXTURE_TEARDOWN(app)
{
	rig_close(&self->r);
}

TEST_F(app, unknown_ops)
{
	int op;

	for (op = SEDA_OP_LAST; op < 256; op++)
		EXPECT_EQ(-EOPNOTSUPP, rig_do(&self->r, op, self->id[TCP], 0));
}

TEST_F(app, unknown_flags)
{
	static const uint16_t known[SEDA_OP_LAST] = {
		[SEDA_OP_SEND] = SEDA_SEND_VEC | SEDA_SEND_BUF | SEDA_SEND_MORE,
		[SEDA_OP_CLOSE] = SEDA_CLOSE_ABORT | SEDA_CLOSE_QUIET,
		[SEDA_OP_READ] = SEDA_IO_VEC | SEDA_IO_NOWAIT,
		[SEDA_OP_WRITE] = SEDA_IO_VEC | SEDA_IO_NOWAIT,
		[SEDA_OP_SYNC] = SEDA_IO_NOWAIT | SEDA_SYNC_DATA,
		[SEDA_OP_ADVISE] = SEDA_IO_NOWAIT | SEDA_ADVISE_DROP,
		[SEDA_OP_SENDFILE] = SEDA_IO_NOWAIT | SEDA_SEND_MORE,
	};
	int op, bit;

	for (op = 0; op < SEDA_OP_LAST; op++)
		for (bit = 0; bit < 16; bit++)
			if (!(known[op] & 1 << bit))
				EXPECT_EQ(-EINVAL,
					  rig_do(&self->r, op, self->id[TCP],
						 1 << bit)) {
					TH_LOG("op %d, bit %d", op, bit);
				}
}

#define UNUSED(code, member) do {					\
	struct seda_op o = { .op = (code), .source = self->id[TCP] };	\
									\
	if (o.op == SEDA_OP_NOP || o.op == SEDA_OP_RETURN ||		\
	    o.op == SEDA_OP_TAKE)					\
		o.source = 0;						\
	o.member = 1;							\
	EXPECT_EQ(-EINVAL, rig_op(&self->r, &o)) {			\
		TH_LOG("op %d: " #member, o.op);			\
	}								\
} while (0)

static bool of_file(int op)
{
	return op >= SEDA_OP_READ && op <= SEDA_OP_SENDFILE;
}

TEST_F(app, fields_that_are_not_used)
{
	int op;

	for (op = 0; op < SEDA_OP_LAST; op++)
		UNUSED(op, pad);
	UNUSED(SEDA_OP_NOP, source);
	UNUSED(SEDA_OP_RETURN, source);
	UNUSED(SEDA_OP_TAKE, source);
	for (op = 0; op < SEDA_OP_LAST; op++) {
		if (op == SEDA_OP_SEND || op == SEDA_OP_SET_DATA ||
		    op == SEDA_OP_POST || (of_file(op) && op != SEDA_OP_RESIDENT))
			continue;
		UNUSED(op, user_data);
	}
	for (op = 0; op < SEDA_OP_LAST; op++) {
		bool data = op == SEDA_OP_READ || op == SEDA_OP_WRITE;

		if (op != SEDA_OP_SEND && op != SEDA_OP_RECV && !of_file(op))
			UNUSED(op, len);
		if (op != SEDA_OP_RETURN && !data)
			UNUSED(op, buf);
		if (op != SEDA_OP_SEND && op != SEDA_OP_ARM && !of_file(op))
			UNUSED(op, first_ns);
		if (op != SEDA_OP_SEND && op != SEDA_OP_ARM &&
		    op != SEDA_OP_SENDFILE)
			UNUSED(op, period_ns);
		UNUSED(op, reserved);
		if (op != SEDA_OP_SEND && op != SEDA_OP_RECV &&
		    op != SEDA_OP_ARM && op != SEDA_OP_POST && !data)
			UNUSED(op, addr);
	}
	/* those that suit other kinds only */
	UNUSED(SEDA_OP_SEND, first_ns);
	UNUSED(SEDA_OP_SEND, to.scope_id);
	UNUSED(SEDA_OP_ARM, addr);
	UNUSED(SEDA_OP_ARM, first_ns);
	UNUSED(SEDA_OP_ARM, period_ns);
}

TEST_F(app, ops_that_do_not_suit_the_kind)
{
	static const bool suits[SEDA_OP_LAST][KINDS] = {
		[SEDA_OP_SEND] = { [TCP] = true, [UDP] = true },
		[SEDA_OP_RECV] = { [TCP] = true },
		[SEDA_OP_SHUTDOWN] = { [TCP] = true },
		[SEDA_OP_CLOSE] = { true, true, true, true, true, true },
		[SEDA_OP_CANCEL] = { [TCP] = true, [DISK] = true },
		[SEDA_OP_ARM] = { true, true, true, true, true },
		[SEDA_OP_DISARM] = { true, true, true, true, true },
		[SEDA_OP_READ] = { [DISK] = true },
		[SEDA_OP_WRITE] = { [DISK] = true },
		[SEDA_OP_SYNC] = { [DISK] = true },
		[SEDA_OP_ADVISE] = { [DISK] = true },
		[SEDA_OP_RESIDENT] = { [DISK] = true },
		[SEDA_OP_SENDFILE] = { [TCP] = true },
	};
	/* these are for all kinds, or for none */
	static const bool any[SEDA_OP_LAST] = {
		[SEDA_OP_RELEASE] = true, [SEDA_OP_RETURN] = true,
		[SEDA_OP_SET_DATA] = true, [SEDA_OP_POST] = true,
		[SEDA_OP_TAKE] = true,
	};
	int op, kind;

	for (op = SEDA_OP_SEND; op < SEDA_OP_LAST; op++)
		for (kind = 0; kind < KINDS; kind++)
			if (!any[op] && !suits[op][kind])
				EXPECT_EQ(-EOPNOTSUPP,
					  rig_do(&self->r, op, self->id[kind],
						 0)) {
					TH_LOG("op %d, kind %d", op, kind);
				}
}

TEST_F(app, buffers_that_are_not_the_applications)
{
	struct seda_op op = {
		.op = SEDA_OP_SEND, .source = self->id[TCP],
		.flags = SEDA_SEND_BUF, .addr = (uintptr_t)self->r.app.arena,
		.len = 1,
	};
	static const uint32_t bad[] = { 0, 1, 1023, 1024, ~0U, 1U << 31 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		op.buf = bad[i];
		EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
	}
	op.source = self->id[UDP];
	EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
}

TEST_F(app, too_many_ops_or_events)
{
	struct seda_enter_args a = {
		.size = sizeof(a), .worker = self->r.w.id, .nr_ops = 257,
	};

	EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_ENTER, &a));
	a.nr_ops = ~0U;
	EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_ENTER, &a));
	a.nr_ops = 0;
	a.max_events = 65;
	EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_ENTER, &a));
	a.max_events = 4;
	a.min_events = 5;
	EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_ENTER, &a));
	a.max_events = 0;
	a.min_events = 65;
	EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_ENTER, &a));
}

TEST_F(app, a_bad_op_does_not_stop_the_others)
{
	struct worker *w = &self->r.w;

	worker_op(w, 200, 0)->res = 5;
	worker_op(w, SEDA_OP_NOP, 0)->res = 5;
	worker_op(w, SEDA_OP_NOP, 1)->res = 5;
	worker_op(w, SEDA_OP_SET_DATA, self->id[TCP])->user_data = 9;
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(-EOPNOTSUPP, w->ops[0].res);
	EXPECT_EQ(0, w->ops[1].res);
	EXPECT_EQ(-EINVAL, w->ops[2].res);
	EXPECT_EQ(0, w->ops[3].res);
}

TEST_HARNESS_MAIN
