// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * conn.c - connections: life, and the calls of the API
 *
 * Memory of connections is kept for reuse and not given back before the runtime
 * is destroyed: a backend may be told by the system of a connection that has
 * just gone, and must then find a struct source whose word says so.  rt->lock
 * protects the list of all connections, rt->mem_lock the shared free list.
 */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend.h"

/* The end of c->items once nothing more is delivered */
#define ITEMS_CLOSED	((struct item *)1)

static struct sedak_conn *conn_reuse(struct sedak_rt *rt)
{
	struct worker *w = worker_of(rt);
	struct source *src;

	if (w && w->conns) {
		src = w->conns;
		w->conns = src->next;
		w->nr_conns--;
		return src_conn(src);
	}
	pthread_mutex_lock(&rt->mem_lock);
	src = rt->free_conns;
	if (src)
		rt->free_conns = src->next;
	pthread_mutex_unlock(&rt->mem_lock);
	return src ? src_conn(src) : NULL;
}

/* With one reference, owned by nobody yet: A_ACTIVE is set */
struct sedak_conn *conn_alloc(struct sedak_stage *stage, void *user)
{
	struct sedak_rt *rt = stage->rt;
	struct sedak_conn *c = conn_reuse(rt);
	struct source *src;

	if (!c)
		c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	src = &c->src;
	memset((char *)c + sizeof(*src), 0, sizeof(*c) - sizeof(*src));
	/* src->ep.word stays: the backend may be looking at it */
	src->kind = SRC_CONN;
	src->listed = LIST_NONE;
	src->qref = false;
	src->stage = stage;
	src->rt = rt;
	src->kev = NULL;
	store_relaxed(&src->refs, 1);
	store_relaxed(&src->owner, NULL);
	store_relaxed(&src->foreign, NULL);
	store_relaxed(&src->user, user);
	store_relaxed(&src->word, A_ACTIVE);
	store_relaxed(&c->low, DEF_WQ_LOW);
	store_relaxed(&c->high, DEF_WQ_HIGH);
	store_relaxed(&c->max, DEF_WQ_MAX);
	c->timer.pos = -1;
	c->timer.deadline = NEVER;
	c->timer.src = src;
	c->user_deadline = NEVER;
	c->connect_deadline = NEVER;
	c->id = atomic_fetch_add(&rt->next_id, 1) + 1;
	rt_get(rt);
	return c;
}

/* The last reference is gone */
void conn_free(struct sedak_conn *c)
{
	struct sedak_rt *rt = c->src.rt;
	struct worker *w = worker_of(rt);

	/* a call that raced with the end may have armed it again */
	timer_disarm(c->src.stage->pool, &c->timer);
	rt->be->forget(&c->src);
	if (w && w->nr_conns < CONN_CACHE_MAX) {
		c->src.next = w->conns;
		w->conns = &c->src;
		w->nr_conns++;
	} else {
		pthread_mutex_lock(&rt->mem_lock);
		c->src.next = rt->free_conns;
		rt->free_conns = &c->src;
		pthread_mutex_unlock(&rt->mem_lock);
	}
	rt_put(rt);
}

/* From here on the runtime knows it, and counts it */
void conn_link(struct sedak_conn *c)
{
	struct sedak_rt *rt = c->src.rt;

	atomic_fetch_add(&c->src.stage->sources, 1);
	pthread_mutex_lock(&rt->lock);
	c->all_prev = NULL;
	c->all_next = rt->conns;
	if (rt->conns)
		rt->conns->all_prev = c;
	rt->conns = c;
	atomic_fetch_add(&rt->nr_conns, 1);
	listeners_limit(rt);
	pthread_mutex_unlock(&rt->lock);
	if (load_relaxed(&rt->draining))
		src_raise(&c->src, P_DRAIN);
}

static void conn_unlink(struct sedak_conn *c)
{
	struct sedak_rt *rt = c->src.rt;

	pthread_mutex_lock(&rt->lock);
	if (c->all_prev)
		c->all_prev->all_next = c->all_next;
	else
		rt->conns = c->all_next;
	if (c->all_next)
		c->all_next->all_prev = c->all_prev;
	atomic_fetch_sub(&rt->nr_conns, 1);
	listeners_limit(rt);
	pthread_mutex_unlock(&rt->lock);
	atomic_fetch_sub(&c->src.stage->sources, 1);
	if (load_relaxed(&rt->draining))
		rt_check_idle(rt);
}

/* Items that were accepted are delivered; from now on none are */
static void items_close(struct worker *w, struct sedak_conn *c)
{
	struct item *it, *next, *list = NULL;
	struct sedak_event *ev;

	it = atomic_exchange(&c->items, ITEMS_CLOSED);
	if (it == ITEMS_CLOSED)
		return;
	for (; it; it = next) {
		next = it->next;
		it->next = list;
		list = it;
	}
	for (it = list; it; it = next) {
		next = it->next;
		if (w) {
			ev = batch_add(w, c->src.stage);
			ev->type = SEDAK_EV_ITEM;
			ev->conn = c;
			ev->user = load_relaxed(&c->src.user);
			ev->data = it->item;
		}
		free(it);
	}
}

/* The backend is done with it: the last events */
void conn_closed(struct worker *w, struct sedak_conn *c, int res)
{
	struct sedak_event *ev;
	uint32_t word;

	word = atomic_fetch_or(&c->src.word, S_CLOSED);
	if (word & S_CLOSED)
		return;
	if (c->error)
		res = c->error;
	else if (word & S_ABORT)
		res = -ECANCELED;
	if (c->outbound && !c->connect_told) {
		ev = batch_add(w, c->src.stage);
		ev->type = SEDAK_EV_CONNECT;
		ev->conn = c;
		ev->user = load_relaxed(&c->src.user);
		ev->res = res ? res : -ECANCELED;
	}
	if (!res)
		wq_complete(w, c, 0);
	wq_cancel(w, c, res ? res : -ECANCELED);
	items_close(w, c);
	timer_disarm(c->src.stage->pool, &c->timer);
	atomic_fetch_add(&c->src.rt->closed, 1);
	if (res)
		atomic_fetch_add(&c->src.rt->aborted, 1);
	ev = batch_add(w, c->src.stage);
	ev->type = SEDAK_EV_CLOSED;
	ev->conn = c;
	ev->user = load_relaxed(&c->src.user);
	ev->res = res;
	c->state = CONN_CLOSED;
}

/* The library's own reference, to an owner that will still let go, or dropped */
void conn_gone(struct sedak_conn *c, bool active)
{
	c->state = CONN_GONE;
	conn_unlink(c);
	if (active && !c->src.qref)
		c->src.qref = true;
	else
		src_put(&c->src);
}

/* At the runtime's stop: no worker is left, no event is delivered */
void conn_kill(struct sedak_conn *c)
{
	bool told = atomic_fetch_or(&c->src.word, S_ABORT | S_CLOSED) & S_CLOSED;

	if (c->no_source)
		;	/* nothing to end */
	else if (c->state == CONN_NEW)
		c->src.rt->be->refuse(c->src.rt, c->child);
	else
		c->src.rt->be->kill(&c->src);
	timer_disarm(c->src.stage->pool, &c->timer);
	wq_cancel(NULL, c, -ECANCELED);
	items_close(NULL, c);
	if (c->src.kev) {
		bev_drop(c->src.kev);
		c->src.kev = NULL;
	}
	if (!told) {
		atomic_fetch_add(&c->src.rt->closed, 1);
		atomic_fetch_add(&c->src.rt->aborted, 1);
	}
	conn_gone(c, false);
}

/* ------------------------------------------------------------------ making */

/* Publishes a connection whose A_ACTIVE the maker has held */
static void conn_publish(struct sedak_conn *c)
{
	src_get(&c->src);	/* the maker's, while events may end it */
	if (!src_release(NULL, &c->src)) {
		/* messages came meanwhile: to a worker, active as it is */
		atomic_fetch_and(&c->src.word, ~A_ACTIVE);
		src_raise(&c->src, P_CTL);
	}
	src_put(&c->src);
}

/* What the network says, as opposed to what this process lacks */
static bool net_error(int err)
{
	return err != -ENOMEM && err != -EMFILE && err != -ENFILE &&
	       err != -EPERM && err != -EINVAL && err != -EAFNOSUPPORT &&
	       err != -ENOBUFS && err != -EFAULT;
}

/* The backend would not have it; another thread may have used it already */
static int not_made(struct sedak_conn *c, struct sedak_conn **connp, int err)
{
	atomic_fetch_or(&c->src.word, S_CLOSED | S_ABORT);
	timer_disarm(c->src.stage->pool, &c->timer);
	wq_cancel(NULL, c, err);
	items_close(NULL, c);
	conn_gone(c, false);
	if (connp)
		*connp = NULL;
	return err;
}

static int make_outbound(const struct sedak_connect_opts *o,
			 const struct sockaddr_in6 *to,
			 struct sedak_conn **connp)
{
	struct sedak_rt *rt = o->stage->rt;
	struct sedak_conn *c;
	int ret;

	c = conn_alloc(o->stage, o->user);
	if (!c)
		return -ENOMEM;
	c->peer = *to;
	c->state = CONN_CONNECTING;
	c->outbound = true;
	conn_link(c);
	if (connp)
		*connp = c;
	if (o->timeout_ns) {
		c->connect_deadline = clock_now() +
			(o->timeout_ns > INT64_MAX ? INT64_MAX : o->timeout_ns);
		if (!timer_arm(worker_of(rt), o->stage->pool, &c->timer,
			       c->connect_deadline))
			return not_made(c, connp, -ENOMEM);
	}
	ret = rt->be->connect(&c->src, to);
	if (ret < 0 && !net_error(ret))
		return not_made(c, connp, ret);
	if (ret < 0) {
		c->error = ret;
		c->no_source = true;
		atomic_fetch_or(&c->src.word, S_BROKEN | S_ABORT | P_CTL);
	}
	conn_publish(c);
	return 0;
}

int sedak_connect(const struct sedak_connect_opts *opts,
		  struct sedak_conn **connp)
{
	struct sedak_connect_opts o;
	struct sockaddr_in6 to;
	int ret = opts_copy(&o, sizeof(o), sizeof(size_t), opts);

	if (ret < 0)
		return ret;
	if (!o.stage || !o.host || !o.port)
		return -EINVAL;
	ret = addr_parse(o.host, o.port, &to);
	if (ret < 0)
		return ret;
	if (!rt_make_begin(o.stage->rt))
		return -ESHUTDOWN;
	ret = make_outbound(&o, &to, connp);
	rt_make_end(o.stage->rt);
	return ret;
}

static int make_adopted(struct sedak_stage *stage, int fd, void *user,
			struct sedak_conn **connp)
{
	struct sedak_conn *c = conn_alloc(stage, user);
	socklen_t len = sizeof(c->peer);
	int one = 1, ret;

	if (!c)
		return -ENOMEM;
	if (getpeername(fd, (struct sockaddr *)&c->peer, &len)) {
		ret = -errno;
		store_relaxed(&c->src.word, S_CLOSED);
		src_put(&c->src);
		return ret;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->state = CONN_OPEN;
	conn_link(c);
	if (connp)
		*connp = c;
	ret = stage->rt->be->adopt(&c->src, fd);
	if (ret < 0)
		return not_made(c, connp, ret);
	conn_publish(c);
	return 0;
}

int sedak_conn_adopt(struct sedak_stage *stage, int fd, void *user,
		     struct sedak_conn **connp)
{
	socklen_t len = sizeof(int);
	int type, ret;

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &type, &len))
		return -errno;
	if (type != IPPROTO_TCP)
		return -EPROTONOSUPPORT;
	if (!rt_make_begin(stage->rt))
		return -ESHUTDOWN;
	ret = make_adopted(stage, fd, user, connp);
	rt_make_end(stage->rt);
	return ret;
}

/* ----------------------------------------------------------------- control */

struct sedak_conn *sedak_conn_get(struct sedak_conn *c)
{
	src_get(&c->src);
	return c;
}

void sedak_conn_put(struct sedak_conn *c)
{
	if (c)
		src_put(&c->src);
}

size_t sedak_conn_queued(const struct sedak_conn *c)
{
	return load_relaxed(&c->queued);
}

int sedak_conn_set_marks(struct sedak_conn *c, size_t low, size_t high,
			 size_t max)
{
	if (!low)
		low = load_relaxed(&c->low);
	if (!high)
		high = load_relaxed(&c->high);
	if (!max)
		max = load_relaxed(&c->max);
	if (low > high || high > max)
		return -EINVAL;
	store_relaxed(&c->low, low);
	store_relaxed(&c->high, high);
	store_relaxed(&c->max, max);
	return 0;
}

/* Sets state bits that the owner acts on; -EPIPE if one of `unless` is set */
static int control(struct sedak_conn *c, uint32_t bits, uint32_t unless)
{
	uint32_t word = load_relaxed(&c->src.word);

	if (word & unless)
		return -EPIPE;
	if ((word & bits) == bits)
		return 0;
	src_raise(&c->src, bits | P_CTL);
	return 0;
}

int sedak_conn_pause(struct sedak_conn *c)
{
	return control(c, S_PAUSE, S_CLOSING | S_ABORT | S_BROKEN | S_CLOSED);
}

int sedak_conn_resume(struct sedak_conn *c)
{
	uint32_t word = load_relaxed(&c->src.word);

	if (word & (S_CLOSING | S_ABORT | S_BROKEN | S_CLOSED))
		return -EPIPE;
	if (!(atomic_fetch_and(&c->src.word, ~S_PAUSE) & S_PAUSE))
		return 0;
	src_raise(&c->src, P_CTL);
	return 0;
}

int sedak_conn_shutdown(struct sedak_conn *c)
{
	return control(c, S_SHUT, S_CLOSING | S_ABORT | S_BROKEN | S_CLOSED);
}

int sedak_conn_close(struct sedak_conn *c)
{
	return control(c, S_CLOSING, S_CLOSING | S_ABORT | S_BROKEN | S_CLOSED);
}

int sedak_conn_abort(struct sedak_conn *c)
{
	return control(c, S_ABORT, S_CLOSED);
}

int sedak_conn_post(struct sedak_conn *c, void *item)
{
	struct item *it = malloc(sizeof(*it)), *head;

	if (!it)
		return -ENOMEM;
	it->item = item;
	head = atomic_load(&c->items);
	do {
		if (head == ITEMS_CLOSED) {
			free(it);
			return -EPIPE;
		}
		it->next = head;
	} while (!atomic_compare_exchange_weak(&c->items, &head, it));
	src_raise(&c->src, P_ITEM);
	return 0;
}

struct item *conn_items(struct sedak_conn *c)
{
	struct item *it = atomic_load(&c->items), *list = NULL, *next;

	do {
		if (it == ITEMS_CLOSED)
			return NULL;
	} while (!atomic_compare_exchange_weak(&c->items, &it, NULL));
	for (; it; it = next) {
		next = it->next;
		it->next = list;
		list = it;
	}
	return list;
}

int sedak_conn_timeout(struct sedak_conn *c, uint64_t ns)
{
	struct sedak_rt *rt = c->src.rt;
	struct worker *w = worker_of(rt);
	uint64_t when = NEVER;

	if (load_relaxed(&c->src.word) & S_CLOSED)
		return -EPIPE;
	if (ns) {
		/* from the call, not from the begin of the batch */
		when = clock_now() + (ns > INT64_MAX ? INT64_MAX : ns);
		when += TIMEOUT_SLACK_NS - when % TIMEOUT_SLACK_NS;
	}
	atomic_store(&c->user_deadline, when);
	if (when == NEVER)
		return 0;	/* when the node comes up it is seen to */
	if (when > load_relaxed(&c->connect_deadline))
		when = c->connect_deadline;
	if (!timer_arm(w, c->src.stage->pool, &c->timer, when)) {
		store_relaxed(&c->user_deadline, NEVER);
		return -ENOMEM;
	}
	/* conn_closed() disarms after it has set the bit: one of the two is last */
	if (atomic_load(&c->src.word) & S_CLOSED)
		timer_disarm(c->src.stage->pool, &c->timer);
	return 0;
}

void *sedak_conn_user(const struct sedak_conn *c)
{
	return load_relaxed(&c->src.user);
}

void sedak_conn_set_user(struct sedak_conn *c, void *user)
{
	store_relaxed(&c->src.user, user);
}

const struct sockaddr *sedak_conn_peer(const struct sedak_conn *c)
{
	return (const struct sockaddr *)&c->peer;
}

struct sedak_stage *sedak_conn_stage(const struct sedak_conn *c)
{
	return c->src.stage;
}

uint64_t sedak_conn_id(const struct sedak_conn *c)
{
	return c->id;
}
