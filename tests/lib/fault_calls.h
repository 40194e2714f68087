/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every way into the module, each to be tried while something fails: on an app
 * at any stage of an event's life.
 */
#ifndef FAULT_CALLS_H
#define FAULT_CALLS_H

#include <sys/epoll.h>

#include "tests/lib/fault_files.h"

/* --- the calls: 0 or more, or -errno ------------------------------------------ */

static inline int run_info(struct scene *s)
{
	struct seda_info_args a = { .size = sizeof(a) };

	return app_call(scene_app(s), SEDA_IOC_INFO, &a);
}

/* Another app, of few pages, from open to its pool and back. */
static inline int run_open(struct scene *s)
{
	struct seda_setup_args setup = {
		.workers = 1, .events = 4, .ops = 4, .bufs = 2, .buf_size = 64,
		.sources = 4,
	};
	struct app app;
	int ret = app_open(&app, &setup);

	if (!ret)
		app_close(&app);
	return ret;
}

static inline int run_open_state(struct scene *s)
{
	int fd = open_debugfs("state");

	return fd < 0 ? fd : close(fd);
}

static inline int run_open_sources(struct scene *s)
{
	int fd = open_debugfs("sources");

	return fd < 0 ? fd : close(fd);
}

static inline int run_setup(struct scene *s)
{
	struct seda_setup_args a = { .size = sizeof(a) };

	return app_call(scene_app(s), SEDA_IOC_SETUP, &a);
}

static inline int run_mmap(struct scene *s)
{
	struct app *app = scene_app(s);
	/* nothing is near, so that it takes tables of pages, too */
	void *map = mmap((void *)(1UL << 45), app->setup.arena_size,
			 PROT_READ | PROT_WRITE, MAP_SHARED, app->fd,
			 SEDA_MMAP_ARENA);

	if (map == MAP_FAILED)
		return -errno;
	return munmap(map, app->setup.arena_size) ? -errno : 0;
}

static inline int run_poll(struct scene *s)
{
	struct pollfd p = { .fd = scene_app(s)->fd, .events = POLLIN };

	return poll(&p, 1, 0) < 0 ? -errno : 0;
}

static inline int run_epoll(struct scene *s)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(s->fd, EPOLL_CTL_ADD, scene_app(s)->fd, &ev) ?
		-errno : 0;
}

static inline int run_read(struct scene *s)
{
	static char text[65536];
	ssize_t n = pread(s->fd, text, sizeof(text), 0);

	return n < 0 ? -errno : 0;
}

static inline int run_pool_set(struct scene *s)
{
	struct seda_pool_args a = {
		.size = sizeof(a), .pool = scene_app(s)->pool, .concurrency = 3,
	};

	return app_call(scene_app(s), SEDA_IOC_POOL_SET, &a);
}

static inline int run_stage_set(struct scene *s)
{
	struct seda_stage_args a = {
		.size = sizeof(a), .stage = s->l.r.stage, .priority = 7,
	};

	return app_call(scene_app(s), SEDA_IOC_STAGE_SET, &a);
}

static inline int run_join(struct scene *s)
{
	return worker_join(scene_app(s), &s->l.r.w);
}

static inline int run_leave(struct scene *s)
{
	return worker_leave(&s->l.r.w);
}

static inline int run_listen(struct scene *s)
{
	uint64_t id;
	int ret = app_listen(scene_app(s), s->fd, s->l.r.stage, s->l.r.stage,
			     &id);

	return scene_keep_id(s, ret, id);
}

static inline int run_adopt(struct scene *s)
{
	uint64_t id;
	int ret = app_adopt(scene_app(s), s->fd, s->l.r.stage, 0, 0, &id);

	return scene_keep_id(s, ret, id);
}

static inline int run_connect(struct scene *s)
{
	struct seda_addr to = addr_v4(s->port);
	uint64_t id;
	int ret = app_connect(scene_app(s), s->l.r.stage, &to, 0, 3600 * SEC,
			      &id);

	return scene_keep_id(s, ret, id);
}

static inline int run_connect_from(struct scene *s)
{
	struct seda_connect_args a = {
		.size = sizeof(a), .stage = s->l.r.stage,
		.peer = addr_v4(s->port), .local = addr_v4(0),
	};
	int ret = app_call(scene_app(s), SEDA_IOC_CONNECT, &a);

	return scene_keep_id(s, ret, a.source);
}

static inline int run_watch(struct scene *s)
{
	uint64_t id;
	int ret = app_watch(scene_app(s), s->fd, s->l.r.stage, POLLIN, 0, &id);

	return scene_keep_id(s, ret, id);
}

static inline int run_timer(struct scene *s)
{
	uint64_t id;
	int ret = app_timer(scene_app(s), s->l.r.stage, MS, 20000, &id);

	return scene_keep_id(s, ret, id);
}

static inline int run_post(struct scene *s)
{
	return app_post(scene_app(s), s->l.r.stage, 1, 2);
}

static inline int run_close(struct scene *s)
{
	return app_id_call(scene_app(s), SEDA_IOC_CLOSE, s->l.id, 0);
}

static inline int run_to_fd(struct scene *s)
{
	int fd = app_to_fd(scene_app(s), s->l.id, SEDA_FD_CLOEXEC);

	return fd < 0 ? fd : (scene_keep_fd(s, fd), 0);
}

static inline int run_source_info(struct scene *s)
{
	struct seda_source_info_args a;

	return app_source_info(scene_app(s), s->l.id, &a);
}

static inline int run_enter(struct scene *s)
{
	int n = worker_enter(&s->l.r.w, 0, 0);

	return n < 0 ? n : 0;
}

static inline int run_enter_sigmask(struct scene *s)
{
	unsigned long mask = 0;
	struct seda_enter_args a = {
		.size = sizeof(a), .worker = s->l.r.w.id, .min_events = 64,
		.timeout_ns = 1, .sigmask = (uintptr_t)&mask,
		.sigset_size = sizeof(mask),
	};
	int n = app_call(scene_app(s), SEDA_IOC_ENTER, &a);

	return n < 0 ? n : 0;
}

/* The whole app goes with it. */
static inline int run_app_close(struct scene *s)
{
	return close(scene_app(s)->fd) ? -errno : 0;
}

/* --- the ops -------------------------------------------------------------------- */

static inline int run_op(struct scene *s, uint8_t code, uint16_t flags)
{
	return rig_do(&s->l.r, code, s->l.id, flags);
}

static inline int run_op_nop(struct scene *s)
{
	struct seda_op op = { .op = SEDA_OP_NOP };

	return rig_op(&s->l.r, &op);
}

static inline int run_op_send(struct scene *s)
{
	return rig_send(&s->l.r, s->l.id, "hello", 5, 1);
}

static inline int run_op_send_big(struct scene *s)
{
	return rig_send(&s->l.r, s->l.id, stages_big, 100000, 2);
}

static inline int run_op_send_vec(struct scene *s)
{
	static char text[3][3000];
	static struct seda_vec vec[3];
	struct seda_op op = {
		.op = SEDA_OP_SEND, .source = s->l.id, .flags = SEDA_SEND_VEC,
		.addr = (uintptr_t)vec, .len = 3,
	};
	int i;

	for (i = 0; i < 3; i++) {
		vec[i].addr = (uintptr_t)text[i];
		vec[i].len = sizeof(text[i]);
	}
	return rig_op(&s->l.r, &op);
}

/* From where it lies: a buffer that the last event brought, or any. */
static inline int run_op_send_buf(struct scene *s)
{
	uint32_t buf = s->l.r.ev.buf < 4 ? s->l.r.ev.buf : 0;
	struct seda_op op = {
		.op = SEDA_OP_SEND, .source = s->l.id, .flags = SEDA_SEND_BUF,
		.addr = (uintptr_t)app_buf(scene_app(s), buf), .len = 200,
		.buf = buf,
	};

	return rig_op(&s->l.r, &op);
}

static inline int run_op_recv(struct scene *s)
{
	static char to[64];
	struct seda_op op = {
		.op = SEDA_OP_RECV, .source = s->l.id, .addr = (uintptr_t)to,
		.len = sizeof(to),
	};

	return rig_op(&s->l.r, &op);
}

static inline int run_op_shutdown(struct scene *s)
{
	return run_op(s, SEDA_OP_SHUTDOWN, 0);
}

static inline int run_op_close(struct scene *s)
{
	return run_op(s, SEDA_OP_CLOSE, 0);
}

static inline int run_op_abort(struct scene *s)
{
	return run_op(s, SEDA_OP_CLOSE, SEDA_CLOSE_ABORT);
}

static inline int run_op_quiet(struct scene *s)
{
	return run_op(s, SEDA_OP_CLOSE, SEDA_CLOSE_QUIET | SEDA_CLOSE_ABORT);
}

static inline int run_op_cancel(struct scene *s)
{
	return run_op(s, SEDA_OP_CANCEL, 0);
}

static inline int run_op_arm(struct scene *s)
{
	return run_op(s, SEDA_OP_ARM, 0);
}

static inline int run_op_disarm(struct scene *s)
{
	return run_op(s, SEDA_OP_DISARM, 0);
}

static inline int run_op_release(struct scene *s)
{
	return run_op(s, SEDA_OP_RELEASE, 0);
}

static inline int run_op_return(struct scene *s)
{
	struct seda_op op = { .op = SEDA_OP_RETURN, .buf = s->l.r.ev.buf };

	return rig_op(&s->l.r, &op);
}

static inline int run_op_set_data(struct scene *s)
{
	return run_op(s, SEDA_OP_SET_DATA, 0);
}

static inline int run_op_post(struct scene *s)
{
	struct seda_op op = {
		.op = SEDA_OP_POST, .source = s->l.r.stage, .addr = 9,
	};

	return rig_op(&s->l.r, &op);
}

/* A datagram to a UDP source of its own, and its event; to: not to its peer. */
static inline int run_udp_of(struct scene *s, bool to)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	struct seda_op op = { .op = SEDA_OP_SEND, .len = 3 };
	int ret = run_adopt(s);

	if (ret || getsockname(s->fd, (struct sockaddr *)&sin, &len))
		return ret;
	op.source = s->ids[(s->nr_ids - 1) % SCENE_IDS];
	op.addr = (uintptr_t)"udp";
	if (to)
		op.to = addr_v4(ntohs(sin.sin_port));
	ret = rig_op(&s->l.r, &op);
	return ret < 0 ? ret : run_enter(s);
}

static inline int run_udp(struct scene *s)
{
	return run_udp_of(s, true);
}

static inline int run_udp_peer(struct scene *s)
{
	return run_udp_of(s, false);
}

/* A listener's connection: its id, 0 if there is none, or -errno. */
static inline int64_t accepted(struct scene *s, uint64_t timeout)
{
	struct worker *w = &s->l.r.w;
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(s->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int ret = run_listen(s), fd, n, i;

	if (ret)
		return ret;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		connect(scene_keep_fd(s, fd), (struct sockaddr *)&sin,
			sizeof(sin));
	n = worker_enter(w, 1, timeout);
	for (i = 0; i < n; i++)
		if (w->events[i].events & SEDA_EV_ACCEPT)
			return w->events[i].child;
	return n < 0 ? n : 0;
}

static inline int run_to_fd_of(struct scene *s, int64_t id)
{
	int fd;

	if (id <= 0)
		return id;
	fd = app_to_fd(scene_app(s), id, 0);
	return fd < 0 ? fd : (scene_keep_fd(s, fd), 0);
}

static inline int run_accept(struct scene *s)
{
	/* the kernel's own part of it may be what fails: it must not wait */
	return run_to_fd_of(s, accepted(s, 10 * MS));
}

/* A connection that was accepted, and no room in the table of descriptors. */
static inline bool prepare_accepted(struct scene *s)
{
	if (!prepare_listen(s))
		return false;
	s->accepted = accepted(s, SEC);
	return s->accepted > 0 && fill_table();
}

static inline int run_to_fd_accepted(struct scene *s)
{
	return run_to_fd_of(s, s->accepted);
}

/* What a call may have done to the app. */
enum {
	CALL_CREATES = 1,	/* one object more, unless it failed */
	CALL_EVERYWHERE = 2,	/* to be tried at every stage of an event */
	CALL_ENDS = 4,		/* the app is gone afterwards */
	CALL_NO_COPY = 8,	/* copies nothing from or to its caller */
};

/* What an op meets whose worker or source is gone, or of another kind. */
#define STATE_OP	-ESRCH
#define STATE_SOURCE	STATE_OP, -ESTALE
#define STATE_KIND	STATE_SOURCE, -EOPNOTSUPP
#define STATE_SEND	STATE_KIND, -EPIPE, -ENOTCONN, -EAGAIN, -ECONNRESET, \
			-EDESTADDRREQ
/* Or whose file is closed, or without a buffer to be had. */
#define STATE_FILE	STATE_SOURCE, -EALREADY, -ENOBUFS

static const struct call {
	const char *name;
	int (*run)(struct scene *s);
	bool (*prepare)(struct scene *s);
	unsigned int flags;
	int allowed[3];		/* errors besides ENOMEM, EFAULT */
	int states[9];		/* those that the app's state explains */
} calls[] = {
	{ .name = "info", .run = run_info },
	{ .name = "open", .run = run_open },
	{ .name = "setup", .run = run_setup, .states = { -EBUSY } },
	{ .name = "mmap", .run = run_mmap, .flags = CALL_NO_COPY },
	{ .name = "poll", .run = run_poll },
	{ .name = "epoll", .run = run_epoll, .prepare = prepare_epoll },
	{ .name = "fdinfo", .run = run_read, .prepare = prepare_fdinfo },
	{ .name = "open state", .run = run_open_state },
	{ .name = "open sources", .run = run_open_sources },
	{ .name = "debugfs state", .run = run_read, .prepare = prepare_state },
	{ .name = "debugfs sources", .run = run_read, .prepare = prepare_sources },
	{ .name = "pool_create", .run = run_pool_create, .prepare = prepare_no_pool,
	  .flags = CALL_CREATES },
	{ .name = "pool_set", .run = run_pool_set },
	{ .name = "pool_destroy", .run = run_pool_destroy, .prepare = prepare_pool },
	{ .name = "stage_create", .run = run_stage_create,
	  .prepare = prepare_no_stage, .flags = CALL_CREATES },
	{ .name = "stage_set", .run = run_stage_set },
	{ .name = "stage_destroy", .run = run_stage_destroy,
	  .prepare = prepare_stage, .states = { -EBUSY } },
	{ .name = "join", .run = run_join, .prepare = prepare_leave,
	  .flags = CALL_CREATES | CALL_EVERYWHERE },
	{ .name = "leave", .run = run_leave,
	  .flags = CALL_EVERYWHERE | CALL_NO_COPY, .states = { -ESRCH } },
	{ .name = "listen", .run = run_listen, .prepare = prepare_listen,
	  .flags = CALL_CREATES },
	{ .name = "adopt", .run = run_adopt, .prepare = prepare_tcp,
	  .flags = CALL_CREATES },
	{ .name = "adopt udp", .run = run_adopt, .prepare = prepare_udp,
	  .flags = CALL_CREATES },
	{ .name = "connect", .run = run_connect, .prepare = prepare_listen,
	  .flags = CALL_CREATES, .allowed = { -ENFILE, -ENOBUFS } },
	/* Linux has this answer when it finds no memory for the port */
	{ .name = "connect from", .run = run_connect_from,
	  .prepare = prepare_listen, .flags = CALL_CREATES,
	  .allowed = { -ENFILE, -ENOBUFS, -EADDRINUSE } },
	{ .name = "watch pipe", .run = run_watch, .prepare = prepare_pipe,
	  .flags = CALL_CREATES },
	{ .name = "watch unix", .run = run_watch, .prepare = prepare_unix,
	  .flags = CALL_CREATES },
	{ .name = "timer", .run = run_timer, .flags = CALL_CREATES },
	{ .name = "post", .run = run_post, .states = { -EAGAIN } },
	{ .name = "close", .run = run_close, .flags = CALL_EVERYWHERE,
	  .states = { -ESTALE, -EALREADY, -EINPROGRESS } },
	{ .name = "to_fd", .run = run_to_fd, .flags = CALL_EVERYWHERE,
	  .allowed = { -EMFILE, -ENFILE },
	  .states = { -ESTALE, -EBUSY, -EINVAL, -EOPNOTSUPP, -EALREADY } },
	{ .name = "to_fd accepted", .run = run_to_fd_accepted,
	  .prepare = prepare_accepted, .allowed = { -EMFILE, -ENFILE } },
	{ .name = "source_info", .run = run_source_info, .states = { -ESTALE } },
	{ .name = "enter", .run = run_enter, .flags = CALL_EVERYWHERE,
	  .states = { STATE_OP } },
	{ .name = "enter sigmask", .run = run_enter_sigmask,
	  .states = { STATE_OP, -EINTR } },
	{ .name = "app close", .run = run_app_close, .prepare = prepare_unmapped,
	  .flags = CALL_EVERYWHERE | CALL_ENDS | CALL_NO_COPY },
	{ .name = "NOP", .run = run_op_nop, .states = { STATE_OP } },
	{ .name = "SEND", .run = run_op_send, .flags = CALL_EVERYWHERE,
	  .allowed = { -EINPROGRESS, -ENOBUFS }, .states = { STATE_SEND } },
	{ .name = "SEND big", .run = run_op_send_big, .prepare = prepare_small,
	  .flags = CALL_EVERYWHERE, .allowed = { -EINPROGRESS, -ENOBUFS },
	  .states = { STATE_SEND, -EMSGSIZE } },
	{ .name = "SEND vec", .run = run_op_send_vec,
	  .allowed = { -EINPROGRESS, -ENOBUFS }, .states = { STATE_SEND } },
	{ .name = "SEND buf", .run = run_op_send_buf, .flags = CALL_EVERYWHERE,
	  .allowed = { -EINPROGRESS, -ENOBUFS }, .states = { STATE_SEND, -EINVAL } },
	{ .name = "RECV", .run = run_op_recv, .flags = CALL_EVERYWHERE,
	  .states = { STATE_KIND, -EBUSY, -EAGAIN, -ENOTCONN, -ECONNRESET } },
	{ .name = "SHUTDOWN", .run = run_op_shutdown, .flags = CALL_EVERYWHERE,
	  .allowed = { -EINPROGRESS },
	  .states = { STATE_KIND, -EPIPE, -ENOTCONN } },
	{ .name = "CLOSE", .run = run_op_close, .flags = CALL_EVERYWHERE,
	  .states = { STATE_SOURCE, -EALREADY, -EINPROGRESS } },
	{ .name = "CLOSE abort", .run = run_op_abort, .flags = CALL_EVERYWHERE,
	  .states = { STATE_SOURCE, -EALREADY, -EINPROGRESS } },
	{ .name = "CLOSE quiet", .run = run_op_quiet, .flags = CALL_EVERYWHERE,
	  .states = { STATE_SOURCE, -EALREADY, -EBUSY } },
	{ .name = "CANCEL", .run = run_op_cancel, .flags = CALL_EVERYWHERE,
	  .states = { STATE_KIND, -EALREADY } },
	{ .name = "ARM", .run = run_op_arm, .states = { STATE_KIND, -EINVAL } },
	{ .name = "DISARM", .run = run_op_disarm, .states = { STATE_KIND } },
	{ .name = "RELEASE", .run = run_op_release,
	  .states = { STATE_SOURCE, -EBUSY } },
	{ .name = "RETURN", .run = run_op_return, .states = { STATE_OP, -EINVAL } },
	{ .name = "SET_DATA", .run = run_op_set_data, .states = { STATE_SOURCE } },
	{ .name = "POST", .run = run_op_post, .states = { STATE_OP, -EAGAIN } },
	{ .name = "file", .run = run_file, .prepare = prepare_memfd,
	  .flags = CALL_CREATES },
	{ .name = "TAKE", .run = run_op_take, .flags = CALL_EVERYWHERE,
	  .states = { STATE_OP, -ENOBUFS } },
	{ .name = "READ", .run = run_op_read, .prepare = prepare_file,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "READ miss", .run = run_op_read, .prepare = prepare_miss,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "READ hit", .run = run_op_read, .prepare = prepare_hit,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "READ vec", .run = run_op_read_vec, .prepare = prepare_hit,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "READ direct", .run = run_op_read, .prepare = prepare_direct,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "WRITE", .run = run_op_write, .prepare = prepare_file,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "WRITE vec", .run = run_op_write_vec, .prepare = prepare_file,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "WRITE direct", .run = run_op_write, .prepare = prepare_direct,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "SYNC", .run = run_op_sync, .prepare = prepare_file,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "ADVISE", .run = run_op_advise, .prepare = prepare_hit,
	  .allowed = { -EINPROGRESS }, .states = { STATE_FILE } },
	{ .name = "RESIDENT", .run = run_op_resident, .prepare = prepare_hit,
	  .states = { STATE_FILE } },
	{ .name = "SENDFILE", .run = run_op_sendfile, .prepare = prepare_hit,
	  .allowed = { -EINPROGRESS, -ENOBUFS }, .states = { STATE_SEND, -EALREADY } },
	{ .name = "SENDFILE miss", .run = run_op_sendfile, .prepare = prepare_miss,
	  .allowed = { -EINPROGRESS, -ENOBUFS }, .states = { STATE_SEND, -EALREADY } },
	{ .name = "CANCEL file", .run = run_op_cancel_file, .prepare = prepare_file,
	  .states = { STATE_FILE } },
	{ .name = "a datagram", .run = run_udp, .prepare = prepare_udp,
	  .allowed = { -ENOBUFS }, .states = { STATE_OP, -EAGAIN } },
	{ .name = "a datagram to its peer", .run = run_udp_peer,
	  .prepare = prepare_udp_peer, .allowed = { -ENOBUFS },
	  .states = { STATE_OP, -EAGAIN } },
	{ .name = "accept", .run = run_accept, .prepare = prepare_listen,
	  .allowed = { -EMFILE, -ENFILE }, .states = { STATE_OP, -EINTR } },
};

#define CALLS	(sizeof(calls) / sizeof(calls[0]))

static inline bool call_listed(const int *errors, unsigned int n, int ret)
{
	while (n && errors[n - 1] != ret)
		n--;
	return n;
}

/* Is ret an error that may come of a failure? */
static inline bool call_may_fail(const struct call *c, int ret)
{
	return ret == -ENOMEM || ret == -EFAULT ||
	       call_listed(c->allowed, sizeof(c->allowed) / sizeof(int), ret);
}

/* Is it one that may come without any? */
static inline bool call_may_refuse(const struct call *c, int ret)
{
	return call_listed(c->allowed, sizeof(c->allowed) / sizeof(int), ret) ||
	       call_listed(c->states, sizeof(c->states) / sizeof(int), ret);
}

#endif /* FAULT_CALLS_H */
