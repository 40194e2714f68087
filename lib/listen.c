// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * listen.c - listeners
 *
 * Several workers may have ACCEPT events of one listener at once: its fields are
 * changed by whoever services it (pause, close), and otherwise only read.
 */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend.h"

#define LISTEN_FLAGS \
	(SEDAK_LISTEN_REUSEPORT | SEDAK_LISTEN_V6ONLY | SEDAK_LISTEN_FD)

static int listen_socket(const struct sedak_listen_opts *o)
{
	int backlog = o->backlog > 0 ? o->backlog : DEF_BACKLOG;
	int ret, fd, on = 0, one = 1;
	socklen_t len = sizeof(on);

	if (o->flags & SEDAK_LISTEN_FD) {
		if (getsockopt(o->fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len))
			return -errno;
		/* as sock_bound() does; what it accepts inherits it */
		setsockopt(o->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		return on ? o->fd : -EINVAL;
	}
	fd = sock_bound(SOCK_STREAM, o->host, o->port, o->flags);
	if (fd >= 0 && listen(fd, backlog)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static int control(struct sedak_listener *l, uint32_t set, uint32_t clear)
{
	bool changed;

	if (load_relaxed(&l->src.word) & S_CLOSING)
		return -ESTALE;
	if (set)
		changed = !(atomic_fetch_or(&l->src.word, set) & set);
	else
		changed = atomic_fetch_and(&l->src.word, ~clear) & clear;
	if (changed)
		src_raise(&l->src, P_CTL);
	return 0;
}

static void link_listener(struct sedak_listener *l)
{
	struct sedak_rt *rt = l->src.rt;

	pthread_mutex_lock(&rt->lock);
	l->all_next = rt->listeners;
	rt->listeners = l;
	if (rt->conn_limit)
		control(l, S_LIMIT, 0);
	pthread_mutex_unlock(&rt->lock);
}

static int make(const struct sedak_listen_opts *o, struct sedak_listener **lp)
{
	struct sedak_rt *rt = o->stage->rt;
	struct sedak_listener *l;
	int fd = listen_socket(o), ret = -ENOMEM;
	socklen_t len;

	if (fd < 0)
		return fd;
	l = calloc(1, sizeof(*l));
	if (!l)
		goto fail;
	src_init(&l->src, SRC_LISTEN, o->stage, o->user);
	l->conn_stage = o->conn_stage ? o->conn_stage : o->stage;
	l->timer.pos = -1;
	l->timer.deadline = NEVER;
	l->timer.src = &l->src;
	len = sizeof(l->addr);
	ret = getsockname(fd, (struct sockaddr *)&l->addr, &len) ? -errno : 0;
	/* counted first, because CLOSED may come at any time after */
	atomic_fetch_add(&rt->nr_listeners, 1);
	atomic_fetch_add(&o->stage->sources, 1);
	if (!ret)
		ret = rt->be->listen(&l->src, fd);
	if (ret < 0) {
		atomic_fetch_sub(&rt->nr_listeners, 1);
		atomic_fetch_sub(&o->stage->sources, 1);
		goto fail;
	}
	link_listener(l);
	/* a drain that began meanwhile may have looked for it too early */
	if (load_relaxed(&rt->draining))
		sedak_listener_close(l);
	if (lp)
		*lp = l;
	return 0;
fail:
	free(l);
	if (!(o->flags & SEDAK_LISTEN_FD))
		close(fd);
	return ret;
}

int sedak_listen(const struct sedak_listen_opts *opts,
		 struct sedak_listener **lp)
{
	struct sedak_listen_opts o;
	int ret = opts_copy(&o, sizeof(o), sizeof(size_t), opts);

	if (ret < 0)
		return ret;
	if (!o.stage || (o.flags & ~LISTEN_FLAGS) || o.backlog < 0)
		return -EINVAL;
	if (!rt_make_begin(o.stage->rt))
		return -ESHUTDOWN;
	ret = load_relaxed(&o.stage->rt->draining) ? -ESHUTDOWN : make(&o, lp);
	rt_make_end(o.stage->rt);
	return ret;
}

int sedak_listener_addr(const struct sedak_listener *l, struct sockaddr *addr,
			socklen_t *len)
{
	return addr_give(&l->addr, addr, len);
}

/* --------------------------------------------------------------- control */

int sedak_listener_pause(struct sedak_listener *l)
{
	return control(l, S_PAUSE, 0);
}

int sedak_listener_resume(struct sedak_listener *l)
{
	return control(l, 0, S_PAUSE);
}

int sedak_listener_close(struct sedak_listener *l)
{
	if (atomic_fetch_or(&l->src.word, S_CLOSING) & S_CLOSING)
		return -ESTALE;
	src_raise(&l->src, P_CTL);
	return 0;
}

/*
 * max_conns: all listeners wait while it is reached.  Under rt->lock, as the count
 * itself is: of two changes the later one has the last word.
 */
void listeners_limit(struct sedak_rt *rt)
{
	bool on = rt->max_conns && load_relaxed(&rt->nr_conns) >= rt->max_conns;
	struct sedak_listener *l;

	if (rt->conn_limit == on)
		return;
	rt->conn_limit = on;
	for (l = rt->listeners; l; l = l->all_next)
		control(l, on ? S_LIMIT : 0, on ? 0 : S_LIMIT);
}

void listeners_close(struct sedak_rt *rt)
{
	struct sedak_listener *l;

	pthread_mutex_lock(&rt->lock);
	for (l = rt->listeners; l; l = l->all_next)
		sedak_listener_close(l);
	pthread_mutex_unlock(&rt->lock);
}

/* ---------------------------------------------------------------- servicing */

void listener_service(struct worker *w, struct sedak_listener *l, uint32_t bits)
{
	uint32_t word = load_relaxed(&l->src.word);
	bool off = word & (S_PAUSE | S_LIMIT | S_RETRY);
	bool retry = (bits & P_TIMEOUT) && (word & S_RETRY);
	int ret = 0;

	if (retry) {
		atomic_fetch_and(&l->src.word, ~S_RETRY);
		off = word & (S_PAUSE | S_LIMIT);
		/* whatever it has become by itself meanwhile: it is told */
		l->rx_off = !off;
	}
	if (l->close_sent)
		return;
	if (word & S_CLOSING) {
		ret = w->be->op_close(w, &l->src, false);
		l->close_sent = !ret;
	} else if (off != l->rx_off) {
		ret = off ? w->be->op_disarm(w, &l->src) :
			    w->be->op_arm(w, &l->src, 0);
		if (!ret)
			l->rx_off = off;
	}
	if (ret < 0)
		atomic_fetch_or(&l->src.word, P_ROOM |
				(retry ? S_RETRY | P_TIMEOUT : 0));
}

/* No descriptor or memory for a connection: try again after a while */
static void accept_failed(struct worker *w, struct sedak_listener *l, int err)
{
	struct sedak_rt *rt = w->rt;

	atomic_fetch_add(&rt->accept_errors, 1);
	if (atomic_fetch_or(&l->src.word, S_RETRY) & S_RETRY)
		return;
	rt_log(rt, SEDAK_LOG_WARNING, "accept: %s: trying again in %u ms",
	       strerror(-err), (unsigned int)(ACCEPT_RETRY_NS / 1000000));
	if (timer_arm(w, l->src.stage->pool, &l->timer,
		      clock_now() + ACCEPT_RETRY_NS))
		src_raise(&l->src, P_CTL);
	else
		src_raise(&l->src, P_TIMEOUT);	/* no memory: at once, then */
}

/* Of the events that workers have in hand when CLOSED comes the last one ends it */
static bool is_last(struct sedak_listener *l, const struct bev *b)
{
	uint32_t n;

	if (b->bits & BEV_CLOSED)
		atomic_store(&l->last, b->amount ? b->amount :
			     LISTENER_LAST | (load_relaxed(&l->handled) + 1));
	n = atomic_fetch_add(&l->handled, 1) + 1;
	return atomic_load(&l->last) == (LISTENER_LAST | n);
}

void listener_event(struct worker *w, struct sedak_listener *l, struct bev *b)
{
	if (b->bits & BEV_ACCEPT)
		conn_accepted(w, l, b);
	if (b->bits & BEV_ERR)
		accept_failed(w, l, b->res);
	if (is_last(l, b)) {
		atomic_fetch_sub(&l->src.stage->sources, 1);
		atomic_fetch_sub(&w->rt->nr_listeners, 1);
		if (load_relaxed(&w->rt->draining))
			rt_check_idle(w->rt);
	}
}
