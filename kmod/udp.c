// SPDX-License-Identifier: GPL-2.0
/*
 * UDP sockets: an event a datagram, many of a socket in a batch, owned by
 * nobody, as datagrams have no order to keep.
 */
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/sock.h>

#include "seda.h"

static struct seda_sock *to_sock(struct seda_source *src)
{
	return container_of(src, struct seda_sock, src);
}

static bool seda_udp_waits(const struct seda_sock *s)
{
	struct sock *sk = s->sock->sk;

	if (test_bit(SEDA_SRC_PAUSED, &s->src.flags))
		return false;
	/* receiving moves all of the one queue to the other; a sockmap has its own */
	return !skb_queue_empty_lockless(&sk->sk_receive_queue) ||
	       !skb_queue_empty_lockless(&udp_sk(sk)->reader_queue) ||
	       sk_is_readable(sk) || READ_ONCE(sk->sk_err);
}

static bool seda_udp_ready(struct seda_source *src)
{
	struct seda_sock *s = to_sock(src);
	struct file *file;
	bool ready;

	if (seda_sock_hold(s, &file))
		return false;
	ready = seda_udp_waits(s);
	seda_sock_drop(file);
	return ready;
}

/* One datagram, or an error of the socket, into a slot; else -EAGAIN. */
static int seda_udp_receive(struct seda_worker *w, struct seda_sock *s,
			    bool *more)
{
	struct sockaddr_storage from = { };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_flags = MSG_DONTWAIT,
	};
	struct seda_event ev = { .events = SEDA_EV_IN };
	u32 size = w->app->bufs.size, buf;
	struct kvec vec;
	int n;

	buf = seda_buf_get(w);
	if (buf == SEDA_NO_BUF) {
		seda_buf_stall(w->app, &s->src);
		return -EAGAIN;
	}
	vec.iov_base = seda_buf_addr(w->app, buf);
	vec.iov_len = size;
	iov_iter_kvec(&msg.msg_iter, READ, &vec, 1, size);
	n = sock_recvmsg(s->sock, &msg, MSG_DONTWAIT);
	if (n < 0) {
		seda_buf_unget(w, buf);
		buf = SEDA_NO_BUF;
		if (n == -EAGAIN)
			return n;
		ev.events = SEDA_EV_ERR;
		ev.res = n;
		*more = false;
		n = 0;
	} else {
		seda_addr_from_sockaddr(&ev.peer, &from);
		atomic64_add(n, (atomic64_t *)&s->src.stage->stats->received);
	}
	if (msg.msg_flags & MSG_TRUNC)
		ev.events |= SEDA_EV_TRUNC;
	ev.buf = buf;
	ev.len = n;
	seda_emit(w, &s->src, &ev, buf);
	return 0;
}

static unsigned int seda_udp_pump(struct seda_worker *w,
				  struct seda_source *src, unsigned int room)
{
	struct seda_sock *s = to_sock(src);
	bool more = true;
	unsigned int n = 0;
	struct file *file;

	if (test_bit(SEDA_SRC_PAUSED, &src->flags) || seda_sock_hold(s, &file))
		return 0;
	/* an error ends the batch: one that stays must not fill it */
	while (n < room && more && !seda_udp_receive(w, s, &more))
		n++;
	if (n == room || !more)
		atomic_or(SEDA_SRC_AGAIN, &src->state);
	seda_sock_drop(file);
	return n;
}

static int seda_udp_send(struct seda_worker *w, struct seda_source *src,
			 const struct seda_op *op)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	struct seda_sock *s = to_sock(src);
	struct sockaddr_storage to;
	struct file *file;
	size_t total;
	int ret;

	if (op->flags & SEDA_SEND_BUF) {
		ret = seda_buf_check(w->app, op->buf);
		if (ret)
			return ret;
	}
	if (op->flags & SEDA_SEND_MORE)
		return -EINVAL;
	if (op->to.family) {
		ret = seda_addr_to_sockaddr(&op->to, &to);
		if (ret < 0)
			return ret;
		msg.msg_name = &to;
		msg.msg_namelen = ret;
	}
	ret = seda_msg_iter(&msg.msg_iter, WRITE, op->addr, op->len,
			    op->flags & SEDA_SEND_VEC ? w->iov : NULL, &total);
	if (!ret)
		ret = seda_sock_hold(s, &file);
	if (ret)
		return ret;
	ret = sock_sendmsg(s->sock, &msg);
	seda_sock_drop(file);
	return ret;
}

static void seda_udp_info(struct seda_source *src,
			  struct seda_source_info_args *a)
{
	struct seda_sock *s = to_sock(src);
	struct file *file;

	if (seda_sock_hold(s, &file))
		return;
	seda_addr_local(&a->local, s->sock->sk);
	seda_addr_peer(&a->peer, s->sock->sk);
	seda_sock_drop(file);
}

static void seda_udp_close(struct seda_source *src)
{
	seda_sock_detach(to_sock(src));
}

static void seda_udp_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct seda_sock, src.rcu));
}

static void seda_udp_free(struct seda_source *src)
{
	call_rcu(&src->rcu, seda_udp_free_rcu);
}

static const struct seda_kind seda_udp_kind = {
	.id = SEDA_KIND_UDP,
	.name = "udp",
	.shared = true,
	.pump = seda_udp_pump,
	.ready = seda_udp_ready,
	.close = seda_udp_close,
	.free = seda_udp_free,
	.info = seda_udp_info,
	.send = seda_udp_send,
	.arm = seda_sock_arm,
	.disarm = seda_sock_disarm,
};

/* The caller holds the file. */
int seda_udp_adopt(struct seda_app *app, struct seda_adopt_args *a,
		   struct file *file, struct socket *sock)
{
	struct seda_sock *s;
	int ret;

	if (a->flags)
		return -EINVAL;
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	s->mask = EPOLLIN | EPOLLRDNORM | EPOLLERR;
	ret = seda_source_init(app, &s->src, &seda_udp_kind, a->stage,
			       a->user_data);
	if (ret) {
		kfree(s);
		return ret;
	}
	ret = seda_sock_attach(s, file, sock);
	if (!ret)
		ret = seda_source_publish(app, &s->src);
	if (ret) {
		seda_source_discard(&s->src);
		return ret;
	}
	a->source = s->src.id;
	seda_sock_listen(s, seda_sock_wake);
	return seda_source_answer(&s->src, a);
}
