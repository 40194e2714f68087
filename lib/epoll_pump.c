// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * epoll_pump.c - backend_epoll: reading sources that a worker owns
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "epoll_io.h"

#define ACCEPT_BUDGET	16
#define TOLD_BY_READ	(EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)

static struct bev *slot(struct worker *w, struct source *src, unsigned int n,
			bool first)
{
	struct ep_worker *e = w->be_data;
	struct bev *b = &w->bev[n];

	b->src = src;
	b->bits = 0;
	b->res = 0;
	b->slot = (int32_t)n;
	b->len = 0;
	b->buf = NULL;
	b->amount = 0;
	e->owned[n] = first ? src : NULL;
	e->given[n] = NULL;
	return b;
}

/* -------------------------------------------------------------- sending */

/*
 * Goes on with a send; ep->lock is held.  Returns 1 done, 0 no room, or -errno.
 */
int ep_send_more(struct source *src)
{
	struct epoll_src *ep = &src->ep;
	struct iovec rest[MAX_IOV];
	struct msghdr msg = { .msg_iov = rest };
	size_t skip = ep->sent;
	ssize_t ret;
	uint32_t i;

	for (i = 0; i < ep->nr_iov; i++) {
		if (skip >= ep->iov[i].iov_len) {
			skip -= ep->iov[i].iov_len;
			continue;
		}
		rest[msg.msg_iovlen].iov_base = (char *)ep->iov[i].iov_base + skip;
		rest[msg.msg_iovlen++].iov_len = ep->iov[i].iov_len - skip;
		skip = 0;
	}
	if (!msg.msg_iovlen)
		return 1;
	ret = sendmsg(ep->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (ret < 0)
		return errno == EAGAIN || errno == EINTR ||
		       errno == ENOBUFS ? 0 : -errno;
	ep->sent += (size_t)ret;
	for (i = 0; i < msg.msg_iovlen; i++)
		skip += rest[i].iov_len;
	if ((size_t)ret == skip)
		return 1;
	return ep_send_more(src);	/* until there is no room */
}

static void pump_out(struct worker *w, struct source *src, struct bev *b)
{
	struct epoll_src *ep = &src->ep;
	int ret = 0;

	ep_lock(ep);
	if (ep_sends(ep) && !(load_relaxed(&ep->flags) & EPF_ABORT)) {
		ret = ep->sf ? ep_sendfile_more(w, src) : ep_send_more(src);
		if (ret) {
			ep->iov = NULL;
			ep_sendfile_end(ep);
		}
		if (ret > 0) {
			b->bits |= BEV_SENT;
			if (load_relaxed(&ep->flags) & EPF_SHUT)
				shutdown(ep->fd, SHUT_WR);
		}
		if (ret && (load_relaxed(&ep->flags) & EPF_CLOSING))
			atomic_fetch_or(&ep->word, EP_CLOSE);
	}
	ep_unlock(ep);
	if (ret < 0) {
		b->bits |= BEV_ERR;
		b->res = ret;
	}
}

/* ------------------------------------------------------------ receiving */

/* Returns false if it must be tried again later */
static bool pump_in(struct worker *w, struct source *src, struct bev *b)
{
	struct ep_worker *e = w->be_data;
	struct epoll_src *ep = &src->ep;
	struct sedak_buf *buf = ep_buf_get(w);
	ssize_t ret;

	if (!buf) {
		e->stalled = true;
		return false;
	}
	do {
		ret = recv(ep->fd, buf->data, w->rt->buf_size, MSG_DONTWAIT);
	} while (ret < 0 && errno == EINTR);
	if (ret > 0) {
		b->bits |= BEV_IN;
		b->buf = buf;
		b->len = (uint32_t)ret;
		e->given[b->slot] = buf;
		/* an end, an error and urgent data make no second edge */
		return (size_t)ret < w->rt->buf_size &&
		       !(load_relaxed(&ep->flags) & EPF_HUP);
	}
	ep_buf_put(w, buf);
	if (!ret) {
		atomic_fetch_or(&ep->flags, EPF_EOF);
		b->bits |= BEV_EOF;
	} else if (errno != EAGAIN) {
		b->bits |= BEV_ERR;
		b->res = -errno;
		atomic_fetch_or(&ep->flags, EPF_EOF);
	}
	return true;
}

static bool still_connecting(struct source *src, struct bev *b)
{
	struct epoll_src *ep = &src->ep;
	struct sockaddr_in6 peer;
	socklen_t len = sizeof(int), plen = sizeof(peer);
	int err = ep->error;

	if (!err && getsockopt(ep->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	/* a needless look: neither failed nor there yet */
	if (!err && getpeername(ep->fd, (struct sockaddr *)&peer, &plen))
		return true;
	atomic_fetch_and(&ep->flags, ~EPF_CONNECTING);
	if (err)
		atomic_fetch_or(&ep->flags, EPF_EOF);
	b->bits |= BEV_CONNECT;
	b->res = -err;
	return err != 0;
}

static void closed(struct worker *w, struct source *src, struct bev *b)
{
	struct ep_worker *e = w->be_data;
	struct epoll_src *ep = &src->ep;
	uint32_t flags;
	int epfd = src->stage->pool->ep.epfd;

	ep_lock(ep);
	flags = load_relaxed(&ep->flags);
	ep->iov = NULL;
	ep_sendfile_end(ep);
	if ((flags & EPF_FOREIGN_FD) && !(flags & EPF_GONE))
		epoll_ctl(epfd, EPOLL_CTL_DEL, ep->fd, NULL);
	atomic_fetch_or(&ep->flags, EPF_GONE);
	if (src->kind == SRC_CONN && (flags & EPF_ABORT))
		sock_reset(ep->fd);
	else if (src->kind != SRC_WATCH)
		close(ep->fd);
	ep->fd = -1;
	ep_unlock(ep);
	/* and owned, for ever; it may be gone before the next enter() */
	atomic_fetch_or(&ep->word, EP_DEAD);
	e->owned[b->slot] = NULL;
	b->bits |= BEV_CLOSED;
}

static bool pump_conn(struct worker *w, struct source *src, struct bev *b,
		      uint32_t bits)
{
	struct epoll_src *ep = &src->ep;
	uint32_t flags = load_relaxed(&ep->flags);
	int err = 0;
	socklen_t len = sizeof(err);

	if (bits & EP_CLOSE)
		return true;
	if (bits & TOLD_BY_READ)
		atomic_fetch_or(&ep->flags, EPF_HUP);
	if (flags & EPF_CONNECTING && still_connecting(src, b))
		return true;
	if (bits & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		pump_out(w, src, b);
	if (b->bits & BEV_ERR)
		return true;
	flags = load_relaxed(&ep->flags);
	if (!(flags & EPF_EOF) && (flags & EPF_ARMED) &&
	    (bits & (EPOLLIN | EP_AGAIN | TOLD_BY_READ)))
		return pump_in(w, src, b);
	/* paused, or at the end: a reset is told all the same */
	if ((bits & EPOLLERR) &&
	    !getsockopt(ep->fd, SOL_SOCKET, SO_ERROR, &err, &len) && err) {
		b->bits |= BEV_ERR;
		b->res = -err;
	}
	return true;
}

/* ------------------------------------------------------- other sources */

static bool accept_retry(int err)
{
	return err == ECONNABORTED || err == EINTR || err == EPROTO ||
	       err == ENETDOWN || err == ENOPROTOOPT || err == EHOSTDOWN ||
	       err == ENONET || err == EHOSTUNREACH || err == ENETUNREACH;
}

static unsigned int pump_listener(struct worker *w, struct source *src,
				  unsigned int n, unsigned int max)
{
	unsigned int start = n;
	socklen_t len;
	struct bev *b;
	int fd;

	if (max - n > ACCEPT_BUDGET)
		max = n + ACCEPT_BUDGET;
	while (n < max) {
		b = slot(w, src, n, n == start);
		len = sizeof(b->addr);
		fd = accept4(src->ep.fd, (struct sockaddr *)&b->addr, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && accept_retry(errno))
			continue;
		if (fd < 0 && errno == EAGAIN)
			return n - start;
		if (fd < 0) {
			b->bits = BEV_ERR;
			b->res = -errno;
			return n + 1 - start;
		}
		b->bits = BEV_ACCEPT;
		b->amount = (uint64_t)fd;
		n++;
	}
	atomic_fetch_or(&src->ep.word, EP_AGAIN);
	return n - start;
}

static unsigned int pump_udp(struct worker *w, struct source *src,
			     unsigned int n, unsigned int max)
{
	struct ep_worker *e = w->be_data;
	uint32_t size = w->rt->buf_size;
	unsigned int start = n;
	struct sedak_buf *buf;
	struct bev *b;
	socklen_t len;
	ssize_t ret;

	for (; n < max; n++) {
		buf = ep_buf_get(w);
		if (!buf) {
			e->stalled = true;
			break;
		}
		b = slot(w, src, n, n == start);
		len = sizeof(b->addr);
		ret = recvfrom(src->ep.fd, buf->data, size,
			       MSG_DONTWAIT | MSG_TRUNC,
			       (struct sockaddr *)&b->addr, &len);
		if (ret < 0) {
			ep_buf_put(w, buf);
			/* an ICMP error of an earlier datagram is no end */
			if (errno != EAGAIN)
				continue;
			return n - start;
		}
		b->bits = BEV_IN;
		b->buf = buf;
		b->amount = (uint64_t)ret;
		b->len = (size_t)ret < size ? (uint32_t)ret : size;
		e->given[n] = buf;
	}
	atomic_fetch_or(&src->ep.word, EP_AGAIN);
	return n - start;
}

static void pump_watch(struct source *src, struct bev *b, uint32_t bits)
{
	struct epoll_src *ep = &src->ep;
	struct pollfd pfd = { .fd = ep->fd };
	uint32_t mask = load_relaxed(&ep->mask);
	int avail = 0;

	ep_lock(ep);
	if (!(load_relaxed(&ep->flags) & EPF_GONE) && mask) {
		pfd.events = (short)mask;
		/* what a handler has read meanwhile is not ready any more */
		if (poll(&pfd, 1, 0) > 0)
			bits = (uint32_t)pfd.revents;
		else if (!(load_relaxed(&ep->flags) & EPF_EDGE))
			bits = 0;
		bits &= mask | EPOLLERR | EPOLLHUP;
		if (bits & EPOLLIN && ioctl(ep->fd, FIONREAD, &avail))
			avail = 0;
	} else {
		bits = 0;
	}
	ep_unlock(ep);
	if (!bits)
		return;
	b->bits = BEV_READY;
	b->res = (int32_t)bits;
	b->amount = avail > 0 ? (uint64_t)avail : 0;
}

/* Level-triggered watches are one-shot to epoll, and armed when let go */
void ep_rearm(struct source *src)
{
	struct epoll_src *ep = &src->ep;
	struct epoll_event ev = { .data.ptr = src };
	uint32_t flags;

	ep_lock(ep);
	flags = load_relaxed(&ep->flags);
	ev.events = load_relaxed(&ep->mask);
	if (!(flags & EPF_GONE)) {
		/* without a mask HUP is told by epoll: once, for nobody */
		ev.events |= ev.events && flags & EPF_EDGE ?
				     (uint32_t)EPOLLET : (uint32_t)EPOLLONESHOT;
		epoll_ctl(src->stage->pool->ep.epfd, EPOLL_CTL_MOD, ep->fd, &ev);
	}
	ep_unlock(ep);
}

/* ------------------------------------------------------------- dispatch */

unsigned int ep_pump(struct worker *w, struct source *src, unsigned int n,
		     unsigned int max)
{
	struct epoll_src *ep = &src->ep;
	uint32_t bits = atomic_fetch_and(&ep->word, ~EP_BITS) & EP_BITS;
	unsigned int count = 0;
	struct bev *b;

	if (!(bits & EP_CLOSE)) {
		if (src->kind == SRC_LISTEN)
			return load_relaxed(&ep->flags) & EPF_ARMED ?
			       pump_listener(w, src, n, max) : 0;
		if (src->kind == SRC_UDP)
			return pump_udp(w, src, n, max);
	}
	b = slot(w, src, n, true);
	if (src->kind == SRC_WATCH && !(bits & EP_CLOSE)) {
		pump_watch(src, b, bits);
		/* nothing to tell after all: the one shot was not used */
		if (!b->bits && (load_relaxed(&ep->flags) & EPF_ONESHOT) &&
		    load_relaxed(&ep->mask))
			ep_rearm(src);
	}
	if (src->kind == SRC_CONN && !pump_conn(w, src, b, bits))
		atomic_fetch_or(&ep->word, EP_AGAIN);
	if ((bits | load_relaxed(&ep->word)) & EP_CLOSE)
		closed(w, src, b);
	if (b->bits)
		count = 1;
	return count;
}
