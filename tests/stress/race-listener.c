// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 300
 *
 * Listeners are closed, by CLOSE or by their descriptor, while workers accept
 * from them: each ends with one CLOSED, what was accepted is served and ends,
 * and what was not goes to the next who listens.
 */
#include "tests/stress/stress.h"

static struct app app;
static uint64_t accepts, data;
static uint16_t port;
static bool stop;
static long accepted, ended, closed, connects;

static void *working(void *arg)
{
	struct seda_op *op;
	unsigned int ops, i;
	struct worker w;
	int n;

	need(!worker_join(&app, &w));
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED) || app.counters->sources) {
		ops = w.nr_ops;
		/* nothing but an event ends it, or the end of the test */
		n = enter_some(&w, 1, SEDA_FOREVER);
		need(n >= 0);
		for (i = 0; i < ops; i++)
			if (w.ops[i].res)
				fail("CLOSE: %d", w.ops[i].res);
		__atomic_add_fetch(&ended, ops, __ATOMIC_RELAXED);
		while (n--) {
			const struct seda_event *ev = &w.events[n];

			if (ev->events == SEDA_EV_CLOSED) {
				__atomic_add_fetch(&closed, 1,
						   __ATOMIC_RELAXED);
				continue;
			}
			if (ev->events != SEDA_EV_ACCEPT)
				fail("events %#x", ev->events);
			__atomic_add_fetch(&accepted, 1, __ATOMIC_RELAXED);
			op = worker_op(&w, SEDA_OP_CLOSE, ev->child);
			op->flags = SEDA_CLOSE_QUIET;
		}
	}
	need(!worker_leave(&w));
	return NULL;
}

static void *connecting(void *arg)
{
	int fd;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		fd = tcp_connect(__atomic_load_n(&port, __ATOMIC_RELAXED));
		if (fd < 0) {
			sleep_ns(100000);
			continue;
		}
		__atomic_add_fetch(&connects, 1, __ATOMIC_RELAXED);
		close(fd);
	}
	return NULL;
}

/* On a busy machine it may take until somebody has connected. */
static bool enough(long done)
{
	long rounds = count_here(400);

	return done >= rounds && (__atomic_load_n(&accepted, __ATOMIC_RELAXED) ||
				  done >= 100 * rounds);
}

static int listen_anew(void)
{
	uint16_t any = 0;
	int fd = tcp_listen(&any);

	need(fd >= 0);
	__atomic_store_n(&port, any, __ATOMIC_RELAXED);
	return fd;
}

int main(void)
{
	long rounds, i, busy = 0;
	pthread_t t[5];
	uint64_t state, source, last;
	int fd, ret;

	begin(1);
	wakes_by_signal();
	state = chance_seed();
	need(!app_open(&app, NULL));
	need(!app_stage(&app, NULL, &accepts) && !app_stage(&app, NULL, &data));
	fd = listen_anew();
	for (i = 0; i < 5; i++)
		t[i] = thread(i < 3 ? working : connecting, NULL);
	for (rounds = 0; !enough(rounds); rounds++) {
		do {
			/* the one before is on its way out */
			ret = app_listen(&app, fd, accepts, data, &source);
			busy += ret == -EEXIST;
		} while (ret == -EEXIST);
		need(!ret);
		sleep_ns(chance(&state, 2000000));
		if (chance(&state, 2)) {
			need(!app_id_call(&app, SEDA_IOC_CLOSE, source, 0));
		} else {
			close(fd);
			fd = listen_anew();
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (last = now_ns(); app.counters->sources; sleep_ns(TICK))
		if (now_ns() - last > 30 * SECOND)
			fail("%u sources do not end", app.counters->sources);
	for (i = 0; i < 5; i++)
		finish(t[i]);
	ksft_print_msg("%ld connected, %ld accepted, %ld listeners closed\n",
		       connects, accepted, closed);
	ksft_print_msg("%ld times too early to listen anew\n", busy);
	need(closed == rounds && accepted == ended && accepted);
	need(!app_counters(&app, accepts)->outstanding);
	claim(true, "listeners close while workers accept\n");
	app_close(&app);
	return end();
}
