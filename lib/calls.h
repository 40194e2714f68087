/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calls.h - functions that the files of the library call in each other, by file,
 * and the shortest of the hot path.  Included by internal.h, after its types.
 */
#ifndef SEDAK_CALLS_H
#define SEDAK_CALLS_H

static inline uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static inline struct worker *worker_of(const struct sedak_rt *rt)
{
	struct worker *w = this_worker;

	return w && w->rt == rt ? w : NULL;
}

static inline uint64_t now_of(const struct worker *w)
{
	return w ? w->now : clock_now();
}

static inline struct sedak_conn *src_conn(struct source *src)
{
	return container_of(src, struct sedak_conn, src);
}

/* opts.c */
int opts_copy(void *to, size_t known, size_t first, const void *from);
int addr_parse(const char *host, uint16_t port, struct sockaddr_in6 *addr);
socklen_t addr_len(const struct sockaddr_in6 *addr);
int addr_give(const struct sockaddr_in6 *from, struct sockaddr *addr,
	      socklen_t *len);
void sock_reset(int fd);
int sock_bound(int type, const char *host, uint16_t port, unsigned int flags);

/* log.c */
void rt_log(const struct sedak_rt *rt, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* actor.c */
void src_init(struct source *src, enum source_kind kind,
	      struct sedak_stage *stage, void *user);
void src_raise(struct source *src, uint32_t bits);
void src_defer(struct worker *w, struct source *src, struct bev *b);
void src_get(struct source *src);
void src_put(struct source *src);
bool worker_service(struct worker *w);
void worker_settle(struct worker *w);
void worker_sent_done(struct worker *w);

/* For an event of the source; a failure means that somebody else has it */
static inline bool src_acquire(struct worker *w, struct source *src)
{
	if (load_relaxed(&src->owner) == w)
		return true;
	if (atomic_fetch_or_explicit(&src->word, A_ACTIVE,
				     memory_order_acquire) & A_ACTIVE)
		return false;
	store_relaxed(&src->owner, w);
	src->qref = false;
	return true;
}

/* Lets go, unless there is a message. */
static inline bool src_release(struct worker *w, struct source *src)
{
	bool qref = src->qref;
	uint32_t v = load_relaxed(&src->word);

	if (v & P_MASK)
		return false;
	store_relaxed(&src->owner, NULL);
	while (!atomic_compare_exchange_weak_explicit(&src->word, &v,
			v & ~A_ACTIVE, memory_order_release,
			memory_order_relaxed)) {
		if (v & P_MASK) {
			store_relaxed(&src->owner, w);
			return false;
		}
	}
	if (unlikely(qref))
		src_put(src);
	return true;
}

/* Puts an active source on the list of those to be settled */
static inline void worker_list(struct worker *w, struct source *src)
{
	if (src->listed != LIST_NONE)
		return;		/* if it is on the other, it comes back here */
	src->listed = LIST_ACTIVE;
	src->next = w->active;
	w->active = src;
}

/* batch.c */
void batch_begin(struct worker *w, struct sedak_stage *stage);
void batch_run(struct worker *w);
bool dispatch(struct worker *w, struct bev *b);
bool stage_run_deferred(struct worker *w, struct sedak_stage *stage);
void bev_hold(struct worker *w, const struct bev *b, bool to_source);
void bev_publish(struct worker *w);
void bev_give_back(struct worker *w, struct bev *b);
void bev_drop(struct bev *b);

/* Room for one more event of the stage; all of it but what is zeroed is free */
static inline struct sedak_event *batch_add(struct worker *w,
					    struct sedak_stage *stage)
{
	struct batch *bt = &w->batch;
	struct sedak_event *ev;

	if (unlikely(bt->stage != stage || bt->n >= bt->limit))
		batch_begin(w, stage);
	ev = &bt->ev[bt->n++];
	ev->res = 0;
	ev->data = NULL;
	ev->len = 0;
	ev->conn = NULL;
	ev->user = NULL;
	ev->amount = 0;
	ev->addr = NULL;
	ev->priv = NULL;
	return ev;
}

/* queue.c */
bool queues_run(struct worker *w);
bool queues_pending(const struct worker *w);
void stage_may_run(struct sedak_stage *stage);
void backpressure_check(struct worker *w, struct sedak_stage *stage);
void ring_free(struct ring *r);
void stage_delay_fired(struct worker *w, struct sedak_stage *stage);

/* pool.c */
int pool_make(struct sedak_rt *rt, const struct sedak_pool_opts *o,
	      struct sedak_pool **poolp);
int pool_start(struct sedak_pool *pool);
void pool_join(struct sedak_pool *pool);
void pool_free(struct sedak_pool *pool);
void pool_wake(struct sedak_pool *pool);
void pool_wake_force(struct sedak_pool *pool);
unsigned int allowed_cpus(void);

/* worker.c */
int worker_make(struct sedak_pool *pool, unsigned int index,
		struct worker **wp);
void worker_free(struct worker *w);
void worker_loop(struct worker *w);
int worker_cycle(struct worker *w, int64_t timeout);
int worker_run_once(struct worker *w, int64_t timeout);
void worker_drop(struct worker *w);

/* stage.c */
int stage_run_init(struct sedak_stage *stage);
void stage_free(struct sedak_stage *stage);

/* conn.c, conn_event.c */
struct sedak_conn *conn_alloc(struct sedak_stage *stage, void *user);
void conn_free(struct sedak_conn *c);
void conn_link(struct sedak_conn *c);
void conn_event(struct worker *w, struct sedak_conn *c, struct bev *b);
void conn_service(struct worker *w, struct sedak_conn *c, uint32_t bits);
int conn_attach(struct worker *w, struct sedak_conn *c);
bool conn_settle(struct worker *w, struct sedak_conn *c);
void conn_send_result(struct worker *w, struct sedak_conn *c, int64_t res);
void conn_send_failed(struct sedak_conn *c, int err);
void conn_accepted(struct worker *w, struct sedak_listener *l, struct bev *b);
void conn_kill(struct sedak_conn *c);
void conn_gone(struct sedak_conn *c, bool active);
struct item *conn_items(struct sedak_conn *c);
void conn_fail(struct worker *w, struct sedak_conn *c, int err);
void conn_closed(struct worker *w, struct sedak_conn *c, int res);

/* conn_send_result(), but the usual result of send_event() first */
static inline void conn_sent(struct worker *w, struct sedak_conn *c, int64_t res)
{
	if (likely(c->direct && res >= 0)) {
		counter_add(w->bytes_out, c->direct);
		c->direct = 0;
		c->unseen = false;
	} else {
		conn_send_result(w, c, res);
	}
}

/* wq.c */

/* The backend has something of it in hand */
static inline bool wq_busy(const struct sedak_conn *c)
{
	return c->inflight || c->direct;
}

struct chunk *chunk_get(struct worker *w, size_t size);
void chunk_put(struct worker *w, struct chunk *ch);
void wq_pending(struct worker *w, struct sedak_conn *c);
void wq_direct_result(struct worker *w, struct sedak_conn *c, int64_t res);
void wq_keep(struct worker *w, struct sedak_conn *c);
void wq_shorten(struct sedak_conn *c, size_t len);
void wq_complete(struct worker *w, struct sedak_conn *c, int res);
void wq_cancel(struct worker *w, struct sedak_conn *c, int res);
void wq_append(struct sedak_conn *c, struct chunk *ch);
int wq_keep_in_place(struct worker *w, struct chunk *ch);
int wq_flush(struct worker *w, struct sedak_conn *c);
void wq_take_foreign(struct sedak_conn *c);

/* What it counts as in the queue: bytes, or, of a file's, the memory it takes */
static inline size_t chunk_cost(const struct chunk *ch)
{
	return unlikely(ch->file) ? FILE_COST : ch->iov.iov_len;
}

struct chunk *chunks_take(struct source *src);

/* listen.c */
void listener_service(struct worker *w, struct sedak_listener *l, uint32_t bits);
void listener_event(struct worker *w, struct sedak_listener *l, struct bev *b);
void listeners_limit(struct sedak_rt *rt);
void listeners_close(struct sedak_rt *rt);

/* udp.c, watch.c */
void udp_event(struct worker *w, struct sedak_udp *u, struct bev *b);
void udp_sent_done(struct worker *w);
void udp_service(struct worker *w, struct sedak_udp *u, uint32_t bits);
void watch_event(struct worker *w, struct sedak_watch *wa, struct bev *b);
void watch_service(struct worker *w, struct sedak_watch *wa, uint32_t bits);
void watch_free(struct sedak_watch *wa);

/* file.c */
void file_service(struct worker *w, struct sedak_file *f);
void file_free(struct sedak_file *f);
void file_ops_drop(struct sedak_rt *rt);

/* timer.c */
bool timer_arm(struct worker *w, struct sedak_pool *pool,
	       struct timer_node *node, uint64_t deadline);
bool timer_disarm(struct sedak_pool *pool, struct timer_node *node);
void timers_expire(struct worker *w);
void timers_sync(struct worker *w);
void timer_service(struct worker *w, struct sedak_timer *t, uint32_t bits);
void timer_free(struct sedak_timer *t);

/* buf.c */
int bufs_make(struct sedak_rt *rt, unsigned int n, char *mem, size_t size);
void bufs_free(struct sedak_rt *rt);
int buf_keep(struct worker *w, struct sedak_buf **bufp, const char *data,
	     uint32_t len);
struct sedak_buf *buf_take(struct worker *w);
void buf_get(struct sedak_buf *buf);
void buf_force(struct worker *w, struct sedak_buf *buf);
void buf_drop(struct worker *w, struct sedak_buf *buf);
void bufs_return(struct worker *w);
void bufs_drop(struct worker *w);

/* runtime.c */
bool rt_make_begin(struct sedak_rt *rt);
void rt_make_end(struct sedak_rt *rt);
void rt_get(struct sedak_rt *rt);
void rt_put(struct sedak_rt *rt);
void rt_check_idle(struct sedak_rt *rt);

#endif /* SEDAK_CALLS_H */
