// SPDX-License-Identifier: GPL-2.0
/*
 * A send from memory that never answers (userfaultfd) blocks its own
 * connection and nobody else, and the process can be killed.
 */
#include <kselftest_harness.h>

#include "tests/lib/stages.h"
#include "tests/lib/stuck.h"

static struct rig r;
static uint64_t first, second;
static int first_peer, second_peer;
static char *stuck;

static void *sends_stuck(void *arg)
{
	struct worker w;
	struct seda_op *op;

	if (worker_join(&r.app, &w))
		return NULL;
	op = worker_op(&w, SEDA_OP_SEND, first);
	op->addr = (uintptr_t)stuck;
	op->len = 100;
	worker_enter(&w, 0, 0);
	return NULL;
}

/* The child: 0, or the line. */
static int child(int sock)
{
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 4 };
	struct seda_source_info_args info;
	uint64_t id, stage;
	pthread_t thread;
	char text[4096], back[8], byte;
	int own;

	if (stuck_make(&stuck) < 0)
		return 4;
	MUST(!rig_open(&r, NULL, NULL));
	/* the one that is stuck runs, as far as the pool knows */
	pool.pool = r.app.pool;
	MUST(!app_call(&r.app, SEDA_IOC_POOL_SET, &pool));
	MUST(!rig_pair(&r, 0, &first, &own, &first_peer));
	MUST(!rig_pair(&r, 0, &second, &own, &second_peer));
	pthread_create(&thread, NULL, sends_stuck, NULL);
	sleep_ms(200);
	/* all else goes on */
	MUST(rig_send(&r, second, "x", 1, 0) == 1);
	MUST(read(second_peer, back, 8) == 1);
	MUST(write(second_peer, "y", 1) == 1);
	MUST(rig_await(&r, SEDA_EV_IN));
	MUST(!app_timer(&r.app, r.stage, 1, 0, &id));
	MUST(rig_await(&r, SEDA_EV_TIMER));
	MUST(!app_stage(&r.app, NULL, &stage));
	MUST(!app_id_call(&r.app, SEDA_IOC_STAGE_DESTROY, stage, 0));
	MUST(!app_source_info(&r.app, second, &info));
	app_fdinfo(&r.app, text, sizeof(text));
	byte = r.app.fd;
	MUST(write(sock, &byte, 1) == 1);
	for (;;)
		pause();
}

static int other_app(void)
{
	struct rig o;
	uint64_t id;
	int own, peer;

	MUST(!rig_open(&o, NULL, NULL));
	MUST(!rig_pair(&o, 0, &id, &own, &peer));
	MUST(rig_send(&o, id, "x", 1, 0) == 1);
	rig_close(&o);
	return 0;
}

TEST(it_blocks_nobody_else)
{
	struct pollfd p = { .events = POLLIN };
	char path[64], byte, text[256];
	int s[2], status, fd;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid = fork();
	if (!pid) {
		close(s[0]);
		_exit(child(s[1]));
	}
	close(s[1]);
	p.fd = s[0];
	EXPECT_EQ(1, poll(&p, 1, LONG / MS)) {
		kill(pid, SIGKILL);
	}
	if (read(s[0], &byte, 1) != 1) {
		waitpid(pid, &status, 0);
		if (WEXITSTATUS(status) == 4)
			SKIP(return, "no userfaultfd");
		ASSERT_EQ(0, WEXITSTATUS(status));
	}
	EXPECT_EQ(0, other_app());
	/* who looks at it from outside is not blocked */
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, byte);
	fd = open(path, O_RDONLY);
	EXPECT_LT(0, read(fd, text, sizeof(text)));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(await_gone());
}

TEST_HARNESS_MAIN
