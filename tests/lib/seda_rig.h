/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A rig for tests of the raw interface: one app, one stage, and the calling
 * thread as its worker, which takes one event at a time.
 */
#ifndef SEDA_RIG_H
#define SEDA_RIG_H

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/lib/pattern.h"
#include "tests/lib/seda_app.h"

#define MS		1000000ULL
#define SEC		1000000000ULL
/* Longer than anything takes on a slow debug kernel. */
#define LONG		(20 * SEC)
/* Long enough for something that should not happen. */
#define SHORT		(60 * MS)

#define RIG_SAVED	64

struct rig {
	struct app app;
	struct worker w;
	uint64_t stage;
	struct seda_event ev;			/* the last of rig_next() */
	struct seda_event saved[RIG_SAVED];	/* came while ops ran */
	unsigned int nr_saved;
};

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static inline void sleep_ms(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L,
	};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline int rig_open(struct rig *r, const struct seda_setup_args *setup,
			   const struct seda_stage_args *policy)
{
	int ret;

	memset(r, 0, sizeof(*r));
	ret = app_open(&r->app, setup);
	if (!ret)
		ret = app_stage(&r->app, policy, &r->stage);
	if (!ret)
		ret = worker_join(&r->app, &r->w);
	return ret;
}

static inline void rig_close(struct rig *r)
{
	app_close(&r->app);
}

static inline int worker_enter_max(struct worker *w, unsigned int min,
				   unsigned int max, uint64_t timeout_ns)
{
	struct seda_enter_args a = {
		.size = sizeof(a),
		.worker = w->id,
		.nr_ops = w->nr_ops,
		.min_events = min,
		.max_events = max,
		.timeout_ns = timeout_ns,
	};

	w->nr_ops = 0;
	return app_call(w->app, SEDA_IOC_ENTER, &a);
}

/*
 * The next event, or NULL when none comes in time.  Queued ops are submitted
 * when it has to enter.
 */
static inline struct seda_event *rig_next_in(struct rig *r, uint64_t timeout_ns)
{
	int n;

	if (r->nr_saved) {
		r->ev = r->saved[0];
		r->nr_saved--;
		memmove(r->saved, r->saved + 1,
			r->nr_saved * sizeof(r->saved[0]));
		return &r->ev;
	}
	do {
		n = worker_enter_max(&r->w, 1, 1, timeout_ns);
		/* the kernel may have something else for the thread to do */
	} while (n == -EINTR);
	if (n != 1)
		return NULL;
	r->ev = r->w.events[0];
	return &r->ev;
}

static inline struct seda_event *rig_next(struct rig *r)
{
	return rig_next_in(r, SEDA_FOREVER);
}

/* No event comes for a while. */
static inline bool rig_quiet(struct rig *r)
{
	return !rig_next_in(r, SHORT);
}

/* Events up to one that has all of mask; NULL when it does not come. */
static inline struct seda_event *rig_await(struct rig *r, uint32_t mask)
{
	struct seda_event *ev;

	do {
		ev = rig_next(r);
	} while (ev && (ev->events & mask) != mask);
	return ev;
}

/* Submits what is queued; a further event that comes is kept for rig_next(). */
static inline int rig_submit(struct rig *r)
{
	int n = worker_enter_max(&r->w, 0, 1, 0);

	if (n == 1 && r->nr_saved < RIG_SAVED)
		r->saved[r->nr_saved++] = r->w.events[0];
	return n < 0 ? n : 0;
}

/* Runs one op; its result. */
static inline int rig_op(struct rig *r, const struct seda_op *op)
{
	int ret;

	r->w.ops[0] = *op;
	r->w.nr_ops = 1;
	ret = rig_submit(r);
	return ret ?: r->w.ops[0].res;
}

static inline int rig_do(struct rig *r, uint8_t code, uint64_t source,
			 uint16_t flags)
{
	struct seda_op op = { .op = code, .source = source, .flags = flags };

	return rig_op(r, &op);
}

static inline int rig_send(struct rig *r, uint64_t source, const void *data,
			   size_t len, uint64_t user_data)
{
	struct seda_op op = {
		.op = SEDA_OP_SEND, .source = source, .user_data = user_data,
		.addr = (uintptr_t)data, .len = len,
	};

	return rig_op(r, &op);
}

static inline char *rig_data(struct rig *r, const struct seda_event *ev)
{
	return app_buf(&r->app, ev->buf);
}

/* A TCP pair: its end in *source adopted, its peer in *peer. */
static inline int rig_pair(struct rig *r, uint32_t flags, uint64_t *source,
			   int *own, int *peer)
{
	int fd[2], ret = tcp_pair(fd);

	if (ret)
		return ret;
	*own = fd[0];
	*peer = fd[1];
	return app_adopt(&r->app, fd[0], r->stage, 0, flags, source);
}

/* A connection without a descriptor whose peer is *peer; its source. */
static inline int rig_accept(struct rig *r, uint64_t *source, int *peer)
{
	uint16_t port = 0;
	int l = tcp_listen(&port);
	struct seda_event *ev;
	uint64_t listener;
	int ret;

	if (l < 0)
		return l;
	ret = app_listen(&r->app, l, r->stage, r->stage, &listener);
	if (ret)
		goto out;
	*peer = tcp_connect(port);
	if (*peer < 0) {
		ret = *peer;
		goto out;
	}
	ev = rig_await(r, SEDA_EV_ACCEPT);
	if (!ev)
		ret = -ETIME;
	else
		*source = ev->child;
out:
	close(l);
	if (!ret && !rig_await(r, SEDA_EV_CLOSED))
		ret = -ETIME;
	return ret;
}

static inline int app_connect(struct app *app, uint64_t stage,
			      const struct seda_addr *peer, uint64_t user_data,
			      uint64_t timeout_ns, uint64_t *source)
{
	struct seda_connect_args a = {
		.size = sizeof(a), .stage = stage, .user_data = user_data,
		.timeout_ns = timeout_ns, .peer = *peer,
	};
	int ret = app_call(app, SEDA_IOC_CONNECT, &a);

	*source = a.source;
	return ret;
}

static inline struct seda_addr addr_v4(uint16_t port)
{
	struct seda_addr a = {
		.family = AF_INET, .port = htons(port), .addr = { 127, 0, 0, 1 },
	};

	return a;
}

static inline struct seda_addr addr_v6(uint16_t port)
{
	struct seda_addr a = { .family = AF_INET6, .port = htons(port) };

	a.addr[15] = 1;
	return a;
}

static inline int app_timer(struct app *app, uint64_t stage, uint64_t first_ns,
			    uint64_t period_ns, uint64_t *source)
{
	struct seda_timer_args a = {
		.size = sizeof(a), .stage = stage, .first_ns = first_ns,
		.period_ns = period_ns,
	};
	int ret = app_call(app, SEDA_IOC_TIMER, &a);

	*source = a.source;
	return ret;
}

static inline int app_watch(struct app *app, int fd, uint64_t stage,
			    uint32_t mask, uint32_t flags, uint64_t *source)
{
	struct seda_watch_args a = {
		.size = sizeof(a), .fd = fd, .stage = stage, .mask = mask,
		.flags = flags,
	};
	int ret = app_call(app, SEDA_IOC_WATCH, &a);

	*source = a.source;
	return ret;
}

static inline int app_to_fd(struct app *app, uint64_t source, uint32_t flags)
{
	struct seda_to_fd_args a = {
		.size = sizeof(a), .source = source, .flags = flags,
	};

	return app_call(app, SEDA_IOC_TO_FD, &a);
}

static inline int app_source_info(struct app *app, uint64_t source,
				  struct seda_source_info_args *a)
{
	memset(a, 0, sizeof(*a));
	a->size = sizeof(*a);
	a->source = source;
	return app_call(app, SEDA_IOC_SOURCE_INFO, a);
}

/* How often fd stays unreadable for a while: 1; else 0. */
static inline bool fd_quiet(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return !poll(&p, 1, SHORT / MS);
}

/* All of len bytes, or less at the end of the stream; -1: an error. */
static inline ssize_t read_all(int fd, void *to, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, (char *)to + done, len - done);
		if (n < 0)
			return -1;
		if (!n)
			break;
		done += n;
	}
	return done;
}

/* Small buffers on both ends, so that little fills them. */
static inline void small_buffers(int fd)
{
	int size = 4096;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* The file of the descriptor's fdinfo in *text, which has size bytes. */
static inline void app_fdinfo(const struct app *app, char *text, size_t size)
{
	ssize_t n = -1;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", app->fd);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		n = read_all(fd, text, size - 1);
		close(fd);
	}
	text[n < 0 ? 0 : n] = 0;
}

/* How many workers of the first pool sleep in ENTER. */
static inline int app_parked(const struct app *app)
{
	char text[65536];
	const char *p;

	app_fdinfo(app, text, sizeof(text));
	p = strstr(text, "parked=");
	return p ? atoi(p + 7) : -1;
}

/* Until n workers sleep; false: they do not. */
static inline bool await_parked(const struct app *app, int n)
{
	uint64_t end = now_ns() + LONG;

	while (app_parked(app) != n) {
		if (now_ns() > end)
			return false;
		sleep_ms(1);
	}
	/* from the list into the sleep it is a few instructions */
	sleep_ms(5);
	return true;
}

#endif /* SEDA_RIG_H */
