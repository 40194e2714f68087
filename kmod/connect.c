// SPDX-License-Identifier: GPL-2.0
/* Outbound TCP connections, with a deadline. */
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat.h"
#include "seda.h"

/* Separate, so that idle connections do not pay for it. */
struct seda_deadline {
	struct hrtimer timer;
	struct seda_tcp *tcp;
};

static enum hrtimer_restart seda_deadline_over(struct hrtimer *timer)
{
	struct seda_deadline *d = container_of(timer, struct seda_deadline,
					       timer);

	set_bit(SEDA_TCP_EXPIRED, &d->tcp->s.src.flags);
	seda_source_kick(&d->tcp->s.src, 0);
	return HRTIMER_NORESTART;
}

static int seda_deadline_alloc(struct seda_tcp *tcp)
{
	struct seda_deadline *d = kmalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);

	if (!d)
		return -ENOMEM;
	d->tcp = tcp;
	seda_hrtimer_setup(&d->timer, seda_deadline_over, CLOCK_MONOTONIC,
			   HRTIMER_MODE_REL);
	tcp->deadline = d;
	return 0;
}

/* The owner's, or with the connection: the callback is over afterwards. */
void seda_deadline_free(struct seda_tcp *tcp)
{
	if (!tcp->deadline)
		return;
	hrtimer_cancel(&tcp->deadline->timer);
	kfree(tcp->deadline);
	tcp->deadline = NULL;
}

static int seda_connect_result(struct seda_tcp *tcp, struct sock *sk)
{
	int state = inet_sk_state_load(sk);

	if (test_bit(SEDA_TCP_CANCEL, &tcp->s.src.flags))
		return -ECANCELED;
	if (state == TCP_SYN_SENT || state == TCP_SYN_RECV)
		return test_bit(SEDA_TCP_EXPIRED, &tcp->s.src.flags) ?
			-ETIMEDOUT : -EINPROGRESS;
	if (state == TCP_CLOSE)
		return sock_error(sk) ?: -ECONNREFUSED;
	return 0;
}

/*
 * By the owner, who holds the socket.  The result has an event of its own: an
 * error that came after it would be taken for it.
 */
void seda_connect_pump(struct seda_tcp *tcp, struct seda_event *ev)
{
	struct socket *sock = tcp->s.sock;
	int ret = seda_connect_result(tcp, sock->sk);

	if (ret == -EINPROGRESS)
		return;
	WRITE_ONCE(tcp->s.mask, READ_ONCE(tcp->s.mask) & ~EPOLLOUT);
	seda_deadline_free(tcp);
	ev->events |= SEDA_EV_CONNECT;
	ev->res = ret;
	atomic_or(SEDA_SRC_AGAIN, &tcp->s.src.state);
	if (ret) {
		set_bit(SEDA_SRC_CLOSING, &tcp->s.src.flags);
		return;
	}
	/* what connect(2) does when it is called again */
	lock_sock(sock->sk);
	if (sock->state == SS_CONNECTING)
		sock->state = SS_CONNECTED;
	release_sock(sock->sk);
	clear_bit(SEDA_TCP_CONNECTING, &tcp->s.src.flags);
}

static struct socket *seda_connect_start(struct seda_connect_args *a)
{
	struct sockaddr_storage ss;
	struct socket *sock;
	int ret, len;

	ret = sock_create(a->peer.family, SOCK_STREAM, IPPROTO_TCP, &sock);
	if (ret)
		return ERR_PTR(ret);
	/* nobody has a descriptor to do it with */
	tcp_sock_set_nodelay(sock->sk);
	if (a->local.family) {
		len = seda_addr_to_sockaddr(&a->local, &ss);
		ret = len;
		if (len > 0)
			ret = kernel_bind(sock, (struct seda_sockaddr *)&ss, len);
		if (ret)
			goto err;
	}
	len = seda_addr_to_sockaddr(&a->peer, &ss);
	ret = len;
	if (len > 0)
		ret = kernel_connect(sock, (struct seda_sockaddr *)&ss, len,
				     O_NONBLOCK);
	if (!ret || ret == -EINPROGRESS)
		return sock;
err:
	sock_release(sock);
	return ERR_PTR(ret);
}

int seda_connect(struct seda_app *app, struct seda_connect_args *a)
{
	struct seda_tcp *tcp;
	struct socket *sock;
	int ret = 0;

	if (a->flags & ~SEDA_SOURCE_NOBUF || a->source ||
	    a->timeout_ns > KTIME_MAX)
		return -EINVAL;
	if (seda_strict)
		return -EPERM;
	if (a->peer.family != AF_INET && a->peer.family != AF_INET6)
		return -EAFNOSUPPORT;
	tcp = seda_tcp_create(app, a->stage, a->user_data, a->flags);
	if (IS_ERR(tcp))
		return PTR_ERR(tcp);
	set_bit(SEDA_TCP_CONNECTING, &tcp->s.src.flags);
	tcp->s.mask |= EPOLLOUT;
	if (a->timeout_ns)
		ret = seda_deadline_alloc(tcp);
	if (ret)
		goto err;
	/* before it can call back: what happens meanwhile is found at start */
	sock = seda_connect_start(a);
	ret = PTR_ERR_OR_ZERO(sock);
	if (ret)
		goto err;
	seda_sock_attach(&tcp->s, NULL, sock);
	ret = seda_source_publish(app, &tcp->s.src);
	if (ret)
		goto err;
	a->source = tcp->s.src.id;
	if (tcp->deadline)
		hrtimer_start(&tcp->deadline->timer,
			      ns_to_ktime(a->timeout_ns), HRTIMER_MODE_REL);
	seda_sock_listen(&tcp->s, seda_sock_wake);
	return seda_source_answer(&tcp->s.src, a);
err:
	seda_source_discard(&tcp->s.src);
	return ret;
}
