// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners: connections are accepted when their stage is harvested, without
 * a descriptor, and become sources owned by the worker that harvests.
 */
#include <linux/file.h>
#include <linux/slab.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "seda.h"

struct seda_listener {
	struct seda_sock s;
	struct seda_stage *child_stage;	/* a use */
	u64 child_data;
	u32 child_flags;
	struct seda_tcp *spare;		/* the pump's: made, not needed yet */
};

static struct seda_listener *to_listener(struct seda_source *src)
{
	return container_of(src, struct seda_listener, s.src);
}

static bool seda_listener_waits(const struct sock *sk)
{
	return inet_sk_state_load(sk) == TCP_LISTEN &&
	       !reqsk_queue_empty(&inet_csk(sk)->icsk_accept_queue);
}

static bool seda_listener_ready(struct seda_source *src)
{
	struct seda_listener *l = to_listener(src);
	struct file *file;
	bool ready;

	if (test_bit(SEDA_SRC_PAUSED, &src->flags) ||
	    seda_sock_hold(&l->s, &file))
		return false;
	ready = seda_listener_waits(l->s.sock->sk) ||
		inet_sk_state_load(l->s.sock->sk) != TCP_LISTEN;
	seda_sock_drop(file);
	return ready;
}

/* A connection's source, made before there is a connection to lose. */
static int seda_listener_prepare(struct seda_app *app, struct seda_listener *l)
{
	struct seda_tcp *tcp = l->spare;

	if (READ_ONCE(app->stats->sources) >= app->nr_sources ||
	    atomic_read(&app->user->sources) >= READ_ONCE(seda_limit_sources))
		return -ENFILE;
	if (tcp)
		return 0;
	tcp = seda_tcp_create(app, l->child_stage->id, l->child_data,
			      l->child_flags);
	if (IS_ERR(tcp))
		return PTR_ERR(tcp);
	l->spare = tcp;
	return 0;
}

/* The connection's slot owns it from here on, whose release looks for data. */
static void seda_listener_tell(struct seda_worker *w, struct seda_listener *l,
			       struct seda_tcp *tcp)
{
	struct seda_event ev = { .events = SEDA_EV_ACCEPT };

	seda_sock_listen(&tcp->s, seda_sock_wake);
	ev.child = tcp->s.src.id;
	seda_addr_peer(&ev.peer, tcp->s.sock->sk);
	seda_emit(w, &l->s.src, &ev, SEDA_NO_BUF);
	seda_slot_own(w, &w->slots[w->nr_slots - 1], &tcp->s.src);
}

/* One connection into a slot; 0, or -EAGAIN, or why not. */
static int seda_listener_accept(struct seda_worker *w, struct seda_listener *l)
{
	struct seda_tcp *tcp;
	struct socket *sock;
	int ret;

	ret = seda_listener_prepare(w->app, l);
	if (ret)
		return ret;
	ret = kernel_accept(l->s.sock, &sock, O_NONBLOCK);
	if (ret)
		return ret;
	tcp = l->spare;
	l->spare = NULL;
	seda_sock_attach(&tcp->s, NULL, sock);
	ret = seda_source_publish(w->app, &tcp->s.src);
	if (ret)
		seda_source_discard(&tcp->s.src);
	else
		seda_listener_tell(w, l, tcp);
	return ret;
}

/* Errors of the one connection, not of the listener. */
static bool seda_accept_error_passes(int err)
{
	switch (err) {
	case -ECONNABORTED:
	case -EPROTO:
	case -ENETDOWN:
	case -ENOPROTOOPT:
	case -EHOSTDOWN:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -EOPNOTSUPP:
		return true;
	}
	return false;
}

static unsigned int seda_listener_pump(struct seda_worker *w,
				       struct seda_source *src,
				       unsigned int room)
{
	struct seda_event err = { .events = SEDA_EV_ERR, .buf = SEDA_NO_BUF };
	struct seda_listener *l = to_listener(src);
	unsigned int n = 0, tries = room;
	struct file *file;
	int ret = 0;

	if (test_bit(SEDA_SRC_PAUSED, &src->flags) ||
	    seda_sock_hold(&l->s, &file))
		return 0;
	if (inet_sk_state_load(l->s.sock->sk) != TCP_LISTEN)
		ret = -EINVAL;
	while (n < room && tries-- && seda_listener_waits(l->s.sock->sk)) {
		ret = seda_listener_accept(w, l);
		if (!ret)
			n++;
		else if (!seda_accept_error_passes(ret))
			break;
	}
	if (ret && ret != -EAGAIN && !seda_accept_error_passes(ret) &&
	    n < room) {
		set_bit(SEDA_SRC_PAUSED, &src->flags);
		err.res = ret;
		seda_emit(w, src, &err, SEDA_NO_BUF);
		n++;
	}
	if (seda_listener_waits(l->s.sock->sk))
		atomic_or(SEDA_SRC_AGAIN, &src->state);
	seda_sock_drop(file);
	return n;
}

static void seda_listener_close(struct seda_source *src)
{
	struct seda_listener *l = to_listener(src);

	seda_sock_detach(&l->s);
	if (l->spare)
		seda_source_discard(&l->spare->s.src);
	l->spare = NULL;
	if (l->child_stage)
		seda_stage_put(l->child_stage);
	l->child_stage = NULL;
}

static void seda_listener_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct seda_listener, s.src.rcu));
}

static void seda_listener_free(struct seda_source *src)
{
	call_rcu(&src->rcu, seda_listener_free_rcu);
}

static void seda_listener_info(struct seda_source *src,
			       struct seda_source_info_args *a)
{
	struct seda_listener *l = to_listener(src);
	struct file *file;

	if (seda_sock_hold(&l->s, &file))
		return;
	seda_addr_local(&a->local, l->s.sock->sk);
	seda_sock_drop(file);
}

static const struct seda_kind seda_listener_kind = {
	.id = SEDA_KIND_LISTEN,
	.name = "listen",
	.shared = true,
	.pump = seda_listener_pump,
	.ready = seda_listener_ready,
	.close = seda_listener_close,
	.free = seda_listener_free,
	.info = seda_listener_info,
	.arm = seda_sock_arm,
	.disarm = seda_sock_disarm,
};

static int seda_listener_create(struct seda_app *app,
				struct seda_listen_args *a, struct file *file,
				struct socket *sock)
{
	struct seda_listener *l;
	int ret;

	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return -ENOMEM;
	l->child_data = a->child_data;
	l->child_flags = a->flags;
	l->s.mask = EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP;
	ret = seda_source_init(app, &l->s.src, &seda_listener_kind, a->stage,
			       a->user_data);
	if (ret) {
		kfree(l);
		return ret;
	}
	l->child_stage = seda_stage_get(app, a->child_stage);
	ret = l->child_stage ? seda_sock_attach(&l->s, file, sock) : -ESTALE;
	if (!ret)
		ret = seda_source_publish(app, &l->s.src);
	if (ret) {
		seda_source_discard(&l->s.src);
		return ret;
	}
	a->source = l->s.src.id;
	seda_sock_listen(&l->s, seda_sock_wake);
	return seda_source_answer(&l->s.src, a);
}

int seda_listen(struct seda_app *app, struct seda_listen_args *a)
{
	struct socket *sock;
	struct file *file;
	int ret = -EINVAL;

	if (a->flags & ~SEDA_SOURCE_NOBUF || a->pad || a->source)
		return -EINVAL;
	if (seda_strict)
		return -EPERM;
	sock = seda_sock_from_fd(a->fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	if ((sock->sk->sk_family == AF_INET ||
	     sock->sk->sk_family == AF_INET6) &&
	    sock->sk->sk_type == SOCK_STREAM &&
	    sock->sk->sk_protocol == IPPROTO_TCP &&
	    inet_sk_state_load(sock->sk) == TCP_LISTEN)
		ret = seda_listener_create(app, a, file, sock);
	fput(file);
	return ret;
}
