/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An app at each stage of an event's life, to be killed, closed, forked ...
 * there.  Each function returns 0, or the line where it failed.
 */
#ifndef STAGES_H
#define STAGES_H

#include "tests/lib/life_disk.h"
#include "tests/lib/module_refs.h"
#include "tests/lib/seda_rig.h"

#define MUST(x) do {							\
	if (!(x))							\
		return __LINE__;					\
} while (0)

struct life {
	struct rig r;
	uint64_t id;
	int own, peer;		/* own: -1 without a descriptor */
	pthread_t thread;
};

static char stages_big[8 << 20];

static inline int life_open(struct life *l)
{
	struct seda_setup_args setup = {
		.workers = 8, .bufs = 4, .buf_size = 512, .sources = 64,
	};
	struct seda_stage_args policy = { .posts = 8 };

	return rig_open(&l->r, &setup, &policy) ? __LINE__ : 0;
}

static inline int life_idle(struct life *l)
{
	MUST(!life_open(l));
	MUST(!rig_pair(&l->r, 0, &l->id, &l->own, &l->peer));
	return 0;
}

static inline int life_linked(struct life *l)
{
	MUST(!life_idle(l));
	MUST(write(l->peer, "x", 1) == 1);
	return 0;
}

static inline int life_owned(struct life *l)
{
	MUST(!life_linked(l));
	MUST(rig_next(&l->r));
	return 0;
}

static inline int life_held(struct life *l)
{
	MUST(!life_owned(l));
	l->r.w.ctl[0].flags = SEDA_CTL_HOLD | SEDA_CTL_KEEP;
	MUST(!rig_submit(&l->r));
	return 0;
}

static inline int life_stalled(struct life *l)
{
	uint64_t id;
	int own, peer, i;

	MUST(!life_open(l));
	for (i = 0; i < 4; i++) {
		MUST(!rig_pair(&l->r, 0, &id, &own, &peer));
		MUST(write(peer, "x", 1) == 1);
		MUST(rig_next(&l->r));
		l->r.w.ctl[0].flags = SEDA_CTL_KEEP;
	}
	MUST(!rig_pair(&l->r, 0, &l->id, &l->own, &l->peer));
	MUST(write(l->peer, "x", 1) == 1);
	MUST(rig_quiet(&l->r));
	MUST(l->r.app.counters->stalled == 1);
	return 0;
}

static inline int life_sending(struct life *l)
{
	MUST(!life_idle(l));
	MUST(rig_send(&l->r, l->id, stages_big, sizeof(stages_big), 1) ==
	     -EINPROGRESS);
	return 0;
}

/* Sending from a receive buffer, without a descriptor, and closing. */
static inline int life_closing(struct life *l)
{
	struct seda_event *ev;

	MUST(!life_open(l));
	MUST(!rig_accept(&l->r, &l->id, &l->peer));
	l->own = -1;
	MUST(rig_send(&l->r, l->id, stages_big, sizeof(stages_big), 1) ==
	     -EINPROGRESS);
	MUST(write(l->peer, "x", 1) == 1);
	ev = rig_await(&l->r, SEDA_EV_IN);
	MUST(ev);
	worker_echo(&l->r.w, ev);
	worker_op(&l->r.w, SEDA_OP_CLOSE, l->id);
	MUST(!rig_submit(&l->r));
	MUST(l->r.w.ops[1].res == -EINPROGRESS);
	return 0;
}

static inline int life_connecting(struct life *l)
{
	struct seda_addr to;
	uint16_t port = 0;

	MUST(!life_open(l));
	MUST(tcp_deaf(&port) >= 0);
	to = addr_v4(port);
	MUST(!app_connect(&l->r.app, l->r.stage, &to, 0, 3600 * SEC, &l->id));
	l->own = -1;
	return 0;
}

static inline int life_timer(struct life *l)
{
	MUST(!life_open(l));
	MUST(!app_timer(&l->r.app, l->r.stage, MS, 20000, &l->id));
	l->own = -1;
	return 0;
}

static inline int life_listening(struct life *l)
{
	uint16_t port = 0;
	int i;

	MUST(!life_open(l));
	l->own = tcp_listen(&port);
	MUST(!app_listen(&l->r.app, l->own, l->r.stage, l->r.stage, &l->id));
	for (i = 0; i < 3; i++)
		MUST(tcp_connect(port) >= 0);
	return 0;
}

static inline int life_accepted(struct life *l)
{
	MUST(!life_listening(l));
	MUST(worker_enter(&l->r.w, 3, SEDA_FOREVER) == 3);
	return 0;
}

static inline int life_watching(struct life *l)
{
	int p[2];

	MUST(!life_open(l));
	MUST(!pipe(p));
	MUST(!app_watch(&l->r.app, p[0], l->r.stage, POLLIN, 0, &l->id));
	MUST(write(p[1], "x", 1) == 1);
	MUST(rig_next(&l->r));
	l->own = p[0];
	return 0;
}

static inline int life_posted(struct life *l)
{
	int i;

	MUST(!life_open(l));
	for (i = 0; i < 8; i++)
		MUST(!app_post(&l->r.app, l->r.stage, i, i));
	MUST(worker_enter_max(&l->r.w, 1, 4, SEDA_FOREVER) == 4);
	l->own = -1;
	return 0;
}

/* Ops of a file are with the disk (and with the page cache, a thread waits there). */
static inline int life_reading(struct life *l)
{
	int fd[2] = { life_disk_open(true, O_RDONLY | O_DIRECT),
		      life_disk_open(true, O_RDONLY) };
	struct seda_op op;
	int i, buf, ret;

	MUST(!life_open(l));
	for (i = 0; i < 4; i++) {
		MUST(fd[i % 2] >= 0);
		if (i < 2)
			MUST(!app_file(&l->r.app, fd[i], l->r.stage, 0, 0,
				       &l->id));
		buf = worker_take(&l->r.w);
		MUST(buf >= 0);
		op = file_op(SEDA_OP_READ, l->id, i << 20, buf, 512, i);
		ret = worker_do(&l->r.w, &op);
		/* an app before may have left it in the page cache */
		MUST(ret == -EINPROGRESS || (i && ret == 512));
	}
	l->own = fd[1];
	l->peer = -1;
	return 0;
}

static inline void *life_parks(void *arg)
{
	struct life *l = arg;
	struct worker w;

	if (!worker_join(&l->r.app, &w))
		for (;;)
			worker_enter(&w, 1, SEDA_FOREVER);
	return NULL;
}

static inline int life_parked(struct life *l)
{
	MUST(!life_idle(l));
	pthread_create(&l->thread, NULL, life_parks, l);
	MUST(await_parked(&l->r.app, 1));
	return 0;
}

/* The worker's thread exits with a full batch and no LEAVE. */
static inline void *life_leaves(void *arg)
{
	struct life *l = arg;
	struct worker w;
	long n;

	if (worker_join(&l->r.app, &w))
		return NULL;
	n = worker_enter(&w, 4, SEDA_FOREVER);
	return (void *)n;
}

static inline int life_left(struct life *l)
{
	uint64_t id;
	int own, peer, i;
	void *n;

	MUST(!life_open(l));
	MUST(!worker_leave(&l->r.w));
	for (i = 0; i < 4; i++) {
		MUST(!rig_pair(&l->r, 0, &id, &own, &peer));
		MUST(write(peer, "x", 1) == 1);
	}
	l->own = own;
	l->id = id;
	pthread_create(&l->thread, NULL, life_leaves, l);
	pthread_join(l->thread, &n);
	MUST(n == (void *)4L);
	/* its item takes back what it held */
	MUST(!worker_join(&l->r.app, &l->r.w));
	return 0;
}

static const struct life_stage {
	const char *name;
	int (*set_up)(struct life *l);
} life_stages[] = {
	{ "idle", life_idle }, { "linked", life_linked },
	{ "owned", life_owned }, { "held", life_held },
	{ "stalled", life_stalled }, { "sending", life_sending },
	{ "closing", life_closing }, { "connecting", life_connecting },
	{ "timer", life_timer }, { "listening", life_listening },
	{ "accepted", life_accepted }, { "watching", life_watching },
	{ "posted", life_posted }, { "reading", life_reading },
	{ "parked", life_parked }, { "left", life_left },
};

#define LIFE_STAGES	(sizeof(life_stages) / sizeof(life_stages[0]))

static int module_others;

/* What a test before left behind is not this one's. */
__attribute__((constructor)) static void module_count_others(void)
{
	module_others = module_refs();
}

/* How many apps there are. */
static inline int module_users(void)
{
	return module_refs() - module_others;
}

/* Everything is gone within a few seconds. */
static inline bool await_gone(void)
{
	uint64_t end = now_ns() + LONG;

	while (module_users() > 0 && now_ns() < end)
		sleep_ms(2);
	return module_users() <= 0;
}

#endif /* STAGES_H */
