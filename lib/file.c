// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * file.c - operations on files
 *
 * A read is tried first, by the caller: a hit leaves nothing behind.  What has to
 * wait becomes a struct file_op, which is the backend's until file_op_done(), and
 * then a message for the file, an actor like all sources, so that a worker of its
 * stage's pool tells the program.  The file ends with its last reference: the
 * program's, an operation's, or that of a chunk in a write queue (sendfile.c).
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

static void file_link(struct sedak_file *f)
{
	struct sedak_rt *rt = f->src.rt;

	atomic_fetch_add(&f->src.stage->sources, 1);
	pthread_mutex_lock(&rt->lock);
	f->all_next = rt->files;
	if (rt->files)
		rt->files->all_prev = f;
	rt->files = f;
	pthread_mutex_unlock(&rt->lock);
}

static void file_unlink(struct sedak_file *f)
{
	struct sedak_rt *rt = f->src.rt;

	pthread_mutex_lock(&rt->lock);
	if (f->all_prev)
		f->all_prev->all_next = f->all_next;
	else
		rt->files = f->all_next;
	if (f->all_next)
		f->all_next->all_prev = f->all_prev;
	pthread_mutex_unlock(&rt->lock);
	atomic_fetch_sub(&f->src.stage->sources, 1);
}

/* The last reference is gone */
void file_free(struct sedak_file *f)
{
	f->src.rt->be->file_close(f);
	file_unlink(f);
	close(f->fd);
	free(f);
}

/* Bytes of a regular file or a block device, now; 0 if it cannot be told */
uint64_t file_size(int fd)
{
	struct stat st;
	uint64_t size;

	if (fstat(fd, &st))
		return 0;
	if (S_ISBLK(st.st_mode))
		return ioctl(fd, BLKGETSIZE64, &size) ? 0 : size;
	return (uint64_t)st.st_size;
}

static int make(struct sedak_stage *stage, int fd, int mode, void *user,
		struct sedak_file **filep)
{
	struct sedak_file *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return -ENOMEM;
	src_init(&f->src, SRC_FILE, stage, user);
	f->fd = fd;
	f->readable = (mode & O_ACCMODE) != O_WRONLY;
	f->writable = (mode & O_ACCMODE) != O_RDONLY;
	f->direct = mode & O_DIRECT;
	ret = stage->rt->be->file_open(f);
	if (ret < 0) {
		free(f);
		return ret;
	}
	file_link(f);
	*filep = f;
	return 0;
}

int sedak_file_open(struct sedak_stage *stage, int fd, void *user,
		    struct sedak_file **filep)
{
	int ret, mode = fcntl(fd, F_GETFL);
	struct stat st;

	if (mode < 0 || fstat(fd, &st))
		return -errno;
	if (mode & O_PATH)
		return -EBADF;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return -EINVAL;
	if (!rt_make_begin(stage->rt))
		return -ESHUTDOWN;
	ret = make(stage, fd, mode, user, filep);
	rt_make_end(stage->rt);
	return ret;
}

void sedak_file_close(struct sedak_file *f)
{
	if (f && !(atomic_fetch_or(&f->src.word, S_CLOSING) & S_CLOSING))
		src_put(&f->src);
}

/* --------------------------------------------------------------- operations */

static void op_link(struct file_op *op)
{
	struct sedak_rt *rt = op->file->src.rt;

	pthread_mutex_lock(&rt->lock);
	op->all_prev = NULL;
	op->all_next = rt->file_ops;
	if (rt->file_ops)
		rt->file_ops->all_prev = op;
	rt->file_ops = op;
	pthread_mutex_unlock(&rt->lock);
}

/* It is over, but for its buffer, which the caller has */
static void op_free(struct file_op *op)
{
	struct sedak_file *f = op->file;
	struct sedak_rt *rt = f->src.rt;

	pthread_mutex_lock(&rt->lock);
	if (op->all_prev)
		op->all_prev->all_next = op->all_next;
	else
		rt->file_ops = op->all_next;
	if (op->all_next)
		op->all_next->all_prev = op->all_prev;
	pthread_mutex_unlock(&rt->lock);
	atomic_fetch_sub(&f->src.stage->file_ops, 1);
	free(op);
	src_put(&f->src);
}

/* A place in the stage's capacity */
static bool admit(struct sedak_stage *stage)
{
	if (atomic_fetch_add(&stage->file_ops, 1) < stage->capacity)
		return true;
	atomic_fetch_sub(&stage->file_ops, 1);
	atomic_fetch_add_explicit(&stage->file_busy, 1, memory_order_relaxed);
	return false;
}

static int start(struct worker *w, const struct file_op *tried)
{
	struct sedak_stage *stage = tried->file->src.stage;
	struct file_op *op;
	int res;

	if (!admit(stage))
		return -EBUSY;
	op = malloc(sizeof(*op));
	if (!op) {
		atomic_fetch_sub(&stage->file_ops, 1);
		return -ENOMEM;
	}
	*op = *tried;
	src_get(&op->file->src);
	op_link(op);
	res = w->be->file_do(w, op, false);
	if (res == -EINPROGRESS)	/* others' now, and maybe gone */
		atomic_fetch_add_explicit(&stage->file_misses, 1,
					  memory_order_relaxed);
	else
		op_free(op);
	return res;
}

static int check(const struct sedak_file *f, const struct worker *w)
{
	if (!w)
		return -EPERM;
	return load_relaxed(&f->src.word) & S_CLOSING ? -ESTALE : 0;
}

static bool in_range(uint64_t offset, size_t len, size_t most)
{
	return len <= most && offset <= INT64_MAX - len;
}

int sedak_file_read(struct sedak_file *f, uint64_t offset, size_t len,
		    unsigned int flags, void *user, struct sedak_buf **bufp)
{
	struct file_op op = { .req.code = IO_READ, .req.fd = f->fd, .file = f,
			      .user = user };
	struct worker *w = worker_of(f->src.rt);
	int res = check(f, w);

	*bufp = NULL;
	if (res < 0)
		return res;
	if (!f->readable)
		return -EBADF;
	if ((flags & ~SEDAK_FILE_NOWAIT) || !in_range(offset, len, w->rt->buf_size))
		return -EINVAL;
	op.buf = buf_take(w);
	if (!op.buf)
		return -ENOBUFS;
	op.req.data = op.buf->data;
	op.req.len = (uint32_t)len;
	op.req.offset = offset;
	res = f->direct ? -EAGAIN : w->be->file_do(w, &op, true);
	if (res >= 0)
		atomic_fetch_add_explicit(&f->src.stage->file_hits, 1,
					  memory_order_relaxed);
	else if (res == -EAGAIN && !(flags & SEDAK_FILE_NOWAIT))
		res = start(w, &op);
	if (res > 0) {
		op.buf->len = (uint32_t)res;
		*bufp = op.buf;
	} else if (res != -EINPROGRESS) {
		buf_drop(w, op.buf);
	}
	return res;
}

int sedak_file_write(struct sedak_file *f, uint64_t offset, const void *data,
		     size_t len, void *user)
{
	struct file_op op = { .req.code = IO_WRITE, .req.fd = f->fd, .file = f,
			      .user = user };
	struct worker *w = worker_of(f->src.rt);
	int res = check(f, w);

	if (res < 0)
		return res;
	if (!f->writable)
		return -EBADF;
	if (!in_range(offset, len, w->rt->buf_size))
		return -EINVAL;
	op.buf = buf_take(w);
	if (!op.buf)
		return -ENOBUFS;
	if (len)
		memcpy(op.buf->data, data, len);
	op.req.data = op.buf->data;
	op.req.len = (uint32_t)len;
	op.req.offset = offset;
	res = start(w, &op);
	if (res != -EINPROGRESS)
		buf_drop(w, op.buf);
	return res;
}

int sedak_file_sync(struct sedak_file *f, unsigned int flags, void *user)
{
	struct file_op op = { .req.code = IO_SYNC, .req.fd = f->fd, .file = f,
			      .req.flags = (uint8_t)flags, .user = user };
	struct worker *w = worker_of(f->src.rt);
	int res = check(f, w);

	if (res < 0)
		return res;
	return flags & ~SEDAK_FILE_DATA ? -EINVAL : start(w, &op);
}

int sedak_file_advise(struct sedak_file *f, uint64_t offset, size_t len,
		      unsigned int flags, void *user)
{
	struct file_op op = { .req.code = IO_ADVISE, .req.fd = f->fd, .file = f,
			      .req.flags = (uint8_t)flags, .user = user };
	struct worker *w = worker_of(f->src.rt);
	int res = check(f, w);

	if (res < 0)
		return res;
	if ((flags & ~SEDAK_FILE_DROP) || !in_range(offset, len, MAX_SEND))
		return -EINVAL;
	op.req.len = (uint32_t)len;
	op.req.offset = offset;
	return start(w, &op);
}

/* ------------------------------------------------------------------- the end */

/* By any worker, or any thread of the backend's */
void file_op_done(struct file_op *op, int32_t res)
{
	struct sedak_file *f = op->file;
	struct file_op *head = load_relaxed(&f->done);

	op->req.res = res;
	/* it may be told, and be gone with the file, as soon as it is there */
	src_get(&f->src);
	do {
		op->next = head;
	} while (!atomic_compare_exchange_weak(&f->done, &head, op));
	src_raise(&f->src, P_ITEM);
	src_put(&f->src);
}

static void tell(struct worker *w, struct file_op *op)
{
	struct sedak_buf *b = op->buf;
	int32_t res = op->req.res;
	struct sedak_event *ev;

	ev = batch_add(w, op->file->src.stage);
	ev->type = SEDAK_EV_FILE;
	ev->file = op->file;
	ev->user = load_relaxed(&op->file->src.user);
	ev->op = op->user;
	ev->res = res;
	if (!b)
		return;
	if (op->req.code == IO_READ && res > 0) {
		b->len = (uint32_t)res;
		ev->data = b->data;
		ev->len = b->len;
		ev->priv = b;
	}
	/* dropped when the batch is settled */
	b->next = w->kept;
	w->kept = b;
}

/* The caller owns the file, with a reference until it lets go */
void file_service(struct worker *w, struct sedak_file *f)
{
	struct file_op *op, *next, *list = NULL;

	op = atomic_exchange_explicit(&f->done, NULL, memory_order_acquire);
	for (; op; op = next) {
		next = op->next;
		op->next = list;
		list = op;
	}
	for (op = list; op; op = next) {
		next = op->next;
		tell(w, op);
		op_free(op);
	}
}

/* At the stop, when no worker and no connection is left */
void file_ops_drop(struct sedak_rt *rt)
{
	struct file_op *op;

	while ((op = rt->file_ops)) {
		if (op->buf)
			buf_drop(NULL, op->buf);
		op_free(op);
	}
}
