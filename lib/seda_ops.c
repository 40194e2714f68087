// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * seda_ops.c - /dev/seda: making sources, and operations on them
 *
 * A source's user_data is its struct source.  An operation is a slot of the
 * worker's array, run by its next ENTER.
 */
#include <unistd.h>

#include "seda.h"

_Static_assert(sizeof(struct iovec) == sizeof(struct seda_vec) &&
	       offsetof(struct iovec, iov_len) == offsetof(struct seda_vec, len),
	       "a vector is passed as it is");
_Static_assert(MAX_IOV <= SEDA_MAX_VEC, "a vector is passed in one");

static uint64_t data_of(struct source *src)
{
	return (uint64_t)(uintptr_t)src;
}

/* ------------------------------------------------------------------ sources */

int sd_listen(struct source *src, int fd)
{
	struct sedak_listener *l = container_of(src, struct sedak_listener, src);
	struct seda_listen_args a = {
		.size = sizeof(a),
		.fd = fd,
		.stage = src->stage->id,
		.child_stage = l->conn_stage->id,
		.user_data = data_of(src),
	};
	int ret;

	src->sd.fd1 = fd + 1;	/* closed with the source */
	ret = sd_ioctl(src->rt, SEDA_IOC_LISTEN, &a);
	if (ret < 0)
		src->sd.fd1 = 0;
	else
		store_relaxed(&src->sd.id, a.source);
	return ret;
}

/* Also of UDP sockets */
int sd_adopt(struct source *src, int fd)
{
	struct seda_adopt_args a = {
		.size = sizeof(a),
		.fd = fd,
		.stage = src->stage->id,
		.user_data = data_of(src),
	};
	int ret;

	src->sd.fd1 = fd + 1;
	ret = sd_ioctl(src->rt, SEDA_IOC_ADOPT, &a);
	if (ret < 0)
		src->sd.fd1 = 0;
	else
		store_relaxed(&src->sd.id, a.source);
	return ret;
}

static void addr_of(const struct sockaddr_in6 *from, struct seda_addr *to)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)from;

	to->family = from->sin6_family;
	to->port = from->sin6_port;	/* in the same place of both */
	if (from->sin6_family == AF_INET) {
		memcpy(to->addr, &in->sin_addr, sizeof(in->sin_addr));
	} else {
		to->scope_id = from->sin6_scope_id;
		memcpy(to->addr, &from->sin6_addr, sizeof(to->addr));
	}
}

int sd_connect(struct source *src, const struct sockaddr_in6 *to)
{
	struct seda_connect_args a = {
		.size = sizeof(a),
		.stage = src->stage->id,
		.user_data = data_of(src),
	};
	int ret;

	src->sd.fd1 = 0;
	addr_of(to, &a.peer);
	ret = sd_ioctl(src->rt, SEDA_IOC_CONNECT, &a);
	if (!ret)
		store_relaxed(&src->sd.id, a.source);
	return ret;
}

int sd_watch(struct source *src, int fd, uint32_t mask, uint32_t flags)
{
	struct seda_watch_args a = {
		.size = sizeof(a),
		.fd = fd,
		.mask = mask,
		.stage = src->stage->id,
		.user_data = data_of(src),
	};
	int ret;

	if (flags & SEDAK_WATCH_EDGE)
		a.flags |= SEDA_WATCH_EDGE;
	if (flags & SEDAK_WATCH_ONESHOT)
		a.flags |= SEDA_WATCH_ONESHOT;
	src->sd.fd1 = 0;	/* the program's, not ours */
	ret = sd_ioctl(src->rt, SEDA_IOC_WATCH, &a);
	if (!ret)
		store_relaxed(&src->sd.id, a.source);
	return ret;
}

void sd_refuse(const struct sedak_rt *rt, uint64_t child)
{
	struct seda_id_args a = { .size = sizeof(a), .flags = SEDA_CLOSE_ABORT,
				  .id = child };

	sd_ioctl(rt, SEDA_IOC_CLOSE, &a);
}

/*
 * With CLOSED the device has let go of an adopted socket: it ends with our
 * descriptor.  For a source that never had a CLOSED this is done at its end.
 */
void sd_forget(struct source *src)
{
	int fd = src->sd.fd1 - 1;

	if (fd < 0)
		return;
	src->sd.fd1 = 0;
	if (src->kind == SRC_CONN && (load_relaxed(&src->word) & S_ABORT))
		sock_reset(fd);
	else
		close(fd);
}

void sd_kill(struct source *src)
{
	struct seda_id_args a = { .size = sizeof(a),
				  .id = load_relaxed(&src->sd.id) };

	if (src->kind == SRC_CONN)
		a.flags = SEDA_CLOSE_ABORT;
	sd_ioctl(src->rt, SEDA_IOC_CLOSE, &a);
	sd_forget(src);
}

/* --------------------------------------------------------------- operations */

struct seda_op *sd_next_op(struct worker *w, uint8_t code,
			   const struct source *src)
{
	struct sd_worker *s = w->be_data;
	struct seda_op *op;

	/*
	 * A child is attached by the ENTER that gives its ACCEPT back, or nobody
	 * gets what comes next: a batch of them finds room.
	 */
	if (unlikely(s->nr_ops >= s->max_ops -
		     (code == SEDA_OP_SET_DATA ? 0 : MAX_EVENTS)))
		return NULL;
	op = &s->ops[s->nr_ops++];
	memset(op, 0, sizeof(*op));
	op->op = code;
	op->res = -EIO;		/* if ENTER fails before it comes to it */
	if (src)
		op->source = load_relaxed(&src->sd.id);
	return op;
}

static int simple_op(struct worker *w, uint8_t code, struct source *src,
		     uint16_t flags)
{
	struct seda_op *op = sd_next_op(w, code, src);

	if (!op)
		return -EAGAIN;
	op->flags = flags;
	return 0;
}

/*
 * Whoever gets the source next may submit first, if that is another worker: it is
 * let go after the next enter, which therefore must not wait.
 */
static void keep_order(struct worker *w, struct source *src)
{
	struct sd_worker *s = w->be_data;

	if (w->pool->nr_workers == 1 && src->stage->pool == w->pool)
		return;
	src->in_ring = true;
	s->must_see = true;
}

/*
 * Whether the worker may sleep before it sees the result: it is the only one who
 * could touch the connection meanwhile, and an event will tell of a failure (see
 * conn_settle() of a pause).
 */
static bool may_be_blind(const struct worker *w, const struct sedak_conn *c)
{
	return w->pool->nr_workers == 1 && c->src.stage->pool == w->pool &&
	       !c->over_high && !c->eof;
}

/* And nobody else waits for it */
static bool nobody_waits(const struct worker *w, const struct sedak_conn *c)
{
	const struct chunk *ch = c->inflight;

	return may_be_blind(w, c) && c->wq_head == ch && c->wq_tail == ch &&
	       !ch->done && !ch->notify && ch->class == 0;
}

int sd_op_send(struct worker *w, struct source *src, struct iovec *iov,
	       unsigned int n, struct sedak_buf *buf)
{
	struct sd_worker *s = w->be_data;
	struct sedak_conn *c = src_conn(src);
	struct seda_op *op = sd_next_op(w, SEDA_OP_SEND, src);

	if (unlikely(!op))
		return -EAGAIN;
	op->user_data = (uint64_t)(uintptr_t)c;
	if (n == 1) {
		op->addr = (uint64_t)(uintptr_t)iov->iov_base;
		op->len = (uint32_t)iov->iov_len;
	} else {
		op->flags = SEDA_SEND_VEC;
		op->addr = (uint64_t)(uintptr_t)iov;
		op->len = n;
	}
	if (buf) {
		op->flags |= SEDA_SEND_BUF;
		op->buf = (uint32_t)buf->index;
	}
	s->nr_sends++;
	c->blind = nobody_waits(w, c);
	s->must_see |= !c->blind;
	return 0;
}

int sd_op_send_buf(struct worker *w, struct source *src, const char *data,
		   uint32_t len, struct sedak_buf *buf)
{
	struct sd_worker *s = w->be_data;
	struct sedak_conn *c = src_conn(src);

	if (unlikely(s->nr_ops >= s->max_ops - MAX_EVENTS))
		return -EAGAIN;
	s->ops[s->nr_ops++] = (struct seda_op) {
		.op = SEDA_OP_SEND,
		.flags = SEDA_SEND_BUF,
		.res = -EIO,
		.source = load_relaxed(&src->sd.id),
		.user_data = (uint64_t)(uintptr_t)c,
		.addr = (uint64_t)(uintptr_t)data,
		.len = len,
		.buf = (uint32_t)buf->index,
	};
	s->nr_sends++;
	c->blind = may_be_blind(w, c);
	s->must_see |= !c->blind;
	return 0;
}

int sd_op_udp_send(struct worker *w, struct source *src, const void *data,
		   size_t len, const struct sockaddr_in6 *to)
{
	struct seda_op *op = sd_next_op(w, SEDA_OP_SEND, src);

	if (!op)
		return -EAGAIN;
	op->addr = (uint64_t)(uintptr_t)data;
	op->len = (uint32_t)len;
	addr_of(to, &op->to);
	((struct sd_worker *)w->be_data)->nr_sends++;
	/* else it is sent in place: see sedak_udp_send_event() */
	if (load_relaxed(&src->owner) == w)
		keep_order(w, src);
	return 0;
}

int sd_attach(struct worker *w, struct source *src, uint64_t child)
{
	struct seda_op *op = sd_next_op(w, SEDA_OP_SET_DATA, NULL);

	if (!op)
		return -EAGAIN;
	src->sd.fd1 = 0;
	store_relaxed(&src->sd.id, child);
	op->source = child;
	op->user_data = data_of(src);
	keep_order(w, src);
	return 0;
}

int sd_op_shutdown(struct worker *w, struct source *src)
{
	return simple_op(w, SEDA_OP_SHUTDOWN, src, 0);
}

int sd_op_close(struct worker *w, struct source *src, bool abort)
{
	return simple_op(w, SEDA_OP_CLOSE, src, abort ? SEDA_CLOSE_ABORT : 0);
}

int sd_op_arm(struct worker *w, struct source *src, uint32_t mask)
{
	struct seda_op *op = sd_next_op(w, SEDA_OP_ARM, src);

	if (!op)
		return -EAGAIN;
	op->addr = mask;
	keep_order(w, src);
	return 0;
}

int sd_op_disarm(struct worker *w, struct source *src)
{
	int ret = simple_op(w, SEDA_OP_DISARM, src, 0);

	if (!ret)
		keep_order(w, src);
	return ret;
}

int sd_op_release(struct worker *w, struct source *src)
{
	return simple_op(w, SEDA_OP_RELEASE, src, 0);
}

/*
 * The device knows that a buffer is kept from its keeper's next ENTER on.  Before
 * that the keeper takes it back, and others have to wait.
 */
int sd_op_return(struct worker *w, struct sedak_buf *b)
{
	struct sd_worker *s = b->keeper->be_data, *own = w->be_data;
	struct seda_op *op;

	if (b->kept_at == SD_TAKEN && own->nr_spare < SD_SPARE) {
		sd_spare_put(own, b);
		return 0;
	}

	if (atomic_load_explicit(&s->enters, memory_order_acquire) ==
	    b->kept_at) {
		if (b->keeper != w)
			return -EAGAIN;
		s->ctl[b->slot].flags &= ~SEDA_CTL_KEEP;
		return 0;
	}
	op = sd_next_op(w, SEDA_OP_RETURN, NULL);
	if (!op)
		return -EAGAIN;
	op->buf = (uint32_t)b->index;
	return 0;
}

int sd_set_clock(struct sedak_pool *pool, struct worker *w, uint64_t when)
{
	struct seda_op *op = sd_next_op(w, when == NEVER ? SEDA_OP_DISARM :
							SEDA_OP_ARM, NULL);
	uint64_t now = clock_now();

	if (!op)
		return -EAGAIN;
	op->source = pool->sd.timer;
	if (when != NEVER)
		op->first_ns = when > now ? when - now : 1;
	if (pool->nr_workers > 1) {
		store_relaxed(&pool->clock_setter, w);
		((struct sd_worker *)w->be_data)->must_see = true;
	}
	return 0;
}
