// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * backend_seda.c - /dev/seda: setup, workers and the wait
 *
 * The device does what the seam asks for, so there is little here: operations are
 * written into the worker's array (seda_ops.c), and one call submits them,
 * harvests and waits.  A pool has a stage of its own on the device, for posts
 * that wake a worker and for the pool's clock.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "seda.h"

#define SEDA_OPS_DEFAULT	512	/* slots for operations, per worker */

_Static_assert(BEV_IN == SEDA_EV_IN && BEV_EOF == SEDA_EV_EOF &&
	       BEV_ERR == SEDA_EV_ERR && BEV_SENT == SEDA_EV_SENT &&
	       BEV_ACCEPT == SEDA_EV_ACCEPT && BEV_CONNECT == SEDA_EV_CONNECT &&
	       BEV_TIMER == SEDA_EV_TIMER && BEV_WAKE == SEDA_EV_POST &&
	       BEV_READY == SEDA_EV_READY && BEV_CLOSED == SEDA_EV_CLOSED,
	       "events of the seam are numbered as the device's");
_Static_assert(MAX_CONNS + MORE_SOURCES <= SEDA_MAX_SOURCES &&
	       MAX_WORKERS <= SEDA_MAX_WORKERS && MAX_EVENTS <= SEDA_MAX_EVENTS,
	       "what the library allows fits the device");
_Static_assert(MAX_POOLS <= SEDA_MAX_POOLS, "as many pools as the device");
/* each pool has a stage of the library's own */
_Static_assert(MAX_STAGES + MAX_POOLS <= SEDA_MAX_STAGES,
	       "as many stages as the device");
#define BEV_ALL	(SEDA_EV_IN | SEDA_EV_EOF | SEDA_EV_ERR | SEDA_EV_SENT | \
		 SEDA_EV_ACCEPT | SEDA_EV_CONNECT | SEDA_EV_TIMER | \
		 SEDA_EV_POST | SEDA_EV_READY | SEDA_EV_CLOSED)

int sd_ioctl(const struct sedak_rt *rt, unsigned long call, void *arg)
{
	const struct sd_rt *sd = rt->be_data;

	return ioctl(sd->fd, call, arg) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------------ runtime */

static unsigned int power_of_two(unsigned int n)
{
	unsigned int p = 64;

	while (p < n)
		p *= 2;
	return p;
}

static int check_version(struct sedak_rt *rt)
{
	struct seda_info_args info = { .size = sizeof(info) };
	int ret = sd_ioctl(rt, SEDA_IOC_INFO, &info);

	if (ret < 0)
		return ret == -ENOTTY ? -EPROTONOSUPPORT : ret;
	if (info.abi_version == SEDA_ABI_VERSION)
		return 0;
	rt_log(rt, SEDAK_LOG_ERROR, "%s speaks version %u, not %u", rt->device,
	       info.abi_version, SEDA_ABI_VERSION);
	return -EPROTONOSUPPORT;
}

static int setup(struct sedak_rt *rt, struct sd_rt *sd)
{
	struct seda_setup_args *s = &sd->setup;
	int ret;

	rt->buf_size = power_of_two(rt->buf_size);
	s->size = sizeof(*s);
	s->workers = rt->max_workers;
	s->events = MAX_EVENTS;
	s->ops = SEDA_OPS_DEFAULT;
	s->bufs = rt->nr_bufs * rt->nr_workers;
	s->buf_size = rt->buf_size;
	s->sources = rt->max_conns ? rt->max_conns + MORE_SOURCES : 0;
	ret = sd_ioctl(rt, SEDA_IOC_SETUP, s);
	if (ret < 0)
		return ret;
	sd->arena = mmap(NULL, s->arena_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 sd->fd, (off_t)SEDA_MMAP_ARENA);
	sd->counters = mmap(NULL, s->counters_size, PROT_READ, MAP_SHARED,
			    sd->fd, (off_t)SEDA_MMAP_COUNTERS);
	if (sd->arena == MAP_FAILED || sd->counters == MAP_FAILED)
		return -errno;
	return bufs_make(rt, s->bufs, sd->arena + s->bufs_off, rt->buf_size);
}

static void sd_close(struct sedak_rt *rt)
{
	struct sd_rt *sd = rt->be_data;

	if (sd->arena && sd->arena != MAP_FAILED)
		munmap(sd->arena, sd->setup.arena_size);
	if (sd->counters && sd->counters != MAP_FAILED)
		munmap((void *)(uintptr_t)sd->counters, sd->setup.counters_size);
	close(sd->fd);
	free(sd);
	rt->be_data = NULL;
}

static int sd_open(struct sedak_rt *rt)
{
	struct sd_rt *sd = calloc(1, sizeof(*sd));
	int ret;

	if (!sd)
		return -ENOMEM;
	sd->fd = open(rt->device, O_RDWR | O_CLOEXEC);
	if (sd->fd < 0) {
		/* without the module there is no node, or nobody behind it */
		ret = errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
		free(sd);
		return ret;
	}
	rt->be_data = sd;
	ret = check_version(rt);
	if (!ret)
		ret = setup(rt, sd);
	if (ret < 0)
		sd_close(rt);
	return ret;
}

/* ---------------------------------------------------------- pools and stages */

static int make_stage(struct sedak_rt *rt, struct seda_stage_args *a,
		      uint64_t pool, const char *name, uint64_t *id)
{
	int ret;

	a->size = sizeof(*a);
	a->pool = pool;
	snprintf(a->name, sizeof(a->name), "%.15s", name);
	ret = sd_ioctl(rt, SEDA_IOC_STAGE_CREATE, a);
	*id = a->stage;
	return ret;
}

static int sd_pool_open(struct sedak_pool *pool)
{
	struct seda_pool_args p = { .size = sizeof(p),
				    .concurrency = pool->nr_workers };
	/* before all others: whoever is woken has to look at the queues */
	struct seda_stage_args s = { .priority = 255, .posts = 1 };
	struct seda_timer_args t = { .size = sizeof(t) };
	int ret = sd_ioctl(pool->rt, SEDA_IOC_POOL_CREATE, &p);

	if (ret < 0)
		return ret;
	pool->id = p.pool;
	ret = make_stage(pool->rt, &s, p.pool, "sedak", &pool->sd.wake_stage);
	if (ret < 0)
		return ret;
	pool->sd.t_src.kind = SRC_INTERNAL;
	t.stage = pool->sd.wake_stage;
	ret = sd_ioctl(pool->rt, SEDA_IOC_TIMER, &t);
	pool->sd.timer = t.source;
	return ret;
}

/* The device ends with the runtime, and all that it has */
static void sd_pool_close(struct sedak_pool *pool)
{
	(void)pool;
}

static int sd_stage_open(struct sedak_stage *stage)
{
	struct seda_stage_args s = {
		/* -20 .. 19, first to last, to 254 .. 20 */
		.priority = (uint32_t)(20 + (19 - stage->priority) * 6),
		.min_batch = stage->min_batch > 1 ? stage->min_batch : 0,
		.max_delay_ns = stage->max_delay_ns,
	};

	return make_stage(stage->rt, &s, stage->pool->id, stage->name,
			  &stage->id);
}

static int sd_worker_open(struct worker *w)
{
	const struct sd_rt *sd = w->rt->be_data;
	struct seda_join_args j = { .size = sizeof(j), .pool = w->pool->id };
	struct sd_worker *s = w->be_data;
	char *base;
	int ret;

	if (!s)
		s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	w->be_data = s;
	ret = sd_ioctl(w->rt, SEDA_IOC_WORKER_JOIN, &j);
	if (ret < 0)
		return ret;
	s->joined = true;
	base = sd->arena + sd->setup.workers_off +
	       (uint32_t)j.worker * (size_t)sd->setup.worker_stride;
	s->id = j.worker;
	s->fd = sd->fd;
	s->events = (struct seda_event *)base;
	s->ctl = (struct seda_ctl *)(base + sd->setup.ctl_off);
	s->ops = (struct seda_op *)(base + sd->setup.ops_off);
	s->max_ops = sd->setup.ops;
	return 0;
}

/* What it kept may still be asked for: worker_free() frees it */
static void sd_worker_close(struct worker *w)
{
	struct sd_worker *s = w->be_data;

	if (!s || !s->joined)
		return;
	s->joined = false;
	sd_ioctl(w->rt, SEDA_IOC_WORKER_LEAVE, NULL);
}

/* --------------------------------------------------------------------- wait */

static void peer_of(const struct seda_addr *from, struct sockaddr_in6 *to)
{
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	to->sin6_family = from->family;
	if (from->family == AF_INET) {
		in->sin_port = from->port;
		memcpy(&in->sin_addr, from->addr, sizeof(in->sin_addr));
	} else if (from->family == AF_INET6) {
		to->sin6_port = from->port;
		to->sin6_scope_id = from->scope_id;
		memcpy(&to->sin6_addr, from->addr, sizeof(to->sin6_addr));
	}
}

/* The uncommon parts of an event */
static void convert_more(const struct seda_event *ev, struct bev *b,
			 struct source *src)
{
	if (b->bits & BEV_ACCEPT) {
		b->amount = ev->child;
		peer_of(&ev->peer, &b->addr);
	}
	if (ev->events & SEDA_EV_DONE)
		file_op_done((struct file_op *)(uintptr_t)ev->done, ev->res);
	if (b->bits & BEV_READY) {
		b->res = (int32_t)ev->len;
		b->amount = ev->amount;
	}
	if (!src)
		return;
	/* whoever made it may not have come to it yet */
	store_relaxed(&src->sd.id, ev->source);
	if (src->kind == SRC_UDP && (b->bits & BEV_IN)) {
		peer_of(&ev->peer, &b->addr);
		b->amount = b->len + !!(ev->events & SEDA_EV_TRUNC);
	}
	if ((b->bits & BEV_CLOSED) && src->kind == SRC_LISTEN)
		b->amount = LISTENER_LAST | (ev->seq + 1);
	if (b->bits & BEV_CLOSED)
		sd_forget(src);
}

static inline void convert(struct worker *w, const struct seda_event *ev,
		    struct bev *b, unsigned int slot)
{
	struct source *src = (struct source *)(uintptr_t)ev->user_data;
	struct sedak_buf *buf;

	b->src = src;
	b->bits = ev->events & BEV_ALL;
	b->slot = (int32_t)slot;
	if (likely(b->bits == BEV_IN && src && src->kind == SRC_CONN &&
		   ev->buf < w->rt->total_bufs)) {
		buf = &w->rt->bufs[ev->buf];
		buf->slot = (int32_t)slot;
		b->buf = buf;
		b->len = ev->len;
		return;
	}
	b->res = ev->res;
	b->len = 0;
	b->buf = NULL;
	b->amount = 0;
	if ((b->bits & BEV_IN) && ev->buf < w->rt->total_bufs) {
		buf = &w->rt->bufs[ev->buf];
		buf->slot = (int32_t)slot;
		b->buf = buf;
		b->len = ev->len;
	} else {
		b->bits &= ~(uint32_t)BEV_IN;
	}
	/* without a source: the pool's own, or a child that nobody attached */
	convert_more(ev, b, src);
}

/*
 * Results of what was submitted: those of sends matter.  What they cause (the last
 * piece of a buffer is sent, a callback sends) is put behind them.
 */
static void results(struct worker *w, struct sd_worker *s)
{
	unsigned int i, n = s->nr_sends ? s->nr_ops : 0;
	struct seda_op *op = s->ops;

	s->must_see = false;
	s->nr_sends = 0;
	for (i = 0; i < n; i++, op++) {
		if (op->op != SEDA_OP_SEND && op->op != SEDA_OP_SENDFILE)
			continue;
		if (likely(op->user_data))
			conn_sent(w, (struct sedak_conn *)
				  (uintptr_t)op->user_data, op->res);
		else if (op->res < 0)
			atomic_fetch_add(&w->rt->udp_dropped, 1);
	}
	s->nr_ops = n ? s->nr_ops - n : 0;
	if (unlikely(s->nr_ops))
		memmove(s->ops, s->ops + n, s->nr_ops * sizeof(*s->ops));
}

static int sd_enter(struct worker *w, unsigned int max, int64_t timeout)
{
	struct sd_worker *s = w->be_data;
	struct seda_enter_args a = {
		.size = sizeof(a),
		.worker = s->id,
		.nr_ops = s->nr_ops,
		.min_events = timeout != 0,
		.max_events = max,
		.timeout_ns = timeout < 0 ? SEDA_FOREVER : (uint64_t)timeout,
	};
	int i, n;

	counter_add(w->ops, s->nr_ops);
	n = ioctl(s->fd, SEDA_IOC_ENTER, &a);
	if (unlikely(n < 0))
		n = -errno;
	atomic_store_explicit(&s->enters, load_relaxed(&s->enters) + 1,
			      memory_order_release);
	results(w, s);
	for (i = 0; i < n; i++)
		convert(w, &s->events[i], &w->bev[i], (unsigned int)i);
	return n;
}

/* The stopping thread, which is a worker for it */
static bool ends_as(struct worker *w)
{
	struct sd_worker *s = w->be_data;

	/* nested, it is that worker already */
	return (s && s->joined) || sd_worker_open(w) == 0;
}

static void sd_unhold(struct source *src)
{
	struct worker *w = src->rt->pools[0]->workers[0];
	struct seda_enter_args a = { .size = sizeof(a), .nr_ops = 1 };
	struct sd_worker *s;

	if (!ends_as(w))
		return;
	s = w->be_data;
	a.worker = s->id;
	s->ops[0] = (struct seda_op) {
		.op = SEDA_OP_RELEASE,
		.source = load_relaxed(&src->sd.id),
	};
	ioctl(s->fd, SEDA_IOC_ENTER, &a);
	/* nested: only with this call what the last batch has held was so */
	if (s->ops[0].res == -EBUSY)
		ioctl(s->fd, SEDA_IOC_ENTER, &a);
}

/*
 * The stopping thread has closed all sources; what that means for each happens
 * when its CLOSED event is fetched, for which no worker is left.
 */
static void sd_finish(struct sedak_pool *pool)
{
	struct worker *w = pool->workers[0];
	struct seda_enter_args a = { .size = sizeof(a) };
	struct sd_worker *s;

	if (!ends_as(w))
		return;
	s = w->be_data;
	a.worker = s->id;
	while (ioctl(s->fd, SEDA_IOC_ENTER, &a) > 0)
		;
	sd_worker_close(w);
}

static bool sd_must_see(const struct worker *w)
{
	const struct sd_worker *s = w->be_data;

	return s->must_see;
}

static void sd_hold(struct worker *w, int slot)
{
	struct sd_worker *s = w->be_data;

	s->ctl[slot].flags |= SEDA_CTL_HOLD;
}

static void sd_keep(struct worker *w, struct sedak_buf *b)
{
	struct sd_worker *s = w->be_data;

	s->ctl[b->slot].flags |= SEDA_CTL_KEEP;
	b->keeper = w;
	b->kept_at = load_relaxed(&s->enters);
}

static void sd_wake(struct sedak_pool *pool)
{
	struct seda_post_args p = { .size = sizeof(p),
				    .stage = pool->sd.wake_stage };

	/* -EAGAIN: one is on its way that nobody has fetched yet */
	sd_ioctl(pool->rt, SEDA_IOC_POST, &p);
}

static int sd_poll_fd(const struct sedak_rt *rt)
{
	const struct sd_rt *sd = rt->be_data;

	return sd->fd;
}

static uint64_t sd_delivered(const struct sedak_stage *stage)
{
	const struct sd_rt *sd = stage->rt->be_data;
	const struct seda_stage_counters *c;

	if (!sd)
		return 0;
	c = (const struct seda_stage_counters *)
	    (sd->counters + sizeof(struct seda_app_counters));
	return *(volatile const __u64 *)&c[(uint32_t)stage->id].delivered;
}

const struct backend backend_seda = {
	.name = "seda",
	.open = sd_open,
	.close = sd_close,
	.pool_open = sd_pool_open,
	.pool_close = sd_pool_close,
	.stage_open = sd_stage_open,
	.worker_open = sd_worker_open,
	.worker_close = sd_worker_close,
	.listen = sd_listen,
	.adopt = sd_adopt,
	.connect = sd_connect,
	.udp = sd_adopt,
	.watch = sd_watch,
	.unwatch = NULL,
	.op_attach = sd_attach,
	.refuse = sd_refuse,
	.op_send = sd_op_send,
	.op_send_buf = sd_op_send_buf,
	.op_sendfile = sd_op_sendfile,
	.op_udp_send = sd_op_udp_send,
	.op_shutdown = sd_op_shutdown,
	.op_close = sd_op_close,
	.op_arm = sd_op_arm,
	.op_disarm = sd_op_disarm,
	.op_release = sd_op_release,
	.op_return = sd_op_return,
	.file_open = sd_file_open,
	.file_close = sd_file_close,
	.file_do = sd_file_do,
	.files_end = NULL,
	.buf_take = sd_buf_take,
	.unhold = sd_unhold,
	.finish = sd_finish,
	.hold = sd_hold,
	.keep = sd_keep,
	.must_see = sd_must_see,
	.enter = sd_enter,
	.set_clock = sd_set_clock,
	.wake = sd_wake,
	.poll_fd = sd_poll_fd,
	.delivered = sd_delivered,
	.forget = sd_forget,
	.kill = sd_kill,
	.batches = true,
	.copies_udp = false,
	.keeps_bufs = true,
};
