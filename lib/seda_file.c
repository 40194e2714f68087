// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * seda_file.c - /dev/seda: operations on files
 *
 * An operation is submitted at once, by itself, so that its caller is told of a hit.
 * A file's source has no user_data: a DONE event names its operation, and CLOSED,
 * which comes when the library has forgotten the file, nothing.
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "file.h"
#include "seda.h"

int sd_file_open(struct sedak_file *f)
{
	struct seda_file_args a = {
		.size = sizeof(a),
		.fd = f->fd,
		.stage = f->src.stage->id,
	};
	int ret = sd_ioctl(f->src.rt, SEDA_IOC_FILE, &a);

	store_relaxed(&f->src.sd.id, a.source);
	return ret;
}

void sd_file_close(struct sedak_file *f)
{
	struct seda_id_args a = { .size = sizeof(a),
				  .id = load_relaxed(&f->src.sd.id) };

	sd_ioctl(f->src.rt, SEDA_IOC_CLOSE, &a);
}

/* Runs ops[0..n-1], at most 2, now; those that wait in the array stay */
static int submit(struct worker *w, struct seda_op *ops, unsigned int n)
{
	struct sd_worker *s = w->be_data;
	struct seda_enter_args a = {
		.size = sizeof(a),
		.flags = SEDA_ENTER_SUBMIT,
		.worker = s->id,
		.nr_ops = n,
	};
	struct seda_op waiting[2];
	int ret;

	memcpy(waiting, s->ops, sizeof(waiting));
	memcpy(s->ops, ops, n * sizeof(*ops));
	ret = sd_ioctl(w->rt, SEDA_IOC_ENTER, &a);
	memcpy(ops, s->ops, n * sizeof(*ops));
	memcpy(s->ops, waiting, sizeof(waiting));
	counter_add(w->ops, n);
	return ret;
}

static struct sedak_buf *taken(struct worker *w, const struct seda_op *op)
{
	struct sedak_buf *b;

	if (op->res < 0)
		return NULL;
	b = &w->rt->bufs[op->res];
	b->keeper = w;
	b->kept_at = SD_TAKEN;
	return b;
}

void sd_spare_put(struct sd_worker *s, struct sedak_buf *b)
{
	b->next = s->spare;
	s->spare = b;
	s->nr_spare++;
}

struct sedak_buf *sd_buf_take(struct worker *w)
{
	struct sd_worker *s = w->be_data;
	struct seda_op op = { .op = SEDA_OP_TAKE };
	struct sedak_buf *b = s->spare;

	if (!b)
		return submit(w, &op, 1) < 0 ? NULL : taken(w, &op);
	s->spare = b->next;
	s->nr_spare--;
	return b;
}

static void to_op(const struct file_op *from, bool nowait, struct seda_op *to)
{
	static const uint8_t codes[] = {
		[IO_READ] = SEDA_OP_READ, [IO_WRITE] = SEDA_OP_WRITE,
		[IO_SYNC] = SEDA_OP_SYNC, [IO_ADVISE] = SEDA_OP_ADVISE,
	};

	to->op = codes[from->req.code];
	to->source = load_relaxed(&from->file->src.sd.id);
	to->user_data = (uint64_t)(uintptr_t)from;
	to->len = from->req.len;
	to->offset = from->req.offset;
	if (from->buf)
		to->buf = (uint32_t)from->buf->index;
	if (nowait)
		to->flags = SEDA_IO_NOWAIT;
	else if (from->req.flags & SEDAK_FILE_DATA)
		to->flags = SEDA_SYNC_DATA;
	else if (from->req.flags & SEDAK_FILE_DROP)
		to->flags = SEDA_ADVISE_DROP;
}

/* With a read goes a TAKE for the next one if it needs one: a hit is one system call */
int sd_file_do(struct worker *w, struct file_op *op, bool nowait)
{
	struct sd_worker *s = w->be_data;
	bool takes = op->req.code == IO_READ && !s->spare;
	struct seda_op ops[2] = { { .op = 0 }, { .op = SEDA_OP_TAKE } };
	struct sedak_buf *b;
	int ret;

	to_op(op, nowait, &ops[0]);
	ret = submit(w, ops, takes ? 2 : 1);
	if (ret < 0)
		return ret;
	b = takes ? taken(w, &ops[1]) : NULL;
	if (b)
		sd_spare_put(s, b);
	return ops[0].res;
}

int sd_op_sendfile(struct worker *w, struct source *src, struct sedak_file *f,
		   uint64_t offset, size_t len)
{
	struct sd_worker *s = w->be_data;
	struct seda_op *op = sd_next_op(w, SEDA_OP_SENDFILE, src);

	if (!op)
		return -EAGAIN;
	op->user_data = (uint64_t)(uintptr_t)src_conn(src);
	op->len = (uint32_t)len;
	op->offset = offset;
	op->file = load_relaxed(&f->src.sd.id);
	s->nr_sends++;
	src_conn(src)->blind = false;
	s->must_see = true;
	return 0;
}
