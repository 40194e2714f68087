// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * epoll_source.c - backend_epoll: making sources, and operations on them
 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "epoll_io.h"

#define CONN_EVENTS	(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

/* The last store lets go: an event of an earlier life may be looked at then */
void ep_open(struct source *src, int fd, uint32_t flags)
{
	struct epoll_src *ep = &src->ep;

	ep->fd = fd;
	ep->error = 0;
	ep->iov = NULL;
	ep->sf = NULL;
	ep->next = NULL;
	atomic_flag_clear(&ep->lock);
	store_relaxed(&ep->flags, flags);
	atomic_store_explicit(&ep->word, 0, memory_order_release);
}

static int add(struct source *src, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	if (!epoll_ctl(src->stage->pool->ep.epfd, EPOLL_CTL_ADD, src->ep.fd, &ev))
		return 0;
	atomic_store(&src->ep.word, EP_OWNED | EP_DEAD);
	return -errno;
}

static int nonblocking(int fd)
{
	int fl = fcntl(fd, F_GETFL);

	if (fl < 0 || fcntl(fd, F_SETFL, fl | O_NONBLOCK))
		return -errno;
	return 0;
}

int ep_listen(struct source *src, int fd)
{
	int ret = nonblocking(fd);

	if (ret < 0)
		return ret;
	ep_open(src, fd, EPF_ARMED | EPF_FOREIGN_FD);
	return add(src, EPOLLIN | EPOLLET);
}

int ep_adopt(struct source *src, int fd)
{
	int ret = nonblocking(fd);

	if (ret < 0)
		return ret;
	ep_open(src, fd, EPF_ARMED | EPF_FOREIGN_FD);
	return add(src, CONN_EVENTS);
}

int ep_udp(struct source *src, int fd)
{
	ep_open(src, fd, EPF_ARMED);
	return add(src, EPOLLIN | EPOLLET);
}

int ep_connect(struct source *src, const struct sockaddr_in6 *to)
{
	int one = 1, ret, fd = socket(to->sin6_family,
				      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				      0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	ret = connect(fd, (const struct sockaddr *)to, addr_len(to)) ? errno : 0;
	ep_open(src, fd, EPF_ARMED | EPF_CONNECTING);
	if (ret && ret != EINPROGRESS)
		src->ep.error = ret;	/* told by the first event */
	ret = add(src, CONN_EVENTS);
	if (ret < 0)
		close(fd);
	return ret;
}

int ep_watch(struct source *src, int fd, uint32_t mask, uint32_t flags)
{
	uint32_t f = EPF_FOREIGN_FD;

	if (flags & SEDAK_WATCH_EDGE)
		f |= EPF_EDGE;
	if (flags & SEDAK_WATCH_ONESHOT)
		f |= EPF_ONESHOT;
	ep_open(src, fd, f);
	store_relaxed(&src->ep.mask, mask);
	return add(src, mask | (f & EPF_EDGE ? (uint32_t)EPOLLET :
					       (uint32_t)EPOLLONESHOT));
}

void ep_unwatch(struct source *src)
{
	struct epoll_src *ep = &src->ep;

	ep_lock(ep);
	if (!(atomic_fetch_or(&ep->flags, EPF_GONE) & EPF_GONE))
		epoll_ctl(src->stage->pool->ep.epfd, EPOLL_CTL_DEL, ep->fd, NULL);
	ep_unlock(ep);
}

int ep_attach(struct worker *w, struct source *src, uint64_t child)
{
	bool paused = load_relaxed(&src->word) & S_PAUSE;
	int ret;

	/* paused in its ACCEPT: once added, another worker may read it at once */
	ep_open(src, (int)child, paused ? 0 : EPF_ARMED);
	/* so that settling arms it if it was resumed meanwhile */
	src_conn(src)->rx_off = paused;
	ret = add(src, CONN_EVENTS);
	if (ret < 0) {
		/* as if the peer had gone: no event would ever come */
		rt_log(w->rt, SEDAK_LOG_ERROR, "epoll_ctl: %s", strerror(-ret));
		atomic_store(&src->ep.word, 0);
		src_conn(src)->error = ret;
		src_raise(src, S_BROKEN | P_CTL);
	}
	return 0;
}

void ep_refuse(const struct sedak_rt *rt, uint64_t child)
{
	(void)rt;
	sock_reset((int)child);
}

/* --------------------------------------------------------------- operations */

int ep_op_send(struct worker *w, struct source *src, struct iovec *iov,
	       unsigned int n, struct sedak_buf *buf)
{
	struct sedak_conn *c = src_conn(src);
	struct epoll_src *ep = &src->ep;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };
	int64_t res;
	int more = 0;

	(void)buf;
	counter_add(w->ops, 1);
	ep_lock(ep);
	res = n == 1 ? send(ep->fd, iov->iov_base, iov->iov_len,
			    MSG_NOSIGNAL | MSG_DONTWAIT) :
		       sendmsg(ep->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (res < 0)
		res = errno == EAGAIN || errno == EINTR || errno == ENOBUFS ?
		      0 : -errno;
	if (unlikely(res >= 0 && (size_t)res < c->inflight_len)) {
		ep->iov = iov;
		ep->nr_iov = n;
		ep->sent = (size_t)res;
		/* room may have come, and its edge gone, before this was set */
		more = ep_send_more(src);
		if (more)
			ep->iov = NULL;
		res = more > 0 ? (int64_t)c->inflight_len : more;
		if (!more)
			res = -EINPROGRESS;
	}
	ep_unlock(ep);
	conn_send_result(w, c, res);
	return 0;
}

int ep_op_udp_send(struct worker *w, struct source *src, const void *data,
		   size_t len, const struct sockaddr_in6 *to)
{
	struct epoll_src *ep = &src->ep;
	int ret = 0;

	counter_add(w->ops, 1);
	/* another worker may close it, and its number be somebody else's then */
	ep_lock(ep);
	if (sendto(ep->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)to, addr_len(to)) < 0)
		/* -EAGAIN would be: no slot */
		ret = errno == EAGAIN ? -ENOBUFS : -errno;
	ep_unlock(ep);
	return ret;
}

int ep_op_shutdown(struct worker *w, struct source *src)
{
	struct epoll_src *ep = &src->ep;

	(void)w;
	ep_lock(ep);
	if (ep_sends(ep))
		atomic_fetch_or(&ep->flags, EPF_SHUT);
	else
		shutdown(ep->fd, SHUT_WR);
	ep_unlock(ep);
	return 0;
}

int ep_op_close(struct worker *w, struct source *src, bool abort)
{
	struct epoll_src *ep = &src->ep;
	bool now;

	ep_lock(ep);
	now = abort || !ep_sends(ep);
	atomic_fetch_or(&ep->flags, EPF_CLOSING | (abort ? EPF_ABORT : 0));
	ep_unlock(ep);
	if (now)
		ep_kick(w, src, EP_CLOSE);
	return 0;
}

int ep_op_arm(struct worker *w, struct source *src, uint32_t mask)
{
	if (src->kind == SRC_WATCH) {
		store_relaxed(&src->ep.mask, mask);
		ep_rearm(src);
		return 0;
	}
	atomic_fetch_or(&src->ep.flags, EPF_ARMED);
	/* what came meanwhile was dropped: look */
	ep_kick(w, src, EP_AGAIN);
	return 0;
}

int ep_op_disarm(struct worker *w, struct source *src)
{
	(void)w;
	if (src->kind == SRC_WATCH) {
		store_relaxed(&src->ep.mask, 0);
		ep_rearm(src);
	} else {
		atomic_fetch_and(&src->ep.flags, ~EPF_ARMED);
	}
	return 0;
}

void ep_kill(struct source *src)
{
	struct epoll_src *ep = &src->ep;

	if (atomic_exchange(&ep->word, EP_OWNED | EP_DEAD) & EP_DEAD ||
	    src->kind == SRC_WATCH)
		return;
	ep_sendfile_end(ep);
	if (src->kind == SRC_CONN)
		sock_reset(ep->fd);
	else
		close(ep->fd);
}
