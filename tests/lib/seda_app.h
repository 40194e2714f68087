/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The raw interface of /dev/seda for tests and benchmarks: one app with one
 * pool, and thin wrappers that return -errno.
 */
#ifndef SEDA_APP_H
#define SEDA_APP_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/seda.h>

struct app {
	int fd;
	struct seda_setup_args setup;
	const struct seda_app_counters *counters;
	const struct seda_stage_counters *stages;
	char *arena;
	uint64_t pool;
};

/* A worker's part of the arena. */
struct worker {
	struct app *app;
	uint64_t id;
	struct seda_event *events;
	struct seda_ctl *ctl;
	struct seda_op *ops;
	unsigned int nr_ops;	/* to submit by the next enter */
};

static inline int app_call(const struct app *app, unsigned long call, void *arg)
{
	int ret = ioctl(app->fd, call, arg);

	return ret < 0 ? -errno : ret;
}

static inline void app_close(struct app *app)
{
	if (app->counters)
		munmap((void *)app->counters, app->setup.counters_size);
	if (app->arena)
		munmap(app->arena, app->setup.arena_size);
	if (app->fd >= 0)
		close(app->fd);
	memset(app, 0, sizeof(*app));
	app->fd = -1;
}

/* app has nothing but its fd, which is closed when that fails. */
static inline int app_begin(struct app *app, const struct seda_setup_args *setup)
{
	struct seda_pool_args pool = { .size = sizeof(pool) };
	void *map;
	int ret;

	if (setup)
		app->setup = *setup;
	app->setup.size = sizeof(app->setup);
	ret = app_call(app, SEDA_IOC_SETUP, &app->setup);
	if (ret)
		goto err;
	map = mmap(NULL, app->setup.counters_size, PROT_READ, MAP_SHARED,
		   app->fd, SEDA_MMAP_COUNTERS);
	ret = -errno;
	if (map == MAP_FAILED)
		goto err;
	app->counters = map;
	app->stages = (const void *)(app->counters + 1);
	map = mmap(NULL, app->setup.arena_size, PROT_READ | PROT_WRITE,
		   MAP_SHARED, app->fd, SEDA_MMAP_ARENA);
	ret = -errno;
	if (map == MAP_FAILED)
		goto err;
	app->arena = map;
	ret = app_call(app, SEDA_IOC_POOL_CREATE, &pool);
	if (ret)
		goto err;
	app->pool = pool.pool;
	return 0;
err:
	app_close(app);
	return ret;
}

/* setup: sizes wanted (0: defaults); NULL: all defaults. */
static inline int app_open(struct app *app, const struct seda_setup_args *setup)
{
	memset(app, 0, sizeof(*app));
	app->fd = open("/dev/seda", O_RDWR | O_CLOEXEC);
	return app->fd < 0 ? -errno : app_begin(app, setup);
}

/* The stage's id; policy may be NULL. */
static inline int app_stage(struct app *app, const struct seda_stage_args *policy,
			    uint64_t *stage)
{
	struct seda_stage_args a = { 0 };
	int ret;

	if (policy)
		a = *policy;
	a.size = sizeof(a);
	if (!a.pool)
		a.pool = app->pool;
	ret = app_call(app, SEDA_IOC_STAGE_CREATE, &a);
	*stage = a.stage;
	return ret;
}

static inline const struct seda_stage_counters *
app_counters(const struct app *app, uint64_t stage)
{
	return &app->stages[(uint32_t)stage];
}

/* Makes the calling thread a worker. */
static inline int worker_join_flags(struct app *app, struct worker *w,
				    uint64_t pool, uint32_t flags)
{
	struct seda_join_args a = {
		.size = sizeof(a), .pool = pool, .flags = flags,
	};
	char *base;
	int ret;

	ret = app_call(app, SEDA_IOC_WORKER_JOIN, &a);
	if (ret)
		return ret;
	base = app->arena + app->setup.workers_off +
	       (size_t)(uint32_t)a.worker * app->setup.worker_stride;
	w->app = app;
	w->id = a.worker;
	w->events = (void *)base;
	w->ctl = (void *)(base + app->setup.ctl_off);
	w->ops = (void *)(base + app->setup.ops_off);
	w->nr_ops = 0;
	return 0;
}

static inline int worker_join(struct app *app, struct worker *w)
{
	return worker_join_flags(app, w, app->pool, 0);
}

static inline int worker_leave(struct worker *w)
{
	return app_call(w->app, SEDA_IOC_WORKER_LEAVE, NULL);
}

/* Submits what was queued; the number of events. */
static inline int worker_enter(struct worker *w, unsigned int min,
			       uint64_t timeout_ns)
{
	struct seda_enter_args a = {
		.size = sizeof(a),
		.worker = w->id,
		.nr_ops = w->nr_ops,
		.min_events = min,
		.timeout_ns = timeout_ns,
	};

	w->nr_ops = 0;
	return app_call(w->app, SEDA_IOC_ENTER, &a);
}

/* The next op of the submission, zeroed. */
static inline struct seda_op *worker_op(struct worker *w, uint8_t code,
					uint64_t source)
{
	struct seda_op *op = &w->ops[w->nr_ops++];

	memset(op, 0, sizeof(*op));
	op->op = code;
	op->source = source;
	return op;
}

/* Runs one op by itself; its result.  Gives back the last batch. */
static inline int worker_run(struct worker *w, const struct seda_op *op)
{
	int ret;

	w->ops[0] = *op;
	w->nr_ops = 1;
	ret = worker_enter(w, 0, 0);
	return ret < 0 ? ret : w->ops[0].res;
}

static inline char *app_buf(const struct app *app, uint32_t buf)
{
	return app->arena + app->setup.bufs_off +
	       (size_t)buf * app->setup.buf_size;
}

/* Queues a send of an event's data from where it lies. */
static inline struct seda_op *worker_echo(struct worker *w,
					  const struct seda_event *ev)
{
	struct seda_op *op = worker_op(w, SEDA_OP_SEND, ev->source);

	op->addr = (uintptr_t)app_buf(w->app, ev->buf);
	op->len = ev->len;
	op->buf = ev->buf;
	op->flags = SEDA_SEND_BUF;
	return op;
}

static inline int app_listen(struct app *app, int fd, uint64_t stage,
			     uint64_t child_stage, uint64_t *source)
{
	struct seda_listen_args a = {
		.size = sizeof(a), .fd = fd, .stage = stage,
		.child_stage = child_stage,
	};
	int ret = app_call(app, SEDA_IOC_LISTEN, &a);

	if (source)
		*source = a.source;
	return ret;
}

static inline int app_adopt(struct app *app, int fd, uint64_t stage,
			    uint64_t user_data, uint32_t flags, uint64_t *source)
{
	struct seda_adopt_args a = {
		.size = sizeof(a), .fd = fd, .stage = stage, .flags = flags,
		.user_data = user_data,
	};
	int ret = app_call(app, SEDA_IOC_ADOPT, &a);

	if (source)
		*source = a.source;
	return ret;
}

static inline int app_post(struct app *app, uint64_t stage, uint64_t user_data,
			   uint64_t value)
{
	struct seda_post_args a = {
		.size = sizeof(a), .stage = stage, .user_data = user_data,
		.value = value,
	};

	return app_call(app, SEDA_IOC_POST, &a);
}

static inline int app_id_call(struct app *app, unsigned long call, uint64_t id,
			      uint32_t flags)
{
	struct seda_id_args a = { .size = sizeof(a), .id = id, .flags = flags };

	return app_call(app, call, &a);
}

/* A TCP socket that listens on loopback at *port (0: any, and told). */
static inline int tcp_listen(uint16_t *port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) ||
	    listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len)) {
		close(fd);
		return -errno;
	}
	*port = ntohs(sin.sin_port);
	return fd;
}

/* The same on [::1], and any port. */
static inline int tcp_listen6(uint16_t *port)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	socklen_t len = sizeof(sin6);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)) ||
	    listen(fd, 10) || getsockname(fd, (struct sockaddr *)&sin6, &len))
		return -errno;
	*port = ntohs(sin6.sin6_port);
	return fd;
}

/* As tcp_listen(), but who connects to it from now on waits: it is full. */
static inline int tcp_deaf(uint16_t *port)
{
	int fd = tcp_listen(port), i;
	struct pollfd full = { .fd = fd, .events = POLLIN };
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	if (fd < 0 || listen(fd, 0))
		return -1;
	for (i = 0; i < 4; i++)
		connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
			(struct sockaddr *)&sin, sizeof(sin));
	return poll(&full, 1, -1) == 1 ? fd : -1;
}

/* Until the other's FIN is there. */
static inline void tcp_await_end(int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLRDHUP };

	poll(&end, 1, -1);
}

static inline int tcp_connect(uint16_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin))) {
		close(fd);
		return -errno;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* A connected pair: fd[0] to be adopted, fd[1] its peer. */
static inline int tcp_pair(int fd[2])
{
	uint16_t port = 0;
	int l = tcp_listen(&port);

	if (l < 0)
		return l;
	fd[1] = tcp_connect(port);
	fd[0] = fd[1] < 0 ? -1 : accept4(l, NULL, NULL, SOCK_CLOEXEC);
	close(l);
	return fd[0] < 0 ? -EIO : 0;
}

#endif /* SEDA_APP_H */
