// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * backend_epoll.c - any Linux: pools, workers, and the wait; see epoll.h
 *
 * A pool has one epoll set that its workers share, with an eventfd to wake one of
 * them, a timerfd for its clock and what waits for disks (epoll_io.c) in it.
 */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "epoll_io.h"

#define BUFS_REFILL	16	/* taken from the shared list at a time */
#define BUFS_KEEP	128	/* a worker's own, at most: keeps() */

/* ---------------------------------------------------------------- buffers */

/*
 * All workers together keep a quarter, so that with a half held by the program
 * idle ones still leave some to the others.
 */
static unsigned int keeps(const struct sedak_rt *rt)
{
	unsigned int n = rt->total_bufs / (4 * load_relaxed(&rt->all_workers));

	return n < BUFS_KEEP ? n : BUFS_KEEP;
}

struct sedak_buf *ep_buf_get(struct worker *w)
{
	struct ep_worker *e = w->be_data;
	struct sedak_rt *rt = w->rt;
	struct sedak_buf *b;
	unsigned int i, most = BUFS_REFILL;

	if (unlikely(!e->bufs)) {
		if (keeps(rt) < most)
			most = keeps(rt) + 1;
		pthread_mutex_lock(&rt->mem_lock);
		for (i = 0; i < most && rt->free_bufs; i++) {
			b = rt->free_bufs;
			rt->free_bufs = b->next;
			b->next = e->bufs;
			e->bufs = b;
			e->nr_bufs++;
		}
		pthread_mutex_unlock(&rt->mem_lock);
		if (!e->bufs)
			return NULL;
	}
	b = e->bufs;
	e->bufs = b->next;
	e->nr_bufs--;
	return b;
}

void ep_buf_put(struct worker *w, struct sedak_buf *b)
{
	struct ep_worker *e = w->be_data;
	struct sedak_rt *rt = w->rt;

	b->next = e->bufs;
	e->bufs = b;
	if (likely(++e->nr_bufs <= keeps(rt)))
		return;
	pthread_mutex_lock(&rt->mem_lock);
	while (e->nr_bufs > keeps(rt) / 2) {
		b = e->bufs;
		e->bufs = b->next;
		e->nr_bufs--;
		b->next = rt->free_bufs;
		rt->free_bufs = b;
	}
	pthread_mutex_unlock(&rt->mem_lock);
}

static int ep_op_return(struct worker *w, struct sedak_buf *b)
{
	ep_buf_put(w, b);
	return 0;
}

static void ep_keep(struct worker *w, struct sedak_buf *b)
{
	struct ep_worker *e = w->be_data;
	unsigned int i;

	for (i = 0; i < e->nr; i++)
		if (e->given[i] == b)
			e->given[i] = NULL;
}

static void ep_hold(struct worker *w, int slot)
{
	struct ep_worker *e = w->be_data;

	e->owned[slot] = NULL;
}

/* ---------------------------------------------------------------- runtime */

static int ep_rt_open(struct sedak_rt *rt)
{
	unsigned int n = rt->nr_bufs * rt->nr_workers, i;
	size_t size = (size_t)n * rt->buf_size;
	int ret;

	rt->be_data = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (rt->be_data == MAP_FAILED)
		return -ENOMEM;
	ret = bufs_make(rt, n, rt->be_data, rt->buf_size);
	if (ret < 0) {
		munmap(rt->be_data, size);
		return ret;
	}
	/* the first ones first, so that few pages are touched */
	for (i = n; i-- > 0;) {
		rt->bufs[i].next = rt->free_bufs;
		rt->free_bufs = &rt->bufs[i];
	}
	return 0;
}

static void ep_rt_close(struct sedak_rt *rt)
{
	munmap(rt->be_data, (size_t)rt->total_bufs * rt->buf_size);
}

static int add_internal(struct sedak_pool *pool, int fd, struct source *src)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.ptr = src };

	if (fd < 0)
		return -errno;
	return epoll_ctl(pool->ep.epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void ep_pool_close(struct sedak_pool *pool)
{
	if (pool->ep.epfd >= 0)
		close(pool->ep.epfd);
	if (pool->ep.evfd >= 0)
		close(pool->ep.evfd);
	if (pool->ep.tfd >= 0)
		close(pool->ep.tfd);
	ep_io_free(pool);
}

static int ep_pool_open(struct sedak_pool *pool)
{
	int ret;

	pool->ep.evfd = -1;
	pool->ep.tfd = -1;
	pool->ep.epfd = epoll_create1(EPOLL_CLOEXEC);
	if (pool->ep.epfd < 0)
		return -errno;
	pool->ep.evfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = add_internal(pool, pool->ep.evfd, &pool->ep.ev_src);
	if (!ret) {
		pool->ep.tfd = timerfd_create(CLOCK_MONOTONIC,
					      TFD_CLOEXEC | TFD_NONBLOCK);
		ret = add_internal(pool, pool->ep.tfd, &pool->ep.t_src);
	}
	if (ret < 0)
		ep_pool_close(pool);
	return ret;
}

static int ep_stage_open(struct sedak_stage *stage)
{
	(void)stage;
	return 0;
}

static void ep_worker_close(struct worker *w)
{
	struct ep_worker *e = w->be_data;

	if (!e)
		return;
	free(e->evs);
	free(e->owned);
	free(e->given);
	free(e);
	w->be_data = NULL;
}

static int ep_worker_open(struct worker *w)
{
	unsigned int n = w->pool->max_events;
	struct ep_worker *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	w->be_data = e;
	e->evs = calloc(n, sizeof(*e->evs));
	e->owned = calloc(n, sizeof(*e->owned));
	e->given = calloc(n, sizeof(*e->given));
	if (e->evs && e->owned && e->given)
		return 0;
	ep_worker_close(w);
	return -ENOMEM;
}

/* -------------------------------------------------------------- ownership */

/* An owned source with bits to look at */
void ep_ready(struct worker *w, struct source *src)
{
	struct ep_worker *e = w->be_data;

	src->ep.next = NULL;
	if (e->ready_tail)
		e->ready_tail->ep.next = src;
	else
		e->ready = src;
	e->ready_tail = src;
}

/* Sets bits; an idle source is this worker's then */
void ep_kick(struct worker *w, struct source *src, uint32_t bits)
{
	if (!(atomic_fetch_or(&src->ep.word, bits | EP_OWNED) & EP_OWNED))
		ep_ready(w, src);
}

static void let_go(struct worker *w, struct source *src)
{
	uint32_t v;

	if (src->kind == SRC_WATCH && load_relaxed(&src->ep.mask) &&
	    !(load_relaxed(&src->ep.flags) & (EPF_EDGE | EPF_ONESHOT | EPF_GONE)))
		ep_rearm(src);
	v = load_relaxed(&src->ep.word);
	do {
		if (v & EP_DEAD)
			return;
		if (v & EP_BITS) {
			ep_ready(w, src);
			return;
		}
	} while (!atomic_compare_exchange_weak_explicit(&src->ep.word, &v,
			v & ~EP_OWNED, memory_order_release,
			memory_order_relaxed));
}

int ep_op_release(struct worker *w, struct source *src)
{
	let_go(w, src);
	return 0;
}

/* Gives back what the last batch had, but for what was held and kept */
static void release_batch(struct worker *w)
{
	struct ep_worker *e = w->be_data;
	unsigned int i;

	for (i = 0; i < e->nr; i++) {
		if (e->given[i])
			ep_buf_put(w, e->given[i]);
		if (e->owned[i])
			let_go(w, e->owned[i]);
	}
	e->nr = 0;
}

/* ------------------------------------------------------------------- wait */

static unsigned int pump_owned(struct worker *w, struct source *src,
			       unsigned int n, unsigned int max)
{
	unsigned int count = ep_pump(w, src, n, max);

	if (!count)
		let_go(w, src);
	return n + count;
}

/* Sources that were ready all along; those that become so now wait their turn */
static unsigned int pump_ready(struct worker *w, unsigned int max)
{
	struct ep_worker *e = w->be_data;
	struct source *src = e->ready, *next;
	unsigned int n = 0;

	e->ready = NULL;
	e->ready_tail = NULL;
	for (; src; src = next) {
		next = src->ep.next;
		if (n < max)
			n = pump_owned(w, src, n, max);
		else
			ep_ready(w, src);
	}
	return n;
}

static unsigned int harvest(struct worker *w, unsigned int n, unsigned int max,
			    int nev)
{
	struct ep_worker *e = w->be_data;
	struct sedak_pool *pool = w->pool;
	struct source *src;
	int i;

	for (i = 0; i < nev; i++) {
		src = e->evs[i].data.ptr;
		if (src == &pool->ep.ev_src || src == &pool->ep.t_src ||
		    src == &pool->ep.io_src) {
			w->bev[n].src = NULL;
			w->bev[n].bits = src == &pool->ep.ev_src ? BEV_WAKE :
					 src == &pool->ep.t_src ? BEV_TIMER : 0;
			/* what that brings is for the next round */
			if (src == &pool->ep.io_src)
				ep_io_reap(w);
			e->owned[n] = NULL;
			e->given[n] = NULL;
			n++;
			max++;	/* room was left for these three */
			continue;
		}
		if (atomic_fetch_or(&src->ep.word, e->evs[i].events | EP_OWNED) &
		    EP_OWNED)
			continue;	/* its owner will look */
		if (n < max)
			n = pump_owned(w, src, n, max);
		else
			ep_ready(w, src);
	}
	return n;
}

static int to_ms(int64_t ns)
{
	if (ns < 0)
		return -1;
	ns = (ns + 999999) / 1000000;
	return ns > INT32_MAX ? INT32_MAX : (int)ns;
}

static int ep_enter(struct worker *w, unsigned int max, int64_t timeout)
{
	struct ep_worker *e = w->be_data;
	unsigned int n;
	int nev, ms;

	release_batch(w);
	e->stalled = false;
	n = e->ready ? pump_ready(w, max / 2) : 0;
	ms = n || (e->ready && !e->stalled) ? 0 : to_ms(timeout);
	if (e->stalled && ms)
		ms = 1;		/* buffers come back without an event */
	nev = epoll_wait(w->pool->ep.epfd, e->evs, (int)(max - n), ms);
	if (nev < 0 && !n)
		return -errno;
	if (nev > 0)
		n = harvest(w, n, max - 3, nev);
	e->nr = n;
	return (int)n;
}

/* ------------------------------------------------------------------- rest */

static int ep_set_clock(struct sedak_pool *pool, struct worker *w, uint64_t when)
{
	struct itimerspec its = { .it_value.tv_nsec = 0 };

	(void)w;
	if (when != NEVER) {
		its.it_value.tv_sec = (time_t)(when / NSEC_PER_SEC);
		its.it_value.tv_nsec = (long)(when % NSEC_PER_SEC);
	}
	return timerfd_settime(pool->ep.tfd, TFD_TIMER_ABSTIME, &its, NULL) ?
	       -errno : 0;
}

static void ep_wake(struct sedak_pool *pool)
{
	static const uint64_t one = 1;

	/* every write makes an edge; a full counter (2^64) is out of reach */
	if (write(pool->ep.evfd, &one, sizeof(one)) < 0)
		rt_log(pool->rt, SEDAK_LOG_ERROR, "eventfd: %s", strerror(errno));
}

static bool ep_must_see(const struct worker *w)
{
	(void)w;
	return false;	/* sends are tried at once */
}

static int ep_poll_fd(const struct sedak_rt *rt)
{
	return rt->pools[0]->ep.epfd;
}

static uint64_t ep_delivered(const struct sedak_stage *stage)
{
	(void)stage;
	return 0;
}

static void ep_forget(struct source *src)
{
	(void)src;
}

const struct backend backend_epoll = {
	.name = "epoll",
	.open = ep_rt_open,
	.close = ep_rt_close,
	.pool_open = ep_pool_open,
	.pool_close = ep_pool_close,
	.stage_open = ep_stage_open,
	.worker_open = ep_worker_open,
	.worker_close = ep_worker_close,
	.listen = ep_listen,
	.adopt = ep_adopt,
	.connect = ep_connect,
	.udp = ep_udp,
	.watch = ep_watch,
	.unwatch = ep_unwatch,
	.op_attach = ep_attach,
	.refuse = ep_refuse,
	.op_send = ep_op_send,
	.op_sendfile = ep_op_sendfile,
	.op_udp_send = ep_op_udp_send,
	.op_shutdown = ep_op_shutdown,
	.op_close = ep_op_close,
	.op_arm = ep_op_arm,
	.op_disarm = ep_op_disarm,
	.op_release = ep_op_release,
	.op_return = ep_op_return,
	.file_open = ep_file_open,
	.file_close = ep_file_close,
	.file_do = ep_file_do,
	.files_end = ep_files_end,
	.buf_take = ep_buf_get,
	.hold = ep_hold,
	.keep = ep_keep,
	.must_see = ep_must_see,
	.enter = ep_enter,
	.set_clock = ep_set_clock,
	.wake = ep_wake,
	.poll_fd = ep_poll_fd,
	.delivered = ep_delivered,
	.forget = ep_forget,
	.kill = ep_kill,
	.batches = false,
	.copies_udp = true,
	.keeps_bufs = false,
};
