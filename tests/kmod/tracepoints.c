// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --turns
 *
 * Each tracepoint of the module fires where seda(4) says, and tells what happened.
 */
#include <kselftest_harness.h>

#include <stdarg.h>

#include "tests/lib/seda_rig.h"
#include "tests/lib/trace.h"

/* A line of the trace with this in it. */
static __attribute__((format(printf, 1, 2))) bool seen(const char *format, ...)
{
	char path[256], line[1024], want[256];
	bool found = false;
	va_list args;
	FILE *f;

	va_start(args, format);
	vsnprintf(want, sizeof(want), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/trace", trace_dir);
	f = fopen(path, "r");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = ' ';
		found = strstr(line, want);
	}
	fclose(f);
	if (!found)
		printf("# not traced: %s\n", want);
	return found;
}

FIXTURE(tracepoints) {
	struct rig r;
	uint64_t id;
	int own, peer;
};

FIXTURE_SETUP(tracepoints)
{
	struct seda_setup_args setup = { .workers = 1, .bufs = 2 };
	int ret = trace_open("seda_tracepoints");

	if (ret)
		SKIP(return, "no tracefs (%d)", ret);
	ASSERT_EQ(0, trace_put("events/seda/enable", "1"));
	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	ASSERT_EQ(0, rig_pair(&self->r, 0, &self->id, &self->own, &self->peer));
}

FIXTURE_TEARDOWN(tracepoints)
{
	rig_close(&self->r);
	close(self->own);
	close(self->peer);
	trace_close();
}

#define ID	((unsigned long long)self->id)

TEST_F(tracepoints, of_a_source)
{
	unsigned int i;

	EXPECT_TRUE(seen("seda_source_new: source=%llx stage=%u kind=", ID,
			 (uint32_t)self->r.stage));
	/* a byte for each buffer, which are kept, and one more */
	for (i = 0; i < self->r.app.setup.bufs; i++) {
		ASSERT_EQ(1, write(self->peer, "x", 1));
		ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_IN));
		self->r.w.ctl[0].flags = SEDA_CTL_KEEP;
	}
	EXPECT_TRUE(seen("seda_link: source=%llx ", ID));
	EXPECT_TRUE(seen("seda_event: source=%llx worker=0 events=%x len=1 res=0 ",
			 ID, SEDA_EV_IN));
	EXPECT_FALSE(seen("seda_stall: "));
	ASSERT_EQ(1, write(self->peer, "x", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_TRUE(seen("seda_stall: source=%llx ", ID));
	EXPECT_FALSE(seen("seda_source_end: "));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	EXPECT_TRUE(seen("seda_source_end: source=%llx ", ID));
}

TEST_F(tracepoints, of_sends)
{
	static char data[4 << 20];

	ASSERT_EQ(5, rig_send(&self->r, self->id, data, 5, 0x51));
	EXPECT_TRUE(seen("seda_send: source=%llx user_data=51 res=5 ", ID));
	EXPECT_EQ(-EFAULT, rig_send(&self->r, self->id, NULL, 5, 0x52));
	EXPECT_TRUE(seen("seda_send: source=%llx user_data=52 res=%d ", ID,
			 -EFAULT));
	EXPECT_FALSE(seen("seda_send_wait: "));
	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, data, sizeof(data),
					 0x53));
	EXPECT_TRUE(seen("seda_send_wait: source=%llx user_data=53 left=", ID));
}

struct late {
	struct app *app;
	int peer;
	bool wrote;
};

static void *writes_late(void *arg)
{
	struct late *l = arg;

	l->wrote = await_parked(l->app, 1);
	l->wrote &= write(l->peer, "x", 1) == 1;
	return NULL;
}

TEST_F(tracepoints, of_a_worker)
{
	struct late late = { .app = &self->r.app, .peer = self->peer };
	pthread_t thread;

	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_TRUE(seen("seda_enter: worker=0 n=0 "));
	EXPECT_TRUE(seen("seda_leave: worker=0 n=0 "));
	EXPECT_FALSE(seen("seda_park: "));
	ASSERT_EQ(0, pthread_create(&thread, NULL, writes_late, &late));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_IN));
	pthread_join(thread, NULL);
	EXPECT_TRUE(late.wrote);
	EXPECT_TRUE(seen("seda_park: worker=0 pid=%d ", getpid()));
	EXPECT_TRUE(seen("seda_wake: worker=0 pid=%d ", getpid()));
	EXPECT_TRUE(seen("seda_leave: worker=0 n=1 "));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_NOP, 0, 0));
	EXPECT_TRUE(seen("seda_enter: worker=0 n=1 "));
}

TEST_HARNESS_MAIN
