// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * udp.c - UDP sockets
 *
 * A datagram is submitted by the worker that sends it; what other threads send
 * goes through src->foreign to a worker of the pool.
 */
#include <stdlib.h>
#include <unistd.h>

#include "backend.h"

static int make(const struct sedak_udp_opts *o, struct sedak_udp **udpp)
{
	int fd = sock_bound(SOCK_DGRAM, o->host, o->port, o->flags);
	struct sedak_rt *rt = o->stage->rt;
	struct sedak_udp *u;
	int ret = -ENOMEM;
	socklen_t len;

	if (fd < 0)
		return fd;
	u = calloc(1, sizeof(*u));
	if (!u)
		goto fail;
	src_init(&u->src, SRC_UDP, o->stage, o->user);
	len = sizeof(u->addr);
	ret = getsockname(fd, (struct sockaddr *)&u->addr, &len) ? -errno : 0;
	*udpp = u;	/* a handler may need it before this returns */
	atomic_fetch_add(&o->stage->sources, 1);
	if (!ret)
		ret = rt->be->udp(&u->src, fd);
	if (ret < 0) {
		atomic_fetch_sub(&o->stage->sources, 1);
		goto fail;
	}
	pthread_mutex_lock(&rt->lock);
	u->all_next = rt->udps;
	rt->udps = u;
	pthread_mutex_unlock(&rt->lock);
	return 0;
fail:
	free(u);
	close(fd);
	*udpp = NULL;
	return ret;
}

int sedak_udp_open(const struct sedak_udp_opts *opts, struct sedak_udp **udpp)
{
	struct sedak_udp_opts o;
	int ret = opts_copy(&o, sizeof(o), sizeof(size_t), opts);

	if (ret < 0)
		return ret;
	if (!o.stage ||
	    (o.flags & ~(SEDAK_LISTEN_REUSEPORT | SEDAK_LISTEN_V6ONLY)))
		return -EINVAL;
	if (!rt_make_begin(o.stage->rt))
		return -ESHUTDOWN;
	ret = make(&o, udpp);
	rt_make_end(o.stage->rt);
	return ret;
}

int sedak_udp_addr(const struct sedak_udp *u, struct sockaddr *addr,
		   socklen_t *len)
{
	return addr_give(&u->addr, addr, len);
}

static int submit(struct worker *w, struct sedak_udp *u, const void *data,
		  size_t len, const struct sockaddr_in6 *to)
{
	int ret = w->be->op_udp_send(w, &u->src, data, len, to);

	if (ret == -EAGAIN)
		return ret;
	if (ret < 0)
		atomic_fetch_add_explicit(&w->rt->udp_dropped, 1,
					  memory_order_relaxed);
	else
		counter_add(w->bytes_out, len);
	return 0;
}

static int check(const struct sedak_udp *u, size_t len)
{
	if (load_relaxed(&u->src.word) & S_CLOSING)
		return -ESTALE;
	return len > MAX_DATAGRAM ? -EMSGSIZE : 0;
}

/* Through a worker of the pool; also where the worker's slots are all taken */
static int send_later(struct sedak_udp *u, const void *data, size_t len,
		      const struct sockaddr_in6 *to)
{
	struct chunk *head, *ch = chunk_get(worker_of(u->src.rt), len);

	if (!ch)
		return -ENOMEM;
	memcpy(ch->mem, data, len);
	ch->iov.iov_len = len;
	ch->to = *to;
	head = load_relaxed(&u->src.foreign);
	do {
		ch->next = head;
	} while (!atomic_compare_exchange_weak(&u->src.foreign, &head, ch));
	src_raise(&u->src, P_FOREIGN);
	return 0;
}

int sedak_udp_send(struct sedak_udp *u, const void *data, size_t len,
		   const struct sockaddr *addr, socklen_t addrlen)
{
	struct worker *w = worker_of(u->src.rt);
	struct sockaddr_in6 to;
	int ret = check(u, len);

	if (ret < 0)
		return ret;
	if (!addr || addrlen < sizeof(struct sockaddr_in) ||
	    (addr->sa_family != AF_INET && addr->sa_family != AF_INET6) ||
	    (addr->sa_family == AF_INET6 && addrlen < sizeof(to)))
		return -EINVAL;
	memset(&to, 0, sizeof(to));
	memcpy(&to, addr, addr->sa_family == AF_INET ?
			  sizeof(struct sockaddr_in) : sizeof(to));
	/* the device reads the memory at the next enter: only a copy stays */
	if (w && !w->be->copies_udp)
		return send_later(u, data, len, &to);
	ret = w ? submit(w, u, data, len, &to) : -EAGAIN;
	return ret == -EAGAIN ? send_later(u, data, len, &to) : ret;
}

int sedak_udp_send_event(struct sedak_udp *u, struct sedak_event *ev, size_t len)
{
	struct worker *w = worker_of(u->src.rt);
	const struct sockaddr_in6 *to;
	int ret = check(u, len);

	if (ret < 0)
		return ret;
	if (!w || ev->type != SEDAK_EV_DATAGRAM || len > ev->len)
		return -EINVAL;
	to = (const struct sockaddr_in6 *)ev->addr;
	/*
	 * In its own pool, where operations on it have an order; and in place only
	 * what is the batch's alone: a copy, or a buffer that was kept, may be put
	 * by another before the device reads it.
	 */
	if (u->src.stage->pool != w->pool ||
	    (!w->be->copies_udp &&
	     load_relaxed(&((struct sedak_buf *)ev->priv)->refs)))
		return send_later(u, ev->data, len, to);
	ret = submit(w, u, ev->data, len, to);
	return ret == -EAGAIN ? send_later(u, ev->data, len, to) : ret;
}

int sedak_udp_close(struct sedak_udp *u)
{
	if (atomic_fetch_or(&u->src.word, S_CLOSING) & S_CLOSING)
		return -ESTALE;
	src_raise(&u->src, P_CTL);
	return 0;
}

/* ---------------------------------------------------------------- servicing */

static bool flush(struct worker *w, struct sedak_udp *u)
{
	struct chunk *ch, *next;
	int ret;

	if (!u->queue)
		u->queue = chunks_take(&u->src);
	for (ch = u->queue; ch; ch = next) {
		next = ch->next;
		ret = submit(w, u, ch->iov.iov_base, ch->iov.iov_len, &ch->to);
		if (ret == -EAGAIN)
			break;
		/* its memory is read at the next enter */
		ch->next = w->udp_sent;
		w->udp_sent = ch;
	}
	u->queue = ch;
	return !ch && !load_relaxed(&u->src.foreign);
}

void udp_sent_done(struct worker *w)
{
	struct chunk *ch = w->udp_sent, *next;

	w->udp_sent = NULL;
	for (; ch; ch = next) {
		next = ch->next;
		chunk_put(w, ch);
	}
}

void udp_service(struct worker *w, struct sedak_udp *u, uint32_t bits)
{
	bool room = flush(w, u);

	(void)bits;
	if (room && (load_relaxed(&u->src.word) & S_CLOSING) && !u->close_sent) {
		room = w->be->op_close(w, &u->src, false) == 0;
		u->close_sent = room;
	}
	if (!room)
		atomic_fetch_or(&u->src.word, P_ROOM);
}

void udp_event(struct worker *w, struct sedak_udp *u, struct bev *b)
{
	struct sedak_event *ev;
	struct sockaddr_in6 *addr;

	if (b->bits & BEV_IN) {
		counter_add(w->bytes_in, b->len);
		ev = batch_add(w, u->src.stage);
		addr = &w->batch.addr[w->batch.n - 1];
		*addr = b->addr;
		ev->type = SEDAK_EV_DATAGRAM;
		ev->udp = u;
		ev->user = load_relaxed(&u->src.user);
		ev->data = b->buf->data;
		ev->len = b->len;
		ev->amount = b->amount;
		ev->addr = (const struct sockaddr *)addr;
		ev->priv = b->buf;
	}
	if (b->bits & BEV_CLOSED)
		atomic_fetch_sub(&u->src.stage->sources, 1);
}
