/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbered messages, echoed.  A process of clients keeps a window of messages
 * in flight on each connection and expects them back, each once and in order;
 * the workers expect the same of what they receive, count the events of each
 * source, and see that no two of them have one connection at a time.
 */
#ifndef NUMBERED_H
#define NUMBERED_H

#include <sys/epoll.h>

#include "tests/stress/stress.h"

#define MAX_CONNS	256
#define MAX_WINDOW	256
#define CLIENT_THREADS	2

struct numbered {
	struct seda_setup_args setup;
	struct seda_stage_args stage;
	unsigned int conns, workers, window;
	unsigned long messages;		/* of all connections together */
	bool keep;			/* workers keep buffers, hold sources */
};

/* A connection, as the workers see it. */
struct flow {
	int busy;
	bool closed;
	uint32_t seq;
	uint32_t client;
	uint64_t bytes;
	uint64_t value;			/* of the message that comes in */
};

struct numbered_run {
	const struct numbered *n;
	struct app app;
	uint64_t accepts, data;
	struct flow flows[MAX_CONNS];
	unsigned int nr_flows, nr_closed;
	uint8_t accept_seq[MAX_CONNS];
	unsigned long events, batches, waits;
	uint16_t port;
};

static struct numbered_run run;

static inline uint64_t number(uint32_t client, uint64_t n)
{
	return (uint64_t)client << 40 | n;
}

static inline unsigned long per_conn(const struct numbered *n)
{
	return (n->messages + n->conns - 1) / n->conns;
}

/* Bytes may be split anywhere. */
static inline void flow_bytes(struct flow *f, const uint8_t *p, uint32_t len)
{
	uint64_t got;

	while (len--) {
		f->value |= (uint64_t)*p++ << 8 * (f->bytes % 8);
		if (++f->bytes % 8)
			continue;
		got = f->value;
		f->value = 0;
		if (f->bytes == 8)
			f->client = got >> 40;
		if (got != number(f->client, f->bytes / 8 - 1))
			fail("worker: %#" PRIx64 " where %#" PRIx64 " was due",
			     got, number(f->client, f->bytes / 8 - 1));
	}
}

static inline void flow_event(struct worker *w, const struct seda_event *ev)
{
	struct flow *f;

	if (!ev->user_data || ev->user_data > run.nr_flows)
		fail("user_data %#llx", ev->user_data);
	f = &run.flows[ev->user_data - 1];
	if (__atomic_exchange_n(&f->busy, 1, __ATOMIC_ACQUIRE))
		fail("two workers have connection %llu", ev->user_data);
	if (f->closed)
		fail("events %#x after CLOSED", ev->events);
	if (ev->seq != f->seq++)
		fail("seq %u where %u was due", ev->seq, f->seq - 1);
	if (ev->events & (SEDA_EV_ERR | SEDA_EV_CANCELED))
		fail("events %#x, res %d", ev->events, ev->res);
	if (ev->events & SEDA_EV_IN) {
		flow_bytes(f, (uint8_t *)app_buf(&run.app, ev->buf), ev->len);
		worker_echo(w, ev);
	}
	if (ev->events & SEDA_EV_EOF)
		worker_op(w, SEDA_OP_CLOSE, ev->source);
	if (ev->events & SEDA_EV_CLOSED) {
		f->closed = true;
		__atomic_add_fetch(&run.nr_closed, 1, __ATOMIC_RELAXED);
	}
}

static inline void accept_event(struct worker *w, const struct seda_event *ev)
{
	struct seda_op *op;

	if (ev->events != SEDA_EV_ACCEPT)
		fail("listener: events %#x, res %d", ev->events, ev->res);
	if (ev->seq >= MAX_CONNS ||
	    __atomic_exchange_n(&run.accept_seq[ev->seq], 1, __ATOMIC_RELAXED))
		fail("listener: seq %u came twice", ev->seq);
	op = worker_op(w, SEDA_OP_SET_DATA, ev->child);
	op->user_data = __atomic_add_fetch(&run.nr_flows, 1, __ATOMIC_RELAXED);
}

/* What the ops of the last submission came to. */
static inline void check_ops(const struct worker *w, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct seda_op *op = &w->ops[i];

		if (op->res == -EINPROGRESS && op->op != SEDA_OP_SET_DATA)
			__atomic_add_fetch(&run.waits, 1, __ATOMIC_RELAXED);
		else if (op->res != (op->op == SEDA_OP_SEND ? (int)op->len : 0))
			fail("op %u: %d", op->op, op->res);
	}
}

/* Sources and buffers that workers kept, for any of them to give back. */
struct kept {
	uint64_t source;
	uint32_t buf;
	struct flow *flow;
};

static struct {
	pthread_mutex_t lock;
	struct kept kept[MAX_CONNS];
	unsigned int nr;
} shelf = { .lock = PTHREAD_MUTEX_INITIALIZER };

static inline void shelf_put(const struct kept *kept, unsigned int n)
{
	pthread_mutex_lock(&shelf.lock);
	need(shelf.nr + n <= MAX_CONNS);
	memcpy(&shelf.kept[shelf.nr], kept, n * sizeof(*kept));
	shelf.nr += n;
	pthread_mutex_unlock(&shelf.lock);
}

static inline void shelf_take(struct worker *w)
{
	struct kept k;

	pthread_mutex_lock(&shelf.lock);
	while (shelf.nr && w->nr_ops + 2 < 128) {
		k = shelf.kept[--shelf.nr];
		__atomic_store_n(&k.flow->busy, 0, __ATOMIC_RELEASE);
		worker_op(w, SEDA_OP_RELEASE, k.source);
		if (k.buf != SEDA_NO_BUF)
			worker_op(w, SEDA_OP_RETURN, 0)->buf = k.buf;
	}
	pthread_mutex_unlock(&shelf.lock);
}

/* The batch is handled; the next ENTER gives it back, but for what is kept. */
static inline unsigned int let_go(struct worker *w, int n, struct kept *kept)
{
	unsigned int nr = 0;
	int i;

	for (i = 0; i < n; i++) {
		const struct seda_event *ev = &w->events[i];
		struct flow *f;

		if (ev->stage == (uint32_t)run.accepts)
			continue;
		f = &run.flows[ev->user_data - 1];
		if (run.n->keep && !f->closed) {
			w->ctl[i].flags = SEDA_CTL_HOLD | SEDA_CTL_KEEP;
			kept[nr++] = (struct kept){ ev->source, ev->buf, f };
		} else {
			__atomic_store_n(&f->busy, 0, __ATOMIC_RELEASE);
		}
	}
	return nr;
}

static inline bool served(void)
{
	return __atomic_load_n(&run.nr_closed, __ATOMIC_RELAXED) ==
	       run.n->conns;
}

static inline void *numbered_worker(void *arg)
{
	unsigned long events = 0, batches = 0;
	unsigned int ops, nr_kept = 0;
	struct kept kept[64];
	struct worker w;
	int n, i;

	need(!worker_join(&run.app, &w));
	while (!served()) {
		ops = w.nr_ops;
		/*
		 * Without an end, which would heal a lost wake-up; but what it
		 * keeps is for others to give back only when this returns.
		 */
		n = enter_some(&w, 1, run.n->keep ? TICK : SEDA_FOREVER);
		if (n < 0)
			fail("ENTER: %d", n);
		check_ops(&w, ops);
		if (nr_kept)
			shelf_put(kept, nr_kept);
		events += n;
		batches += !!n;
		for (i = 0; i < n; i++) {
			if (w.events[i].stage == (uint32_t)run.accepts)
				accept_event(&w, &w.events[i]);
			else
				flow_event(&w, &w.events[i]);
		}
		nr_kept = let_go(&w, n, kept);
		if (run.n->keep)
			shelf_take(&w);
	}
	__atomic_add_fetch(&run.events, events, __ATOMIC_RELAXED);
	__atomic_add_fetch(&run.batches, batches, __ATOMIC_RELAXED);
	need(!worker_leave(&w));
	return NULL;
}

/* A connection, as its client sees it. */
struct client {
	int fd;
	uint32_t id;
	uint64_t sent, bytes, value;
};

static inline void client_send(struct client *c, unsigned int n)
{
	uint64_t out[MAX_WINDOW], left = per_conn(run.n) - c->sent;
	unsigned int i;

	n = n < left ? n : left;
	for (i = 0; i < n; i++)
		out[i] = number(c->id, c->sent++);
	if (n && send(c->fd, out, n * 8, MSG_NOSIGNAL) != (ssize_t)(n * 8))
		fail("client %u: send: %d", c->id, errno);
	if (left && n == left && shutdown(c->fd, SHUT_WR))
		fail("client %u: shutdown: %d", c->id, errno);
}

/* False: the end, where it belongs. */
static inline bool client_receive(struct client *c)
{
	uint8_t in[MAX_WINDOW * 8];
	uint64_t before = c->bytes / 8;
	ssize_t n = recv(c->fd, in, sizeof(in), 0), i;

	if (n < 0)
		fail("client %u: recv: %d", c->id, errno);
	if (!n && c->bytes != per_conn(run.n) * 8)
		fail("client %u: ended after %" PRIu64 " bytes", c->id,
		     c->bytes);
	for (i = 0; i < n; i++) {
		c->value |= (uint64_t)in[i] << 8 * (c->bytes % 8);
		if (++c->bytes % 8)
			continue;
		if (c->value != number(c->id, c->bytes / 8 - 1))
			fail("client %u: %#" PRIx64 " for message %" PRIu64,
			     c->id, c->value, c->bytes / 8 - 1);
		c->value = 0;
	}
	client_send(c, c->bytes / 8 - before);
	return n;
}

static inline void *numbered_clients(void *arg)
{
	unsigned int part = run.n->conns / CLIENT_THREADS, left = part, i;
	uint32_t first = (uintptr_t)arg * part;
	struct client *clients = calloc(part, sizeof(*clients));
	struct epoll_event ev, evs[64];
	int ep = epoll_create1(0), n;

	need(clients && ep >= 0);
	for (i = 0; i < part; i++) {
		clients[i].id = first + i;
		clients[i].fd = tcp_connect(run.port);
		need(clients[i].fd >= 0);
		ev.events = EPOLLIN;
		ev.data.ptr = &clients[i];
		need(!epoll_ctl(ep, EPOLL_CTL_ADD, clients[i].fd, &ev));
		client_send(&clients[i], run.n->window);
	}
	while (left) {
		n = epoll_wait(ep, evs, 64, 30000);
		if (n <= 0)
			fail("clients: nothing came back, %u are left", left);
		while (n--) {
			struct client *c = evs[n].data.ptr;

			if (client_receive(c))
				continue;
			close(c->fd);
			left--;
		}
	}
	close(ep);
	free(clients);
	return NULL;
}

static inline pid_t numbered_client_process(int listener)
{
	pthread_t t[CLIENT_THREADS];
	pid_t pid = fork();
	unsigned int i;

	need(pid >= 0);
	if (pid)
		return pid;
	close(listener);
	for (i = 0; i < CLIENT_THREADS; i++)
		t[i] = thread(numbered_clients, (void *)(uintptr_t)i);
	for (i = 0; i < CLIENT_THREADS; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

/* Wakes those who wait for ever, when there is nothing more to wait for. */
static inline void numbered_end(const pthread_t *t, unsigned int n)
{
	while (!served())
		sleep_ns(TICK);
	while (n)
		finish(t[--n]);
}

/* All is over: nothing is left anywhere. */
static inline void numbered_check(void)
{
	const struct seda_stage_counters *c = app_counters(&run.app, run.data);
	unsigned int i;

	for (i = 0; i < run.n->conns; i++) {
		need(run.flows[i].closed && run.accept_seq[i]);
		need(run.flows[i].bytes == per_conn(run.n) * 8);
	}
	need(run.nr_flows == run.n->conns);
	need(c->received == per_conn(run.n) * 8 * run.n->conns);
	need(!c->pending && !c->outstanding && !c->sources);
	need(run.app.counters->bufs_free == run.app.setup.bufs);
	need(!run.app.counters->bufs_kept && !run.app.counters->stalled);
	need(run.app.counters->sources == 1);
	need(c->delivered + run.nr_flows == run.events);
	need(run.n->window > 1 || run.events >= run.n->messages);
}

static inline void numbered(const struct numbered *n, const char *what)
{
	pthread_t t[64];
	uint64_t start = now_ns(), stalls;
	int listener, status;
	unsigned int i;
	pid_t pid;

	memset(&run, 0, sizeof(run));
	run.n = n;
	need(n->window <= MAX_WINDOW);
	wakes_by_signal();
	listener = tcp_listen(&run.port);
	need(listener >= 0);
	pid = numbered_client_process(listener);
	need(!app_open(&run.app, &n->setup));
	need(!app_stage(&run.app, &n->stage, &run.accepts));
	need(!app_stage(&run.app, &n->stage, &run.data));
	need(!app_listen(&run.app, listener, run.accepts, run.data, NULL));
	for (i = 0; i < n->workers; i++)
		t[i] = thread(numbered_worker, NULL);
	numbered_end(t, n->workers);
	need(waitpid(pid, &status, 0) == pid);
	need(!status);
	numbered_check();
	stalls = app_counters(&run.app, run.data)->stalls;
	app_close(&run.app);
	close(listener);
	ksft_print_msg("%lu messages, %lu events in %lu batches, %lu sends waited, "
		       "%" PRIu64 " stalls, %.1f s\n", per_conn(n) * n->conns,
		       run.events, run.batches, run.waits, stalls,
		       (now_ns() - start) / 1e9);
	claim(true, "%s\n", what);
}

/* What --append preempt=MODE asks for, or the kernel has. */
static inline void say_preemption(void)
{
	const char *path = "/sys/kernel/debug/sched/preempt";
	char line[4096] = "", modes[64] = "", mode[32] = "", want[40];
	FILE *file = fopen("/proc/cmdline", "re");
	const char *asked;

	need(file && fgets(line, sizeof(line), file));
	fclose(file);
	file = fopen(path, "re");
	if (file && fgets(modes, sizeof(modes), file))
		ksft_print_msg("preemption: %s", modes);
	asked = strstr(line, " preempt=");
	if (asked) {
		need(sscanf(asked, " preempt=%31s", mode) == 1);
		snprintf(want, sizeof(want), "(%s)", mode);
		need(strstr(modes, want));
	}
	if (file)
		fclose(file);
}

#endif /* NUMBERED_H */
