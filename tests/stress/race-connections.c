// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 600
 *
 * Connections are closed, let go, held, released, turned into descriptors and
 * worked on by those who do not own them, by other workers and by threads that
 * are none, while their events come and their descriptors are closed.  Each
 * ends once, its last event is CLOSED (or its end was somebody's result), its
 * events are counted without a gap, and no two workers have it at a time.
 */
#include "tests/stress/busy.h"

#define TABLE	(1 << 17)
/* few, so that they meet */
#define LIVE	12

/* A source, by the high half of its id: no other will ever have that. */
struct entry {
	uint64_t id;
	uint32_t seq;
	int busy;
	bool ended;
};

static struct entry table[TABLE];
static uint64_t live[LIVE];
static long opened, ended, goal;
static long events, steals, to_fds, quiets, stale;
static bool stop, draining;

static uint64_t live_get(uint64_t *state)
{
	return __atomic_load_n(&live[chance(state, LIVE)], __ATOMIC_RELAXED);
}

static void live_put(uint64_t *state, uint64_t id)
{
	__atomic_store_n(&live[chance(state, LIVE)], id, __ATOMIC_RELAXED);
}

static struct entry *entry_of(uint64_t id)
{
	struct entry *e;

	if (id >> 32 >= TABLE)
		fail("more sources than there are entries");
	e = &table[id >> 32];
	/* who opened it and whose event it is may be here at a time */
	__atomic_store_n(&e->id, id, __ATOMIC_RELAXED);
	return e;
}

static void has_opened(uint64_t *state, uint64_t id)
{
	entry_of(id);
	__atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
	live_put(state, id);
}

static void has_ended(void)
{
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
}

static struct entry *entry_take(const struct seda_event *ev)
{
	struct entry *e = entry_of(ev->source);

	if (__atomic_exchange_n(&e->busy, 1, __ATOMIC_ACQUIRE))
		fail("two have source %llx", ev->source);
	if (e->ended)
		fail("an event %#x after CLOSED", ev->events);
	if (ev->seq != e->seq++)
		fail("source %llx: seq %u where %u was due", ev->source,
		     ev->seq, e->seq - 1);
	return e;
}

struct racer {
	struct worker w;
	uint64_t state;
	/* of this batch: what was held, and with which buffer */
	uint64_t held[32];
	unsigned int nr_held;
	unsigned int cursor;
};

/* An op on a connection that somebody else may have. */
static void meddle(struct racer *r)
{
	static const uint8_t codes[] = {
		SEDA_OP_SEND, SEDA_OP_SEND, SEDA_OP_SEND, SEDA_OP_SHUTDOWN,
		SEDA_OP_CANCEL, SEDA_OP_CANCEL, SEDA_OP_CANCEL, SEDA_OP_ARM,
		SEDA_OP_ARM, SEDA_OP_ARM, SEDA_OP_DISARM, SEDA_OP_SET_DATA,
		SEDA_OP_CLOSE, SEDA_OP_RELEASE, SEDA_OP_RELEASE, SEDA_OP_RECV,
	};
	static char scratch[64];
	uint8_t code = codes[chance(&r->state, sizeof(codes))];
	uint64_t id = live_get(&r->state);
	struct seda_op *op;

	if (!id)
		return;
	op = worker_op(&r->w, code, id);
	if (code == SEDA_OP_SEND) {
		/* it waits */
		op->addr = (uintptr_t)busy_flood;
		op->len = sizeof(busy_flood);
	}
	if (code == SEDA_OP_RECV) {
		op->addr = (uintptr_t)scratch;
		op->len = sizeof(scratch);
	}
	if (code == SEDA_OP_CLOSE)
		op->flags = chance(&r->state, 2);
}

static void handle(struct racer *r, unsigned int i)
{
	const struct seda_event *ev = &r->w.events[i];
	struct seda_op *op;

	if (ev->events & SEDA_EV_IN) {
		if (ev->buf == SEDA_NO_BUF || !chance(&r->state, 4)) {
			op = worker_op(&r->w, SEDA_OP_SEND, ev->source);
			op->addr = (uintptr_t)busy_flood;
			op->len = sizeof(busy_flood);
		} else {
			worker_echo(&r->w, ev);
		}
	}
	if (draining || ev->events & (SEDA_EV_EOF | SEDA_EV_ERR)) {
		op = worker_op(&r->w, SEDA_OP_CLOSE, ev->source);
		op->flags = chance(&r->state, 4);
	} else if (!chance(&r->state, 8)) {
		r->w.ctl[i].flags = SEDA_CTL_HOLD;
		r->held[r->nr_held++] = ev->source;
	}
}

/* What is held at the end, by nobody in particular. */
static void release_some(struct racer *r)
{
	unsigned int i;

	for (i = 0; i < TABLE && r->w.nr_ops < 128; i++) {
		r->cursor = (r->cursor + 1) % TABLE;
		if (table[r->cursor].id && !table[r->cursor].ended)
			worker_op(&r->w, SEDA_OP_RELEASE, table[r->cursor].id);
	}
}

static void batch(struct racer *r, int n)
{
	const struct seda_event *ev;
	struct entry *e;
	int i;

	for (i = 0; i < n; i++) {
		ev = &r->w.events[i];
		if (ev->events & SEDA_EV_ACCEPT)
			has_opened(&r->state, ev->child);
		if (ev->stage != (uint32_t)busy.data)
			continue;
		e = entry_take(ev);
		if (ev->events & SEDA_EV_CLOSED) {
			if (ev->events != SEDA_EV_CLOSED)
				fail("CLOSED with %#x", ev->events);
			e->ended = true;
			has_ended();
		} else {
			handle(r, i);
		}
	}
	if (__atomic_load_n(&draining, __ATOMIC_RELAXED))
		release_some(r);
	else
		meddle(r);
	/* given back by the next ENTER, whose ops may only end it */
	for (i = 0; i < n; i++)
		if (r->w.events[i].stage == (uint32_t)busy.data)
			__atomic_store_n(&entry_of(r->w.events[i].source)->busy,
					 0, __ATOMIC_RELEASE);
}

static void results(struct racer *r, unsigned int nr)
{
	const struct seda_op *op;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		op = &r->w.ops[i];
		if (op->res == -ESTALE)
			__atomic_add_fetch(&stale, 1, __ATOMIC_RELAXED);
		if (op->op == SEDA_OP_RELEASE && !op->res)
			__atomic_add_fetch(&steals, 1, __ATOMIC_RELAXED);
		if (op->op != SEDA_OP_CLOSE ||
		    !(op->flags & SEDA_CLOSE_QUIET) || op->res)
			continue;
		__atomic_add_fetch(&quiets, 1, __ATOMIC_RELAXED);
		has_ended();
	}
}

static void *racing(void *arg)
{
	struct racer *r = calloc(1, sizeof(*r));
	unsigned int ops, i;
	int n;

	need(r && !worker_join(&busy.app, &r->w));
	r->state = busy.seed + (uintptr_t)arg + 1;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		ops = r->w.nr_ops;
		/* what nobody wakes for: releasing what others have held */
		n = enter_some(&r->w, 1, TICK);
		if (n < 0)
			fail("ENTER: %d", n);
		results(r, ops);
		__atomic_add_fetch(&events, n, __ATOMIC_RELAXED);
		/* held now; others may have taken them already */
		for (i = 0; i < r->nr_held; i++) {
			live_put(&r->state, r->held[i]);
			if (chance(&r->state, 2) || draining)
				worker_op(&r->w, SEDA_OP_RELEASE, r->held[i]);
		}
		r->nr_held = 0;
		batch(r, n);
	}
	/* what its last submission would have been is dropped */
	need(!worker_leave(&r->w));
	free(r);
	return NULL;
}

/* A thread that is no worker. */
static void *attacking(void *arg)
{
	struct seda_to_fd_args to_fd = { .size = sizeof(to_fd) };
	struct seda_source_info_args info;
	uint64_t state = busy.seed + 50 + (uintptr_t)arg, id;
	int ret;

	while (!__atomic_load_n(&draining, __ATOMIC_RELAXED)) {
		id = live_get(&state);
		switch (chance(&state, 8)) {
		case 0:
			app_id_call(&busy.app, SEDA_IOC_CLOSE, id,
				    chance(&state, 2));
			break;
		case 1:
		case 2:
			to_fd.source = id;
			ret = app_call(&busy.app, SEDA_IOC_TO_FD, &to_fd);
			if (ret < 0)
				break;
			close(ret);
			has_ended();
			__atomic_add_fetch(&to_fds, 1, __ATOMIC_RELAXED);
			break;
		default:
			memset(&info, 0, sizeof(info));
			info.size = sizeof(info);
			info.source = id;
			app_call(&busy.app, SEDA_IOC_SOURCE_INFO, &info);
		}
		if (!chance(&state, 4))
			sleep_ns(chance(&state, 200000));
	}
	return NULL;
}

/* Descriptors adopted here are closed here, whatever the workers do. */
static void *adopting(void *arg)
{
	uint64_t state = busy.seed + 90, source;
	int fds[BUSY_FDS], i, fd, ret;

	memset(fds, -1, sizeof(fds));
	for (;;) {
		fd = accept4(busy.adopting, NULL, NULL, SOCK_CLOEXEC);
		if (__atomic_load_n(&draining, __ATOMIC_RELAXED) || fd < 0)
			break;
		i = chance(&state, BUSY_FDS);
		close(fds[i]);
		fds[i] = fd;
		ret = app_adopt(&busy.app, fd, busy.data, 0, chance(&state, 2) ?
				SEDA_SOURCE_NOBUF : 0, &source);
		/* its client may have reset it */
		if (!ret)
			has_opened(&state, source);
		else
			need(ret == -ENOTCONN);
	}
	close(fd);
	for (i = 0; i < BUSY_FDS; i++)
		close(fds[i]);
	return NULL;
}

static void wait_for(long *counter, long want)
{
	uint64_t last = now_ns();
	long was = -1, is;

	while ((is = __atomic_load_n(counter, __ATOMIC_RELAXED)) < want) {
		if (is != was)
			last = now_ns();
		was = is;
		if (now_ns() - last > 30 * SECOND)
			fail("no more than %ld of %ld for 30 s", is, want);
		sleep_ns(TICK);
	}
}

/* Ends what is left, and waits until it is gone. */
static void drain(pid_t clients, pthread_t *others)
{
	uint64_t last = now_ns();
	int i;

	__atomic_store_n(&draining, true, __ATOMIC_SEQ_CST);
	busy_stop(clients);
	i = tcp_connect(busy.adopt_port);
	for (; others[0]; others++)
		pthread_join(others[0], NULL);
	close(i);
	while (busy.app.counters->sources > 1) {
		if (now_ns() - last > 30 * SECOND)
			fail("%u sources do not end",
			     busy.app.counters->sources - 1);
		for (i = 0; i < TABLE; i++)
			if (table[i].id && !table[i].ended)
				app_id_call(&busy.app, SEDA_IOC_CLOSE,
					    table[i].id, SEDA_CLOSE_ABORT);
		sleep_ns(TICK);
	}
	wait_for(&ended, __atomic_load_n(&opened, __ATOMIC_RELAXED));
}

int main(void)
{
	struct seda_setup_args setup = { .events = 32, .bufs = 64,
					 .sources = 4096 };
	const struct seda_stage_counters *c;
	pthread_t workers[4], others[4] = { 0 };
	pid_t clients;
	uintptr_t i;

	begin(1);
	goal = count_here(4000);
	busy_sockets(chance_seed());
	clients = fork();
	if (!clients) {
		busy_sockets_close();
		busy_clients();
	}
	need(!app_open(&busy.app, &setup));
	need(!app_stage(&busy.app, NULL, &busy.accepts));
	need(!app_stage(&busy.app, NULL, &busy.data));
	need(!app_listen(&busy.app, busy.listener, busy.accepts, busy.data,
			 NULL));
	for (i = 0; i < 4; i++)
		workers[i] = thread(racing, (void *)i);
	others[0] = thread(adopting, NULL);
	others[1] = thread(attacking, (void *)1);
	others[2] = thread(attacking, (void *)2);
	wait_for(&ended, goal);
	drain(clients, others);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 4; i++)
		pthread_join(workers[i], NULL);
	c = app_counters(&busy.app, busy.data);
	ksft_print_msg("%ld opened, %ld ended (%ld quietly, %ld as descriptors)\n",
		       opened, ended, quiets, to_fds);
	ksft_print_msg("%ld events, %ld released, %ld ops on dead ones\n",
		       events, steals, stale);
	need(opened == ended);
	need(!c->sources && !c->pending && !c->outstanding);
	need(busy.app.counters->bufs_free == busy.app.setup.bufs);
	need(!busy.app.counters->stalled);
	claim(true, "each connection ends once, whoever does what to it\n");
	app_close(&busy.app);
	return end();
}
