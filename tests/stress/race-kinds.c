// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 300
 *
 * Watched files (level, edge, one-shot) and sockets, timers and UDP sockets end, are
 * armed, disarmed and sent to while they have events, at several workers: each ends
 * once, nothing comes after that of those that have an owner, and none is left.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include "tests/stress/stress.h"

#define TABLE	(1 << 18)
#define LIVE	24
#define WORKERS	3

enum kind { LEVEL, EDGE, ONESHOT, PIPE, SOCKET, TIMER, UDP, KINDS };

/* By user_data, which no other source will have. */
struct entry {
	enum kind kind;
	bool ended;
};

struct live {
	pthread_mutex_t lock;		/* of who replaces it and who pokes it */
	uint64_t id;
	enum kind kind;
	int fd, poke;			/* poke: makes it ready; -1: by itself */
};

static struct app app;
static struct entry table[TABLE];
static struct live live[LIVE];
static uint64_t stage;
static long serial, ended, events, goal;
static bool stop;

static int make_watch(struct live *l, uint64_t data)
{
	struct seda_watch_args a = {
		.size = sizeof(a), .stage = stage, .mask = POLLIN,
		.user_data = data,
		.flags = l->kind == EDGE ? SEDA_WATCH_EDGE :
			 l->kind == ONESHOT ? SEDA_WATCH_ONESHOT : 0,
	};
	int fd[2], ret;

	if (l->kind == PIPE) {
		need(!pipe2(fd, O_CLOEXEC | O_NONBLOCK));
		l->fd = fd[0];
		l->poke = fd[1];
	} else if (l->kind == SOCKET) {
		need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
				 SOCK_NONBLOCK, 0, fd));
		l->fd = fd[0];
		l->poke = fd[1];
	} else {
		l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		l->poke = dup(l->fd);
	}
	a.fd = l->fd;
	ret = app_call(&app, SEDA_IOC_WATCH, &a);
	l->id = a.source;
	return ret;
}

static int make_udp(struct live *l, uint64_t data)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);

	l->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	l->poke = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	need(!bind(l->fd, (void *)&sin, len));
	need(!getsockname(l->fd, (void *)&sin, &len));
	need(!connect(l->poke, (void *)&sin, len));
	return app_adopt(&app, l->fd, stage, data, 0, &l->id);
}

static int make_timer(struct live *l, uint64_t data)
{
	struct seda_timer_args a = {
		.size = sizeof(a), .stage = stage, .first_ns = 1000,
		.period_ns = 20000, .user_data = data,
	};
	int ret = app_call(&app, SEDA_IOC_TIMER, &a);

	l->fd = l->poke = -1;
	l->id = a.source;
	return ret;
}

/* With l->lock. */
static void make(struct live *l, enum kind kind)
{
	uint64_t data = __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED);

	need(data < TABLE);
	table[data].kind = l->kind = kind;
	if (kind == TIMER)
		need(!make_timer(l, data));
	else if (kind == UDP)
		need(!make_udp(l, data));
	else
		need(!make_watch(l, data));
}

/* With l->lock: a socket may end by its last descriptor, too. */
static void end_one(struct live *l, uint64_t *state)
{
	bool by_close = (l->kind == UDP || l->kind == SOCKET) &&
			chance(state, 2);
	unsigned int more = chance(state, 32);
	uint64_t one = 1;

	if (!by_close)
		need(!app_id_call(&app, SEDA_IOC_CLOSE, l->id, 0));
	/* events that come while it ends */
	while (l->poke >= 0 && more--)
		if (write(l->poke, &one, 8) != 8)
			need(errno == EAGAIN || errno == ECONNREFUSED);
	if (l->fd >= 0)
		close(l->fd);
	if (l->poke >= 0)
		close(l->poke);
}

static void take(const struct seda_event *ev)
{
	struct entry *e = &table[ev->user_data];

	need(ev->user_data < TABLE);
	__atomic_add_fetch(&events, 1, __ATOMIC_RELAXED);
	if (ev->events & SEDA_EV_CLOSED) {
		if (__atomic_exchange_n(&e->ended, true, __ATOMIC_SEQ_CST))
			fail("kind %d: CLOSED twice", e->kind);
		__atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
	} else if (e->kind != UDP &&
		   __atomic_load_n(&e->ended, __ATOMIC_SEQ_CST)) {
		fail("kind %d: %#x after CLOSED", e->kind, ev->events);
	}
}

static void meddle(struct worker *w, uint64_t *state)
{
	struct live *l = &live[chance(state, LIVE)];
	uint64_t id = __atomic_load_n(&l->id, __ATOMIC_RELAXED);
	static char text[8];
	struct seda_op *op;

	if (!chance(state, 4)) {
		/* none but a UDP socket takes it, which wants to know where to */
		op = worker_op(w, SEDA_OP_SEND, id);
		op->addr = (uintptr_t)text;
		op->len = sizeof(text);
		return;
	}
	op = worker_op(w, chance(state, 3) ? SEDA_OP_ARM : SEDA_OP_DISARM, id);
	/* a timer's times; to the others they say nothing, and are refused */
	if (op->op == SEDA_OP_ARM && chance(state, 2))
		op->first_ns = op->period_ns = 20000;
}

static void *works(void *arg)
{
	uint64_t state = (uintptr_t)arg;
	struct worker w;
	int i, n;

	need(!worker_join(&app, &w));
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		/* nothing but an event ends it, or the end of the test */
		n = enter_some(&w, 1, SEDA_FOREVER);
		need(n >= 0);
		for (i = 0; i < n; i++)
			take(&w.events[i]);
		for (i = 0; i < 4; i++)
			meddle(&w, &state);
	}
	return NULL;
}

static void *pokes(void *arg)
{
	uint64_t state = (uintptr_t)arg, one = 1;
	struct live *l;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		l = &live[chance(&state, LIVE)];
		pthread_mutex_lock(&l->lock);
		if (l->poke >= 0 && write(l->poke, &one, 8) != 8)
			need(errno == EAGAIN || errno == ECONNREFUSED);
		/* some are emptied again */
		if (l->kind < TIMER && l->fd >= 0 && chance(&state, 2) &&
		    read(l->fd, &one, 8) < 0)
			need(errno == EAGAIN);
		one = 1;
		pthread_mutex_unlock(&l->lock);
	}
	return NULL;
}

static void replace(uint64_t *state)
{
	struct live *l = &live[chance(state, LIVE)];

	pthread_mutex_lock(&l->lock);
	end_one(l, state);
	make(l, chance(state, KINDS));
	pthread_mutex_unlock(&l->lock);
}

static bool all_ended(void)
{
	return __atomic_load_n(&ended, __ATOMIC_SEQ_CST) == serial &&
	       !__atomic_load_n(&app.counters->sources, __ATOMIC_RELAXED);
}

int main(void)
{
	struct seda_pool_args pool = {
		.size = sizeof(pool), .concurrency = WORKERS,
	};
	pthread_t worker[WORKERS], poker;
	uint64_t state;
	int i;

	begin(1);
	wakes_by_signal();
	goal = count_here(10000);
	state = chance_seed();
	many_files();
	need(!app_open(&app, NULL) && !app_stage(&app, NULL, &stage));
	pool.pool = app.pool;
	need(!app_call(&app, SEDA_IOC_POOL_SET, &pool));
	for (i = 0; i < LIVE; i++) {
		pthread_mutex_init(&live[i].lock, NULL);
		make(&live[i], i % KINDS);
	}
	for (i = 0; i < WORKERS; i++)
		worker[i] = thread(works, (void *)(uintptr_t)(state + i));
	poker = thread(pokes, (void *)(uintptr_t)(state + i));
	while (serial < goal)
		replace(&state);
	for (i = 0; i < LIVE; i++) {
		pthread_mutex_lock(&live[i].lock);
		end_one(&live[i], &state);
		live[i].fd = live[i].poke = -1;
		pthread_mutex_unlock(&live[i].lock);
	}
	while (!all_ended())
		sleep_ns(TICK);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(poker, NULL);
	for (i = 0; i < WORKERS; i++)
		finish(worker[i]);
	claim(true, "%ld ended once, after %ld events\n", ended, events);
	return end();
}
