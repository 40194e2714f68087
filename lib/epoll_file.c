// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * epoll_file.c - backend_epoll: operations on files, and files into connections
 *
 * Whether something is in memory preadv2(RWF_NOWAIT) tells; where the file system
 * cannot, nothing is.  A file is sent in pieces: one that is in memory by sendfile(2),
 * any other is read by the engine of the connection's pool into memory of the library,
 * and sent from there.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/sendfile.h>

#include "epoll_io.h"

#define PAGE		4096
#define PIECE		(16 * PAGE)
#define PIECES		16	/* at a time, for then it is another's turn */

/* ------------------------------------------------------------------ operations */

/* Of such a file it means nothing, but io_uring would not wait for it */
int ep_file_open(struct sedak_file *f)
{
	int mode = fcntl(f->fd, F_GETFL);

	return fcntl(f->fd, F_SETFL, mode & ~O_NONBLOCK) ? -errno : 0;
}

void ep_file_close(struct sedak_file *f)
{
	(void)f;
}

static int read_now(const struct io_req *req)
{
	struct iovec iov = { req->data, req->len };
	ssize_t ret;

	ret = preadv2(req->fd, &iov, 1, (off_t)req->offset, RWF_NOWAIT);
	if (ret < 0)
		return errno == EOPNOTSUPP || errno == EINTR ? -EAGAIN : -errno;
	/* fewer are all there are, or all that are in memory */
	if ((size_t)ret < req->len &&
	    req->offset + (uint64_t)ret < file_size(req->fd))
		return -EAGAIN;
	return (int)ret;
}

static void op_end(struct worker *w, struct io_req *req)
{
	(void)w;
	file_op_done(container_of(req, struct file_op, req), req->res);
}

int ep_file_do(struct worker *w, struct file_op *op, bool nowait)
{
	int ret;

	counter_add(w->ops, 1);
	if (nowait)
		return read_now(&op->req);
	op->req.end = op_end;
	ret = ep_io_start(op->file->src.stage->pool, &op->req);
	return ret ? ret : -EINPROGRESS;
}

void ep_files_end(struct sedak_rt *rt)
{
	unsigned int i;

	for (i = 0; i < rt->nr_pools; i++)
		ep_io_end(rt->pools[i]);
}

/* ------------------------------------------------------- files into connections */

/* A piece that is being read, or was; ep->lock protects it while it is read */
struct piece {
	struct io_req req;
	struct source *src;		/* references, while it is read */
	struct sedak_file *file;
	bool reading;
	bool orphan;			/* nobody waits for it any more */
	char mem[PIECE];
};

/* A send that goes on; all of it is under ep->lock */
struct ep_sendfile {
	struct sedak_file *file;	/* the chunk has the reference */
	uint64_t offset;
	size_t left;
	struct piece *piece;		/* of what begins at offset, or NULL */
	size_t sent;			/* bytes of that */
};

static size_t next_len(const struct ep_sendfile *sf)
{
	return sf->left < PIECE ? sf->left : PIECE;
}

static void advance(struct ep_sendfile *sf, size_t n)
{
	sf->offset += n;
	sf->left -= n;
}

/* The engine has read it, or given up */
static void piece_end(struct worker *w, struct io_req *req)
{
	struct piece *p = container_of(req, struct piece, req);
	struct sedak_file *file = p->file;
	struct source *src = p->src;
	bool orphan;

	ep_lock(&src->ep);
	p->reading = false;
	orphan = p->orphan;
	ep_unlock(&src->ep);
	if (orphan)
		free(p);
	else if (w)
		ep_kick(w, src, EPOLLOUT);
	src_put(&file->src);
	src_put(src);
}

/* 0, as it has to be waited for, or -errno */
static int piece_read(struct source *src, struct ep_sendfile *sf)
{
	struct piece *p = malloc(sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	p->req = (struct io_req) {
		.code = IO_READ, .fd = sf->file->fd, .data = p->mem,
		.len = (uint32_t)next_len(sf), .offset = sf->offset, .end = piece_end,
	};
	p->src = src;
	p->file = sf->file;
	p->reading = true;
	p->orphan = false;
	src_get(src);
	src_get(&p->file->src);
	ret = ep_io_start(src->stage->pool, &p->req);
	if (ret < 0) {
		src_put(&p->file->src);
		src_put(src);
		free(p);
		return ret;
	}
	sf->piece = p;
	sf->sent = 0;
	return 0;
}

static int no_room(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == EINTR ? 0 : -err;
}

/* 1: it is sent, 0: it has to be waited for, or -errno; so are the next ones */
static int piece_send(struct source *src, struct ep_sendfile *sf)
{
	struct piece *p = sf->piece;
	ssize_t ret;

	if (p->reading)
		return 0;
	if (p->req.res <= 0)
		return p->req.res < 0 ? p->req.res : -EIO;	/* no bytes left */
	while (sf->sent < (size_t)p->req.res) {
		ret = send(src->ep.fd, p->mem + sf->sent,
			   (size_t)p->req.res - sf->sent,
			   MSG_NOSIGNAL | MSG_DONTWAIT);
		if (ret < 0)
			return no_room(errno);
		sf->sent += (size_t)ret;
	}
	advance(sf, (size_t)p->req.res);
	sf->piece = NULL;
	free(p);
	return 1;
}

/*
 * There is no MSG_NOSIGNAL for it.  The library's threads block SIGPIPE; that of a
 * nested runtime is the program's.
 */
static ssize_t sendfile_quietly(const struct worker *w, int to, int from, off_t *offset,
				size_t n)
{
	struct timespec zero = { .tv_sec = 0 };
	sigset_t set, old, pending;
	ssize_t ret;
	int err;

	if (w->has_thread)
		return sendfile(to, from, offset, n);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	ret = sendfile(to, from, offset, n);
	err = errno;
	if (ret < 0 && err == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&set, NULL, &zero);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = err;
	return ret;
}

/* Bytes from offset on, of up to a piece, that are in memory */
static size_t resident(const struct ep_sendfile *sf)
{
	struct iovec iov[PIECE / PAGE];
	size_t len = next_len(sf), n = 0;
	char scratch[PAGE];
	ssize_t ret;
	int i;

	/* that they can be copied is the only sign there is on every kernel */
	for (i = 0; n < len; i++) {
		iov[i].iov_base = scratch;
		iov[i].iov_len = len - n < PAGE ? len - n : PAGE;
		n += iov[i].iov_len;
	}
	ret = preadv2(sf->file->fd, iov, i, (off_t)sf->offset, RWF_NOWAIT);
	return ret < 0 ? 0 : (size_t)ret;
}

static int pages_send(const struct worker *w, struct source *src,
		      struct ep_sendfile *sf, size_t n)
{
	off_t at = (off_t)sf->offset;
	ssize_t ret;

	while (n) {
		ret = sendfile_quietly(w, src->ep.fd, sf->file->fd, &at, n);
		if (ret < 0)
			return no_room(errno);
		if (!ret)
			return -EIO;	/* it has become shorter */
		advance(sf, (size_t)ret);
		n -= (size_t)ret;
	}
	return 1;
}

int ep_sendfile_more(struct worker *w, struct source *src)
{
	struct ep_sendfile *sf = src->ep.sf;
	int ret = 1, i;
	size_t n;

	for (i = 0; sf->left && i < PIECES && ret > 0; i++) {
		n = sf->piece ? 0 : resident(sf);
		if (n)
			ret = pages_send(w, src, sf, n);
		else if (sf->piece)
			ret = piece_send(src, sf);
		else
			ret = piece_read(src, sf);
	}
	if (ret <= 0 || !sf->left)
		return ret;
	ep_kick(w, src, EPOLLOUT);
	return 0;
}

/* It is done, or nobody wants the rest; ep->lock is held */
void ep_sendfile_end(struct epoll_src *ep)
{
	struct ep_sendfile *sf = ep->sf;

	if (!sf)
		return;
	ep->sf = NULL;
	if (sf->piece && sf->piece->reading)
		sf->piece->orphan = true;
	else
		free(sf->piece);
	free(sf);
}

int ep_op_sendfile(struct worker *w, struct source *src, struct sedak_file *f,
		   uint64_t offset, size_t len)
{
	struct ep_sendfile *sf = calloc(1, sizeof(*sf));
	struct epoll_src *ep = &src->ep;
	int64_t res = -ENOMEM;

	counter_add(w->ops, 1);
	if (sf && file_size(f->fd) < offset + len) {
		res = -ENODATA;
		free(sf);
	} else if (sf) {
		sf->file = f;
		sf->offset = offset;
		sf->left = len;
		ep_lock(ep);
		ep->sf = sf;
		res = ep_sendfile_more(w, src);
		if (res)
			ep_sendfile_end(ep);
		ep_unlock(ep);
		if (res >= 0)
			res = res ? (int64_t)len : -EINPROGRESS;
	}
	conn_send_result(w, src_conn(src), res);
	return 0;
}
