// SPDX-License-Identifier: GPL-2.0
/*
 * TCP connections: receiving, adoption of a descriptor, making one.  Sends are
 * in send.c, outbound connects in connect.c.
 *
 * Pumping is done by the owner alone, without a lock of ours: the socket can
 * only be taken away by the owner.  tcp->lock excludes ops, RECV's too, which
 * any worker may submit.
 */
#include <linux/file.h>
#include <linux/skmsg.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat.h"
#include "io.h"
#include "trace.h"

#define SEDA_TCP_MASK	(EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLERR | \
			 EPOLLHUP | EPOLLPRI)

static struct seda_tcp *to_tcp(struct seda_source *src)
{
	return container_of(src, struct seda_tcp, s.src);
}

/* Does the kind of socket, not TCP's queue, know of all data?  kTLS does. */
static bool seda_tcp_asks_tls(struct sock *sk)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);

	if (!inet_csk_has_ulp(sk) || !prot->sock_is_readable)
		return false;
#ifdef CONFIG_NET_SOCK_MSG
	/* sockmap's, or TLS that only sends on top of it; or TLS on top of one */
	if (prot->sock_is_readable == sk_msg_is_readable ||
	    READ_ONCE(sk->sk_user_data))
		return false;
#endif
	return true;
}

/*
 * Would recvmsg() have data?  kTLS and sockmap keep some elsewhere, and with TLS part
 * of a record, which lies in TCP's queue, is none.
 */
static bool seda_tcp_has_data(struct sock *sk)
{
	if (sk_is_readable(sk))
		return true;
	return !seda_tcp_asks_tls(sk) &&
	       !skb_queue_empty_lockless(&sk->sk_receive_queue);
}

/* Would receiving tell something new? */
static bool seda_tcp_readable(struct seda_tcp *tcp, struct sock *sk)
{
	unsigned long flags = READ_ONCE(tcp->s.src.flags);

	if (flags & (BIT(SEDA_SRC_PAUSED) | BIT(SEDA_TCP_FAILED)))
		return false;
	return seda_tcp_has_data(sk) ||
	       READ_ONCE(sk->sk_err) ||
	       (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN &&
		!(flags & BIT(SEDA_TCP_EOF)));
}

static bool seda_tcp_ready(struct seda_source *src)
{
	struct seda_tcp *tcp = to_tcp(src);
	struct seda_sock *s = &tcp->s;
	struct file *file;
	bool ready;

	if (seda_sock_hold(s, &file))
		return false;
	if (test_bit(SEDA_TCP_CONNECTING, &src->flags))
		ready = true;
	else
		ready = seda_tcp_readable(tcp, s->sock->sk) ||
			READ_ONCE(tcp->cancel_err) ||
			test_bit(SEDA_TCP_FILLED, &src->flags) ||
			(READ_ONCE(s->mask) & EPOLLOUT &&
			 (sk_stream_is_writeable(s->sock->sk) ||
			  READ_ONCE(s->sock->sk->sk_err)));
	seda_sock_drop(file);
	return ready;
}

static void seda_tcp_eof(struct seda_tcp *tcp, struct seda_event *ev)
{
	if (!test_and_set_bit(SEDA_TCP_EOF, &tcp->s.src.flags))
		ev->events |= SEDA_EV_EOF;
}

static void seda_tcp_failed(struct seda_tcp *tcp, struct seda_event *ev,
			    int err)
{
	set_bit(SEDA_TCP_FAILED, &tcp->s.src.flags);
	ev->events |= SEDA_EV_ERR;
	ev->res = err;
}

/* All that was sent has been received, and the FIN, too. */
static bool seda_tcp_at_end(struct sock *sk)
{
	bool shut = READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN; /* [end-shut] */

	/*
	 * The FIN is processed after the data is queued; tcp_fin() has no barrier,
	 * so that this is enough where stores come in order, as on x86.
	 */
	smp_rmb(); /* [end-barrier] */
	return shut && skb_queue_empty_lockless(&sk->sk_receive_queue) && /* [end-none] */
	       !sk_is_readable(sk) && !READ_ONCE(sk->sk_err);
}

/* What RECV can read; lock_sock is held, so that FIN and data agree. */
static u64 seda_tcp_amount(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int amount = tcp_inq(sk);

	if (READ_ONCE(sk->sk_prot)->recvmsg != tcp_prot.recvmsg)
		/* what kTLS or sockmap will make of it, nobody tells */
		return seda_tcp_has_data(sk) ? max(amount, 1) : 0;
	/* at the urgent mark it counts nothing, but reading goes on behind */
	if (!amount && tp->urg_data && tp->urg_seq == tp->copied_seq)
		amount = tp->rcv_nxt - tp->copied_seq - 1 -
			 sock_flag(sk, SOCK_DONE);
	return max(amount, 0);
}

/* To sockmap the FIN is a message without bytes, which stays in its queue. */
static bool seda_tcp_only_fin(struct socket *sock)
{
	const int flags = MSG_PEEK | MSG_DONTWAIT;
	struct msghdr msg = { .msg_flags = flags };
	u8 byte;
	struct kvec vec = { .iov_base = &byte, .iov_len = 1 };

	if (READ_ONCE(sock->sk->sk_prot)->recvmsg == tcp_prot.recvmsg)
		return false;
	iov_iter_kvec(&msg.msg_iter, READ, &vec, 1, 1);
	return sock_recvmsg(sock, &msg, flags) == 0;
}

/* For a source that takes no buffers: what there is to be had. */
static void seda_tcp_peek(struct seda_tcp *tcp, struct seda_event *ev)
{
	struct sock *sk = tcp->s.sock->sk;
	bool slow = lock_sock_fast(sk);
	bool shut = sk->sk_shutdown & RCV_SHUTDOWN;
	int err = 0;

	ev->amount = seda_tcp_amount(sk);
	if (!ev->amount)
		err = sock_error(sk);
	unlock_sock_fast(sk, slow);
	if (ev->amount && shut && seda_tcp_only_fin(tcp->s.sock)) {
		ev->amount = 0;
		if (test_bit(SEDA_TCP_EOF, &tcp->s.src.flags))
			err = sock_error(sk);
		else if (READ_ONCE(sk->sk_err))
			atomic_or(SEDA_SRC_AGAIN, &tcp->s.src.state);
	}
	if (ev->amount) {
		ev->events |= SEDA_EV_IN | SEDA_EV_MORE;
		/* it stays ready until RECV has taken what there is */
		atomic_or(SEDA_SRC_AGAIN, &tcp->s.src.state);
	} else if (err) {
		seda_tcp_failed(tcp, ev, err);
	} else if (shut) {
		/* the FIN's own packet may still be in the queue */
		seda_tcp_eof(tcp, ev);
	}
}

static int seda_tcp_take_skb(read_descriptor_t *desc, struct sk_buff *skb,
			     unsigned int offset, size_t len)
{
	len = min(len, desc->count);
	if (skb_copy_bits(skb, offset, desc->arg.data, len))
		return -EFAULT;
	desc->arg.data += len;
	desc->count -= len;
	return len;
}

/*
 * Straight off the receive queue: about a third of what seda saves.  Runs no
 * recvmsg hook (hooks=strict does), and only for plain TCP: kTLS and sockmap
 * replace recvmsg, and urgent data would stop it for ever.  0: nothing that
 * this path can take.
 */
static int seda_tcp_read_queue(struct sock *sk, void *to, u32 size)
{
	read_descriptor_t desc = { .count = size, .arg.data = to };
	int n = 0;

	if (seda_strict || READ_ONCE(sk->sk_prot)->recvmsg != tcp_prot.recvmsg)
		return 0;
	lock_sock(sk);
	if (sk->sk_prot->recvmsg == tcp_prot.recvmsg && !tcp_sk(sk)->urg_data &&
	    sk->sk_state != TCP_LISTEN)
		n = tcp_read_sock(sk, &desc, seda_tcp_take_skb);
	release_sock(sk);
	return max(n, 0);
}

/* As recv(2) into a buffer of ours. */
static int seda_tcp_read(struct socket *sock, void *to, u32 size)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	struct kvec vec = { .iov_base = to, .iov_len = size };
	int n;

	n = seda_tcp_read_queue(sock->sk, to, size);
	if (n)
		return n;
	/* the end of the stream, an error, or not for the short way */
	iov_iter_kvec(&msg.msg_iter, READ, &vec, 1, size);
	return sock_recvmsg(sock, &msg, MSG_DONTWAIT);
}

static u32 seda_tcp_receive(struct seda_worker *w, struct seda_tcp *tcp,
			    struct seda_event *ev)
{
	struct seda_source *src = &tcp->s.src;
	struct sock *sk = tcp->s.sock->sk;
	u32 buf;
	int n;

	buf = seda_buf_get(w);
	if (buf == SEDA_NO_BUF) {
		seda_buf_stall(w->app, src);
		return buf;
	}
	n = seda_tcp_read(tcp->s.sock, seda_buf_addr(w->app, buf),
			  w->app->bufs.size);
	if (n <= 0) {
		seda_buf_unget(w, buf);
		/* behind the FIN it gives no error, as of a reset */
		if (!n && test_bit(SEDA_TCP_EOF, &src->flags))
			n = sock_error(sk) ?: -EAGAIN;
		if (!n)
			seda_tcp_eof(tcp, ev);
		else if (n != -EAGAIN)
			seda_tcp_failed(tcp, ev, n);
		/* one thing a time; or at an urgent mark, with something behind it */
		if (n ? n == -EAGAIN && signal_pending(current) :
			READ_ONCE(sk->sk_err))
			atomic_or(SEDA_SRC_AGAIN, &src->state);
		return SEDA_NO_BUF;
	}
	ev->events |= SEDA_EV_IN;
	ev->len = n;
	atomic64_add(n, (atomic64_t *)&src->stage->stats->received);
	if (seda_tcp_at_end(sk)) {
		seda_tcp_eof(tcp, ev);
	} else if (seda_tcp_readable(tcp, sk)) {
		/* without its lock: a FIN that comes just now is one more */
		ev->amount = max(data_race(tcp_inq(sk)), 0);
		if (ev->amount)
			ev->events |= SEDA_EV_MORE;
		atomic_or(SEDA_SRC_AGAIN, &src->state);
	}
	return buf;
}

static unsigned int seda_tcp_pump(struct seda_worker *w,
				  struct seda_source *src, unsigned int room)
{
	struct seda_event ev = { .buf = SEDA_NO_BUF };
	struct seda_tcp *tcp = to_tcp(src);
	struct seda_sock *s = &tcp->s;
	u32 buf = SEDA_NO_BUF;
	struct file *file;

	/* the mark has linked it, or will, for CLOSED */
	if (seda_sock_hold(s, &file))
		return 0;
	if (unlikely(test_bit(SEDA_TCP_CONNECTING, &src->flags))) {
		seda_connect_pump(tcp, &ev);
		goto out;
	}
	if (unlikely(READ_ONCE(s->mask) & EPOLLOUT ||
		     READ_ONCE(tcp->cancel_err)))
		seda_tcp_flush(w, tcp, &ev);
	if (!test_bit(SEDA_SRC_CLOSING, &src->flags) &&
	    seda_tcp_readable(tcp, s->sock->sk)) {
		if (ev.events & SEDA_EV_ERR)
			/* one error a time; what there is comes next */
			atomic_or(SEDA_SRC_AGAIN, &src->state);
		else if (test_bit(SEDA_SRC_NOBUF, &src->flags))
			seda_tcp_peek(tcp, &ev);
		else
			buf = seda_tcp_receive(w, tcp, &ev);
	}
out:
	seda_sock_drop(file);
	if (!ev.events)
		return 0;
	ev.buf = buf;
	seda_emit(w, src, &ev, buf);
	return 1;
}

/*
 * SO_LINGER inherited from a listener would keep us waiting in the release.
 * Returns what it was.
 */
static bool seda_sock_set_linger(struct sock *sk, bool linger)
{
	bool was;

	lock_sock(sk);
	was = sock_flag(sk, SOCK_LINGER);
	sock_valbool_flag(sk, SOCK_LINGER, linger);
	release_sock(sk);
	return was;
}

/* The owner's, or with the app: nobody receives. */
static void seda_tcp_close(struct seda_source *src)
{
	struct seda_tcp *tcp = to_tcp(src);
	bool owned = !tcp->s.has_file;
	struct socket *sock;

	seda_deadline_free(tcp);
	seda_sock_detach(&tcp->s);
	mutex_lock(&tcp->lock);
	seda_tcp_drop_sends(tcp);
	sock = tcp->s.sock;
	tcp->s.sock = NULL;
	mutex_unlock(&tcp->lock);
	if (!owned || !sock)
		return;
	seda_sock_set_linger(sock->sk, false);
	if (test_bit(SEDA_TCP_ABORT, &src->flags))
		sock_no_linger(sock->sk);
	sock_release(sock);
}

static void seda_tcp_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(seda_tcp_cache,
			container_of(rcu, struct seda_tcp, s.src.rcu));
}

static void seda_tcp_free(struct seda_source *src)
{
	call_rcu(&src->rcu, seda_tcp_free_rcu);
}

static int seda_tcp_recv(struct seda_source *src, const struct seda_op *op)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	struct seda_tcp *tcp = to_tcp(src);
	struct file *file;
	size_t total;
	int ret;

	if ((atomic_read(&src->state) & SEDA_SRC_STATE) != SEDA_SRC_OWNED)
		return -EBUSY;
	ret = seda_msg_iter(&msg.msg_iter, READ, op->addr,
			    min_t(u32, op->len, SEDA_MAX_SEND_LEN), NULL, &total);
	if (ret)
		return ret;
	if (mutex_lock_killable(&tcp->lock))
		return -EINTR;
	ret = tcp->s.sock ? seda_sock_hold(&tcp->s, &file) : -ESTALE;
	if (!ret) {
		ret = sock_recvmsg(tcp->s.sock, &msg, MSG_DONTWAIT);
		seda_sock_drop(file);
	}
	mutex_unlock(&tcp->lock);
	if (ret > 0)
		atomic64_add(ret, (atomic64_t *)&src->stage->stats->received);
	return ret;
}

static void seda_tcp_info(struct seda_source *src,
			  struct seda_source_info_args *a)
{
	struct seda_tcp *tcp = to_tcp(src);
	struct file *file;

	/*
	 * Who looks from outside (size 0) does not wait for what memory that
	 * never answers delays; a trylock may fail under a short op, too.
	 */
	if (!a->size ? !mutex_trylock(&tcp->lock) :
		       mutex_lock_killable(&tcp->lock))
		return;
	a->sends = tcp->nr_sends;
	a->queued = tcp->queued;
	if (tcp->s.sock && !seda_sock_hold(&tcp->s, &file)) {
		seda_addr_local(&a->local, tcp->s.sock->sk);
		seda_addr_peer(&a->peer, tcp->s.sock->sk);
		seda_sock_drop(file);
	}
	mutex_unlock(&tcp->lock);
}

const struct seda_kind seda_tcp_kind = {
	.id = SEDA_KIND_TCP,
	.name = "tcp",
	.pump = seda_tcp_pump,
	.ready = seda_tcp_ready,
	.close = seda_tcp_close,
	.finish = seda_tcp_finish,
	.free = seda_tcp_free,
	.info = seda_tcp_info,
	.send = seda_tcp_send,
	.sendfile = seda_tcp_sendfile,
	.recv = seda_tcp_recv,
	.shutdown = seda_tcp_shutdown,
	.cancel = seda_tcp_cancel,
	.arm = seda_sock_arm,
	.disarm = seda_sock_disarm,
};

/* Without a socket yet; flags: SEDA_SOURCE_*. */
struct seda_tcp *seda_tcp_create(struct seda_app *app, u64 stage,
				 u64 user_data, u32 flags)
{
	struct seda_tcp *tcp;
	int ret;

	tcp = kmem_cache_zalloc(seda_tcp_cache, GFP_KERNEL);
	if (!tcp)
		return ERR_PTR(-ENOMEM);
	mutex_init(&tcp->lock);
	INIT_LIST_HEAD(&tcp->sends);
	tcp->s.mask = SEDA_TCP_MASK;
	if (flags & SEDA_SOURCE_NOBUF)
		set_bit(SEDA_SRC_NOBUF, &tcp->s.src.flags);
	ret = seda_source_init(app, &tcp->s.src, &seda_tcp_kind, stage,
			       user_data);
	if (!ret)
		return tcp;
	kmem_cache_free(seda_tcp_cache, tcp);
	return ERR_PTR(ret);
}

static int seda_tcp_adopt(struct seda_app *app, struct seda_adopt_args *a,
			  struct file *file, struct socket *sock)
{
	int state = inet_sk_state_load(sock->sk);
	struct seda_tcp *tcp;
	int ret;

	if (state == TCP_LISTEN)
		return -EINVAL;
	if (state == TCP_CLOSE)
		return -ENOTCONN;
	tcp = seda_tcp_create(app, a->stage, a->user_data, a->flags);
	if (IS_ERR(tcp))
		return PTR_ERR(tcp);
	if (state == TCP_SYN_SENT || state == TCP_SYN_RECV) {
		set_bit(SEDA_TCP_CONNECTING, &tcp->s.src.flags);
		tcp->s.mask |= EPOLLOUT;
	}
	ret = seda_sock_attach(&tcp->s, file, sock);
	if (!ret)
		ret = seda_source_publish(app, &tcp->s.src);
	if (ret) {
		seda_source_discard(&tcp->s.src);
		return ret;
	}
	a->source = tcp->s.src.id;
	seda_sock_listen(&tcp->s, seda_sock_wake);
	return seda_source_answer(&tcp->s.src, a);
}

int seda_adopt(struct seda_app *app, struct seda_adopt_args *a)
{
	struct socket *sock;
	struct file *file;
	int ret = -EINVAL;

	if (a->flags & ~SEDA_SOURCE_NOBUF || a->pad || a->source)
		return -EINVAL;
	sock = seda_sock_from_fd(a->fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	if (sock->sk->sk_family == AF_INET || sock->sk->sk_family == AF_INET6) {
		if (sock->sk->sk_type == SOCK_STREAM &&
		    sock->sk->sk_protocol == IPPROTO_TCP)
			ret = seda_tcp_adopt(app, a, file, sock);
		else if (sock->sk->sk_type == SOCK_DGRAM &&
			 sock->sk->sk_protocol == IPPROTO_UDP)
			ret = seda_udp_adopt(app, a, file, sock);
	}
	fput(file);
	return ret;
}

/* The connection's socket becomes a file; its source has let go of it. */
static int seda_sock_install(struct socket *sock, unsigned int flags)
{
	struct file *file;
	bool linger;
	int fd;

	linger = seda_sock_set_linger(sock->sk, false);
	fd = get_unused_fd_flags(flags & SEDA_FD_CLOEXEC ? O_CLOEXEC : 0);
	if (fd < 0) {
		sock_release(sock);
		return fd;
	}
	/* releases the socket when it fails */
	file = sock_alloc_file(sock, O_NONBLOCK, NULL);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	seda_sock_set_linger(sock->sk, linger);
	fd_install(fd, file);
	return fd;
}

/* Takes the socket from a source that the caller owns. */
static struct socket *seda_tcp_take(struct seda_tcp *tcp)
{
	struct socket *sock = ERR_PTR(-EBUSY);

	if (mutex_lock_killable(&tcp->lock))
		return ERR_PTR(-EINTR);
	if (!tcp->s.sock) {
		sock = ERR_PTR(-ESTALE);
	} else if (test_bit(SEDA_TCP_CLOSE, &tcp->s.src.flags) ||
		   test_bit(SEDA_SRC_CLOSING, &tcp->s.src.flags)) {
		/* CLOSED was promised */
		sock = ERR_PTR(-EALREADY);
	} else if (!tcp->nr_sends) {
		seda_sock_detach(&tcp->s);
		sock = tcp->s.sock;
		tcp->s.sock = NULL;
	}
	mutex_unlock(&tcp->lock);
	return sock;
}

int seda_to_fd(struct seda_app *app, struct seda_to_fd_args *a)
{
	struct seda_source *src;
	struct socket *sock;
	bool held;
	int ret;

	if (a->flags & ~SEDA_FD_CLOEXEC)
		return -EINVAL;
	src = seda_source_get(app, a->source);
	if (!src)
		return -ESTALE;
	ret = -EOPNOTSUPP;
	if (src->kind != &seda_tcp_kind)
		goto out;
	ret = -EINVAL;
	if (to_tcp(src)->s.has_file)
		goto out;
	ret = seda_source_seize(seda_worker_self(app), src, &held);
	if (ret)
		goto out;
	sock = seda_tcp_take(to_tcp(src));
	if (IS_ERR(sock)) {
		seda_source_unseize(src, held);
		ret = PTR_ERR(sock);
		goto out;
	}
	seda_source_end(src, held);
	ret = seda_sock_install(sock, a->flags);
out:
	seda_source_put(src);
	return ret;
}
