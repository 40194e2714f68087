// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 300
 *
 * Connections are made, refused or not answered while their deadlines go off, and
 * while they are cancelled and closed: each has no more than one result, which is one
 * that can be, and ends once.
 */
#include "tests/stress/stress.h"

#define TABLE	(1 << 17)
#define LIVE	16
#define WORKERS	3

/* By user_data, which no other source will have. */
struct entry {
	bool deadline, told, ended;
};

static struct app app;
static struct entry table[TABLE];
static uint64_t live[LIVE], stage;
static uint16_t port, refusing_port, deaf_port;
static int listener;
static long serial, ended, cancels, connected, expired, cancelled, refused;
static bool stop;

static void *accepts(void *arg)
{
	struct linger reset = { .l_onoff = 1 };
	int fd;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		/* so that no port is left in TIME_WAIT */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	return NULL;
}

static void has_result(struct entry *e, int res)
{
	if (e->told)
		fail("two results of one connection: now %d", res);
	e->told = true;
	if (res == -ETIMEDOUT && !e->deadline)
		fail("a time-out of one that has no deadline");
	__atomic_add_fetch(!res ? &connected :
			   res == -ETIMEDOUT ? &expired :
			   res == -ECANCELED ? &cancelled : &refused, 1,
			   __ATOMIC_RELAXED);
	/* one that was accepted and reset, too */
	if (res && res != -ETIMEDOUT && res != -ECANCELED &&
	    res != -ECONNREFUSED && res != -ECONNRESET)
		fail("a connection's result is %d", res);
}

static void take(struct worker *w, const struct seda_event *ev, uint64_t *state)
{
	struct entry *e = &table[ev->user_data];

	need(ev->user_data < TABLE);
	if (e->ended)
		fail("%#x after CLOSED", ev->events);
	if (ev->events & SEDA_EV_CONNECT)
		has_result(e, ev->res);
	if (ev->events & SEDA_EV_CLOSED) {
		e->ended = true;
		__atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
	} else if (!(ev->events & SEDA_EV_CONNECT && ev->res)) {
		worker_op(w, SEDA_OP_CLOSE, ev->source)->flags =
			chance(state, 2) ? SEDA_CLOSE_ABORT : 0;
	}
}

static uint64_t some_id(uint64_t *state)
{
	return __atomic_load_n(&live[chance(state, LIVE)], __ATOMIC_RELAXED);
}

static void *works(void *arg)
{
	uint64_t state = (uintptr_t)arg;
	unsigned int ops, i;
	struct worker w;
	int n;

	need(!worker_join(&app, &w));
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		ops = w.nr_ops;
		/* nothing but an event ends it, or the end of the test */
		n = enter_some(&w, 1, SEDA_FOREVER);
		need(n >= 0);
		for (i = 0; i < ops; i++)
			if (w.ops[i].op == SEDA_OP_CANCEL && w.ops[i].res == 1)
				__atomic_add_fetch(&cancels, 1, __ATOMIC_RELAXED);
		for (i = 0; i < (unsigned int)n; i++)
			take(&w, &w.events[i], &state);
		worker_op(&w, SEDA_OP_CANCEL, some_id(&state));
	}
	return NULL;
}

static void *closes(void *arg)
{
	uint64_t state = (uintptr_t)arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		app_id_call(&app, SEDA_IOC_CLOSE, some_id(&state),
			    chance(&state, 2));
		sleep_ns(chance(&state, 1000000));
	}
	return NULL;
}

static void make(uint64_t *state)
{
	uint16_t ports[] = { port, port, refusing_port, deaf_port };
	struct seda_connect_args a = {
		.size = sizeof(a), .stage = stage, .user_data = serial,
		.peer = { .family = AF_INET, .addr = { 127, 0, 0, 1 } },
		.timeout_ns = chance(state, 3) ? 1 + chance(state, 1000000) : 0,
	};

	need(serial < TABLE);
	table[serial].deadline = a.timeout_ns;
	a.peer.port = htons(ports[chance(state, 4)]);
	need(!app_call(&app, SEDA_IOC_CONNECT, &a));
	__atomic_store_n(&live[serial++ % LIVE], a.source, __ATOMIC_RELAXED);
}

/* Or nobody would know it any more when the next one has its place. */
static void end_oldest(void)
{
	if (serial < LIVE)
		return;
	while (!__atomic_load_n(&table[serial - LIVE].ended, __ATOMIC_RELAXED)) {
		app_id_call(&app, SEDA_IOC_CLOSE, live[serial % LIVE], 0);
		sleep_ns(10000);
	}
}

/* What nobody cancels, closes or answers stays until now. */
static void end_all(void)
{
	int i;

	while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) < serial) {
		for (i = 0; i < LIVE; i++)
			app_id_call(&app, SEDA_IOC_CLOSE, live[i], 0);
		sleep_ns(TICK);
	}
}

static bool enough(long goal)
{
	return serial >= goal && connected && expired && cancelled && refused;
}

int main(void)
{
	long goal = count_here(4000);
	struct seda_pool_args pool = {
		.size = sizeof(pool), .concurrency = WORKERS,
	};
	pthread_t t[WORKERS + 2];
	uint64_t state;
	int i, fd;

	begin(1);
	wakes_by_signal();
	state = chance_seed();
	listener = tcp_listen(&port);
	fd = tcp_listen(&refusing_port);
	need(listener >= 0 && !close(fd));
	need(tcp_deaf(&deaf_port) >= 0);
	need(!app_open(&app, NULL) && !app_stage(&app, NULL, &stage));
	pool.pool = app.pool;
	need(!app_call(&app, SEDA_IOC_POOL_SET, &pool));
	for (i = 0; i < WORKERS; i++)
		t[i] = thread(works, (void *)(uintptr_t)(state + i));
	t[i] = thread(closes, (void *)(uintptr_t)(state + i));
	t[i + 1] = thread(accepts, NULL);
	while (!enough(goal)) {
		end_oldest();
		make(&state);
		sleep_ns(chance(&state, 100000));
	}
	end_all();
	need(!app.counters->sources);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS + 2; i++)
		finish(t[i]);
	need(cancelled <= cancels);
	ksft_print_msg("%ld connected, %ld too late, %ld cancelled, %ld refused\n",
		       connected, expired, cancelled, refused);
	claim(true, "%ld connections had one result at most, and one end\n", ended);
	return end();
}
