// SPDX-License-Identifier: GPL-2.0
/*
 * Sending on a connection: ops that cannot finish at once wait in order, in
 * tcp->sends under tcp->lock, and go on whenever the connection is pumped
 * because there is room (EPOLLOUT in s.mask while the list is not empty).
 *
 * User memory is copied under tcp->lock and the socket's own.  A page that a
 * hostile application stalls there delays those who use this connection, and,
 * when a send goes on, what its worker has harvested with it: all of the same
 * app.  They can be killed, and with them whoever waits for the page, so that
 * its end, which waits without being killed, goes on.
 */
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "io.h"
#include "trace.h"

static struct seda_tcp *to_tcp(struct seda_source *src)
{
	return container_of(src, struct seda_tcp, s.src);
}

static int seda_vec_import(struct iovec *iov, u64 addr, u32 nr, size_t *total)
{
	struct seda_vec __user *uvec = u64_to_user_ptr(addr);
	struct seda_vec v;
	size_t sum = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (copy_from_user(&v, &uvec[i], sizeof(v)))
			return -EFAULT;
		if (v.len > SEDA_MAX_SEND_LEN ||
		    sum + v.len > SEDA_MAX_SEND_LEN)
			return -EMSGSIZE;
		if (!access_ok(u64_to_user_ptr(v.addr), v.len))
			return -EFAULT;
		iov[i].iov_base = u64_to_user_ptr(v.addr);
		iov[i].iov_len = v.len;
		sum += v.len;
	}
	*total = sum;
	return 0;
}

/*
 * An iterator over user memory: len bytes at addr, or, with vec (room for
 * SEDA_MAX_VEC), len segments described there.
 */
int seda_msg_iter(struct iov_iter *iter, unsigned int dir, u64 addr, u32 len,
		  struct iovec *vec, size_t *total)
{
	int ret;

	if (vec) {
		if (len > SEDA_MAX_VEC)
			return -EMSGSIZE;
		ret = seda_vec_import(vec, addr, len, total);
		if (!ret)
			iov_iter_init(iter, dir, vec, len, *total);
		return ret;
	}
	if (len > SEDA_MAX_SEND_LEN)
		return -EMSGSIZE;
	if (!access_ok(u64_to_user_ptr(addr), len))
		return -EFAULT;
	iov_iter_ubuf(iter, dir, u64_to_user_ptr(addr), len);
	*total = len;
	return 0;
}

/*
 * As sendmsg(2) of what msg holds, max bytes of it, which is shorter by what was
 * sent: sockmap's and kTLS's take more off the iterator than they send.
 */
static int seda_tcp_sendmsg(struct socket *sock, struct msghdr *msg, size_t max)
{
	struct iov_iter from = msg->msg_iter;
	int n;

	iov_iter_truncate(&msg->msg_iter, max);
	n = sock_sendmsg(sock, msg);
	if (n > 0) {
		iov_iter_advance(&from, n);
		msg->msg_iter = from;
		return n;
	}
	/* kTLS: a signal came while another sender had its lock; later, then */
	if (n == -EINTR)
		return -EAGAIN;
	return n ?: -EIO;
}

/*
 * Sends what is left of s, which msg holds, and takes it off *turn; then it is
 * the others' turn, or a peer that keeps pace would have this worker for ever.
 * 0: all is sent.
 */
static int seda_tcp_push(struct seda_tcp *tcp, struct seda_send *s,
			 struct msghdr *msg, size_t *turn)
{
	int n;

	msg->msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL |
			 (s->flags & SEDA_SEND_MORE ? MSG_MORE : 0);
	while (s->done < s->total) {
		if (!*turn || fatal_signal_pending(current))
			return -EAGAIN;
		n = seda_tcp_sendmsg(tcp->s.sock, msg, *turn);
		if (n < 0)
			return n;
		/* short: once more tells why, and asks for a call back */
		s->done += n;
		*turn -= n;
	}
	return 0;
}

/* As seda_tcp_push() for one that waited: its memory is looked up anew. */
static int seda_tcp_resume(struct seda_worker *w, struct seda_tcp *tcp,
			   struct seda_send *s, size_t *turn)
{
	size_t total, before = s->done;
	struct msghdr msg = { };
	int ret;

	ret = seda_msg_iter(&msg.msg_iter, WRITE, s->addr, s->len,
			    s->flags & SEDA_SEND_VEC ? w->iov : NULL, &total);
	if (ret)
		return ret;
	/* the vector was changed under us */
	if (total < s->total)
		return -EFAULT;
	iov_iter_truncate(&msg.msg_iter, s->total);
	iov_iter_advance(&msg.msg_iter, s->done);
	ret = seda_tcp_push(tcp, s, &msg, turn);
	tcp->queued -= s->done - before;
	return ret;
}

/* Finished or dropped; the record is w's to use again, if there is a worker. */
static void seda_send_done(struct seda_worker *w, struct seda_tcp *tcp,
			   struct seda_send *s)
{
	lockdep_assert_held(&tcp->lock);
	list_del(&s->node);
	tcp->nr_sends--;
	tcp->queued -= s->total - s->done;
	if (s->flags & SEDA_SEND_BUF)
		seda_buf_unhold(tcp->s.src.stage->app, s->buf);
	if (tcp->fill_for == s)
		tcp->fill_for = NULL;
	if (s->disk)
		seda_sendfile_done(s);
	if (w && w->nr_spares < SEDA_SPARE_SENDS) {
		list_add(&s->node, &w->spares);
		w->nr_spares++;
	} else {
		kmem_cache_free(seda_send_cache, s);
	}
}

/* Forgets all unfinished sends. */
void seda_tcp_drop_sends(struct seda_tcp *tcp)
{
	struct seda_send *s, *tmp;

	list_for_each_entry_safe(s, tmp, &tcp->sends, node)
		seda_send_done(NULL, tcp, s);
	/* a connect's end, which does the same, has another lock */
	WRITE_ONCE(tcp->s.mask, READ_ONCE(tcp->s.mask) & ~EPOLLOUT);
}

/*
 * Sends are dropped that the application had reason to think of as sent: none
 * may follow, or it would be told of that one what is true of these.
 */
static void seda_tcp_break(struct seda_tcp *tcp)
{
	set_bit(SEDA_TCP_SHUT, &tcp->s.src.flags);
	seda_tcp_drop_sends(tcp);
}

/* Calls back when there is room; there may be some already. */
static void seda_tcp_want_room(struct seda_tcp *tcp)
{
	WRITE_ONCE(tcp->s.mask, tcp->s.mask | EPOLLOUT); /* [room-mask] */
	/* not every -EAGAIN was for want of room, nor is it ours alone */
	set_bit(SOCK_NOSPACE, &tcp->s.sock->flags); /* [room-nospace] */
	/* pairs with that of tcp_check_space(): room, then that bit and the
	 * mask; here: these, then room
	 */
	smp_mb(); /* [room-barrier] */
	if (sk_stream_is_writeable(tcp->s.sock->sk) || /* [room-look] */
	    READ_ONCE(tcp->s.sock->sk->sk_err))
		seda_source_kick(&tcp->s.src, 0);
}

void seda_send_free_spares(struct seda_worker *w)
{
	struct seda_send *s, *tmp;

	list_for_each_entry_safe(s, tmp, &w->spares, node)
		kmem_cache_free(seda_send_cache, s);
}

/* So that w has a record when it is too late to fail for want of memory. */
static int seda_send_prepare(struct seda_worker *w)
{
	struct seda_send *s;

	if (w->nr_spares)
		return 0;
	s = kmem_cache_alloc(seda_send_cache, GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	list_add(&s->node, &w->spares);
	w->nr_spares++;
	return 0;
}

/* The record that seda_send_prepare() saw to. */
static struct seda_send *seda_send_take(struct seda_worker *w)
{
	struct seda_send *s = list_first_entry(&w->spares, struct seda_send, node);

	list_del(&s->node);
	w->nr_spares--;
	return s;
}

/* why: -EAGAIN, or, of a file, -EIOCBQUEUED: it is being read. */
static int seda_tcp_queue(struct seda_worker *w, struct seda_tcp *tcp,
			  const struct seda_send *from, int why)
{
	struct seda_send *s;

	lockdep_assert_held(&tcp->lock);
	if (tcp->nr_sends >= SEDA_MAX_SENDS)
		return -EAGAIN;
	s = seda_send_take(w);
	*s = *from;
	if (s->flags & SEDA_SEND_BUF &&
	    !seda_buf_hold(tcp->s.src.stage->app, s->buf))
		s->flags &= ~SEDA_SEND_BUF;
	if (tcp->fill_for == from)
		tcp->fill_for = s;
	list_add_tail(&s->node, &tcp->sends);
	tcp->nr_sends++;
	tcp->queued += s->total - s->done;
	trace_seda_send_wait(&tcp->s.src, s->user_data, s->total - s->done);
	if (why == -EAGAIN)
		seda_tcp_want_room(tcp);
	else
		seda_sendfile_wait(tcp);
	return -EINPROGRESS;
}

static int seda_tcp_start(struct seda_worker *w, struct seda_tcp *tcp,
			  struct seda_send *s, struct msghdr *msg)
{
	unsigned long flags = READ_ONCE(tcp->s.src.flags);
	size_t turn = SEDA_SEND_TURN;
	struct file *file;
	int ret;

	lockdep_assert_held(&tcp->lock);
	if (!tcp->s.sock)
		return -ESTALE;
	if (flags & BIT(SEDA_TCP_CONNECTING))
		return -ENOTCONN;
	if (flags & BIT(SEDA_TCP_SHUT))
		return -EPIPE;
	ret = seda_sock_hold(&tcp->s, &file);
	if (ret)
		return ret;
	ret = -EAGAIN;
	if (list_empty(&tcp->sends))
		ret = s->disk ? seda_sendfile_push(tcp, s, &turn) :
				seda_tcp_push(tcp, s, msg, &turn);
	if (!ret)
		ret = s->total;
	else if (ret == -EAGAIN || ret == -EIOCBQUEUED)
		ret = seda_tcp_queue(w, tcp, s, ret);
	seda_sock_drop(file);
	return ret;
}

/* A send that has been checked, of what msg holds or of a file (msg: NULL). */
int seda_tcp_submit(struct seda_worker *w, struct seda_tcp *tcp,
		    struct seda_send *s, struct msghdr *msg)
{
	int ret = seda_send_prepare(w);

	if (ret)
		return ret;
	if (mutex_lock_killable(&tcp->lock))
		return -EINTR;
	ret = seda_tcp_start(w, tcp, s, msg);
	mutex_unlock(&tcp->lock);
	trace_seda_send(&tcp->s.src, s->user_data, ret);
	return ret;
}

/* The SEND op. */
int seda_tcp_send(struct seda_worker *w, struct seda_source *src,
		  const struct seda_op *op)
{
	struct seda_tcp *tcp = to_tcp(src);
	struct seda_send s = {
		.user_data = op->user_data,
		.addr = op->addr,
		.len = op->len,
		.buf = op->buf,
		.flags = op->flags,
	};
	struct msghdr msg = { };
	int ret;

	if (op->first_ns || op->period_ns || op->reserved)
		return -EINVAL;
	if (s.flags & SEDA_SEND_BUF) {
		ret = seda_buf_check(w->app, s.buf);
		if (ret)
			return ret;
	}
	ret = seda_msg_iter(&msg.msg_iter, WRITE, s.addr, s.len,
			    s.flags & SEDA_SEND_VEC ? w->iov : NULL, &s.total);
	return ret ?: seda_tcp_submit(w, tcp, &s, &msg);
}

/* The SHUTDOWN op. */
int seda_tcp_shutdown(struct seda_source *src)
{
	struct seda_tcp *tcp = to_tcp(src);
	struct file *file;
	int ret;

	if (mutex_lock_killable(&tcp->lock))
		return -EINTR;
	ret = tcp->s.sock ? seda_sock_hold(&tcp->s, &file) : -ESTALE;
	if (ret)
		goto out;
	if (test_bit(SEDA_TCP_CONNECTING, &src->flags)) {
		ret = -ENOTCONN;
	} else if (test_bit(SEDA_TCP_SHUT, &src->flags)) {
		ret = -EPIPE;
	} else if (tcp->nr_sends) {
		set_bit(SEDA_TCP_FIN, &src->flags);
		ret = -EINPROGRESS;
	} else {
		ret = kernel_sock_shutdown(tcp->s.sock, SHUT_WR);
	}
	if (!ret || ret == -EINPROGRESS)
		set_bit(SEDA_TCP_SHUT, &src->flags);
	seda_sock_drop(file);
out:
	mutex_unlock(&tcp->lock);
	return ret;
}

/* First half of CLOSE: after the sends, or by a reset and without them. */
int seda_tcp_finish(struct seda_source *src, unsigned int flags)
{
	struct seda_tcp *tcp = to_tcp(src);
	struct file *file;
	int ret = 0;

	if (mutex_lock_killable(&tcp->lock))
		return -EINTR;
	if (!tcp->s.sock) {
		/* TO_FD was quicker */
		ret = -ESTALE;
	} else if (flags & SEDA_CLOSE_ABORT) {
		set_bit(SEDA_TCP_ABORT, &src->flags);
		seda_tcp_drop_sends(tcp);
	} else if (test_bit(SEDA_TCP_CLOSE, &src->flags)) {
		ret = -EALREADY;
	} else if (tcp->nr_sends && !seda_sock_hold(&tcp->s, &file)) {
		ret = -EINPROGRESS;
		seda_sock_drop(file);
	}
	if (!ret || ret == -EINPROGRESS) {
		set_bit(SEDA_TCP_SHUT, &src->flags);
		set_bit(SEDA_TCP_CLOSE, &src->flags);
	}
	mutex_unlock(&tcp->lock);
	return ret;
}

/* The CANCEL op: sends, or a connect. */
int seda_tcp_cancel(struct seda_worker *w, struct seda_source *src,
		    const struct seda_op *op)
{
	struct seda_tcp *tcp = to_tcp(src);
	int ret;

	if (op->flags || op->user_data)
		return -EINVAL;
	if (test_bit(SEDA_TCP_CONNECTING, &src->flags)) {
		if (test_bit(SEDA_SRC_CLOSING, &src->flags) ||
		    test_and_set_bit(SEDA_TCP_CANCEL, &src->flags))
			return -EALREADY;
		seda_source_kick(src, 0);
		return 1;
	}
	if (mutex_lock_killable(&tcp->lock))
		return -EINTR;
	ret = tcp->nr_sends;
	if (ret) {
		/* a CLOSE among them is not forgotten */
		if (test_bit(SEDA_TCP_CLOSE, &src->flags))
			set_bit(SEDA_SRC_CLOSING, &src->flags);
		seda_tcp_break(tcp);
		WRITE_ONCE(tcp->cancel_err, -ECANCELED);
	}
	mutex_unlock(&tcp->lock);
	if (ret)
		seda_source_kick(src, 0);
	return ret;
}

/* The last send is done: what waited for it? */
static int seda_tcp_sent_all(struct seda_tcp *tcp)
{
	int ret = 0;

	if (test_and_clear_bit(SEDA_TCP_FIN, &tcp->s.src.flags))
		ret = kernel_sock_shutdown(tcp->s.sock, SHUT_WR);
	if (!ret && test_bit(SEDA_TCP_CLOSE, &tcp->s.src.flags)) {
		set_bit(SEDA_SRC_CLOSING, &tcp->s.src.flags);
		atomic_or(SEDA_SRC_AGAIN, &tcp->s.src.state);
	}
	return ret;
}

/* By the owner, who holds the socket: goes on with what waits. */
void seda_tcp_flush(struct seda_worker *w, struct seda_tcp *tcp,
		    struct seda_event *ev)
{
	size_t turn = SEDA_SEND_TURN;
	struct seda_send *s;
	int ret = 0;

	if (mutex_lock_killable(&tcp->lock)) {
		atomic_or(SEDA_SRC_AGAIN, &tcp->s.src.state);
		return;
	}
	while (!ret && !list_empty(&tcp->sends)) {
		s = list_first_entry(&tcp->sends, struct seda_send, node);
		ret = s->disk ? seda_sendfile_push(tcp, s, &turn) :
				seda_tcp_resume(w, tcp, s, &turn);
		if (ret)
			break;
		ev->events |= SEDA_EV_SENT;
		ev->done = s->user_data;
		seda_send_done(w, tcp, s);
		if (list_empty(&tcp->sends))
			ret = seda_tcp_sent_all(tcp);
	}
	if (ret == -EAGAIN) {
		seda_tcp_want_room(tcp);
	} else if (ret && ret != -EIOCBQUEUED) {
		ev->events |= SEDA_EV_ERR | SEDA_EV_CANCELED;
		ev->res = ret;
		if (test_bit(SEDA_TCP_CLOSE, &tcp->s.src.flags)) {
			set_bit(SEDA_SRC_CLOSING, &tcp->s.src.flags);
			atomic_or(SEDA_SRC_AGAIN, &tcp->s.src.state);
		}
	}
	if (ret && ret != -EAGAIN && ret != -EIOCBQUEUED)
		seda_tcp_break(tcp);
	else if (!ret)
		WRITE_ONCE(tcp->s.mask, tcp->s.mask & ~EPOLLOUT);
	if (tcp->cancel_err) {
		ev->events |= SEDA_EV_CANCELED;
		ev->res = ev->res ?: tcp->cancel_err;
		WRITE_ONCE(tcp->cancel_err, 0);
	}
	mutex_unlock(&tcp->lock);
}
