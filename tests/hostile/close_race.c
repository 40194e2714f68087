// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --timeout 300
 *
 * Descriptors closed by a thread under every source, which another closes by its id
 * meanwhile, give one CLOSED each.
 */
#include <kselftest_harness.h>

#include "tests/lib/count.h"
#include "tests/lib/stages.h"

#define MOST	1000000

static struct app *app;
static int fds[MOST];
static uint64_t ids[MOST];
static volatile int ready, rounds, closed_by_id;

/* When the source of round i is there, and a while, that varies. */
static void await_round(int i, int vary)
{
	volatile int spin;
	int j;

	while (ready <= i)
		sched_yield();
	for (j = 0, spin = 0; j < i % 3000 * vary % 3000; j++)
		spin++;
}

static void *closes(void *arg)
{
	int i;

	for (i = 0; i < rounds; i++) {
		await_round(i, 7919);
		close(fds[i]);
	}
	return NULL;
}

/* Two of three; the data, the end and the other close race with each. */
static void *closes_by_id(void *arg)
{
	int i;

	for (i = 0; i < rounds; i++) {
		await_round(i, 6007);
		if (i % 3 && !app_id_call(app, SEDA_IOC_CLOSE, ids[i],
					  i % 2 ? SEDA_CLOSE_ABORT : 0))
			closed_by_id++;
	}
	return NULL;
}

TEST(one_closed_for_each)
{
	int i, n, closed = 0, own, peer;
	static unsigned char seen[MOST];
	struct seda_event *ev;
	pthread_t thread[2];
	struct rig r;
	uint64_t id;

	rounds = count_here(10000);
	ASSERT_GE(MOST, rounds);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	app = &r.app;
	pthread_create(&thread[0], NULL, closes, NULL);
	pthread_create(&thread[1], NULL, closes_by_id, NULL);
	for (i = 0; closed < rounds; i++) {
		if (i < rounds) {
			struct seda_op *op;
			int fd[2];

			ASSERT_EQ(0, tcp_pair(fd));
			own = fd[0];
			peer = fd[1];
			ASSERT_EQ(0, app_adopt(&r.app, own, r.stage, i, 0,
					       &id));
			ASSERT_EQ(1, write(peer, "x", 1));
			fds[i] = own;
			ids[i] = id;
			ready = i + 1;
			if (i % 3 == 0) {
				op = worker_op(&r.w, SEDA_OP_SEND, id);
				op->addr = (uintptr_t)stages_big;
				op->len = 100000;
			}
			/* some see the peer's end first */
			if (i % 4)
				close(peer);
		}
		n = worker_enter(&r.w, i >= rounds, SEDA_FOREVER);
		/* the thread's close may have left the last reference to us */
		if (n == -EINTR)
			continue;
		ASSERT_LE(0, n);
		for (ev = r.w.events; ev < r.w.events + n; ev++) {
			if (!(ev->events & SEDA_EV_CLOSED))
				continue;
			ASSERT_GT(rounds, ev->user_data);
			seen[ev->user_data]++;
			closed++;
		}
	}
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < rounds; i++)
		ASSERT_EQ(1, seen[i]);
	EXPECT_LT(0, closed_by_id);
	rig_close(&r);
}

TEST(at_every_stage)
{
	static struct life l;
	struct seda_event *ev;
	size_t i;

	for (i = 0; i < LIFE_STAGES; i++) {
		if (life_stages[i].set_up == life_posted ||
		    life_stages[i].set_up == life_parked ||
		    life_stages[i].set_up == life_watching)
			continue;
		ASSERT_EQ(0, life_stages[i].set_up(&l)) {
			TH_LOG("%s", life_stages[i].name);
		}
		/* a file to be read is kept open */
		if (l.own >= 0 && life_stages[i].set_up != life_reading)
			close(l.own);
		else
			app_id_call(&l.r.app, SEDA_IOC_CLOSE, l.id,
				    SEDA_CLOSE_ABORT);
		worker_op(&l.r.w, SEDA_OP_RELEASE, l.id);
		do {
			ev = rig_next(&l.r);
		} while (ev && (!(ev->events & SEDA_EV_CLOSED) ||
				ev->source != l.id));
		EXPECT_NE(NULL, ev) {
			TH_LOG("%s", life_stages[i].name);
		}
		rig_close(&l.r);
	}
	EXPECT_TRUE(await_gone());
}

TEST_HARNESS_MAIN
