/* SPDX-License-Identifier: GPL-2.0 */
/* Calls and ops on files for fault_calls.h, and what they need beforehand. */
#ifndef FAULT_FILES_H
#define FAULT_FILES_H

#include "tests/lib/fault_prepare.h"

/* All that is read and sent, in memory or not. */
#define FILE_LEN	(64 << 10)

/* --- what they need -------------------------------------------------------------- */

/* A file that cannot be read without waiting, as far as is known. */
static inline bool prepare_memfd(struct scene *s)
{
	s->fd = scene_keep_fd(s, memfd_create("fault", MFD_CLOEXEC));
	return s->fd >= 0 && !ftruncate(s->fd, FILE_LEN);
}

static inline bool prepare_disk(struct scene *s, bool slow, int flags)
{
	s->fd = scene_keep_fd(s, life_disk_open(slow, flags));
	return s->fd >= 0 &&
	       !app_file(scene_app(s), s->fd, s->l.r.stage, 0, 0, &s->file);
}

static inline bool prepare_file(struct scene *s)
{
	return prepare_memfd(s) &&
	       !app_file(scene_app(s), s->fd, s->l.r.stage, 0, 0, &s->file);
}

/* Its beginning is in memory. */
static inline bool prepare_hit(struct scene *s)
{
	static char text[FILE_LEN];

	return prepare_disk(s, false, O_RDWR) &&
	       pread(s->fd, text, FILE_LEN, 0) == FILE_LEN;
}

/* Nothing of it is. */
static inline bool prepare_miss(struct scene *s)
{
	return prepare_disk(s, true, O_RDONLY) &&
	       !posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static inline bool prepare_direct(struct scene *s)
{
	return prepare_disk(s, false, O_RDWR | O_DIRECT);
}

/* --- the calls -------------------------------------------------------------------- */

static inline int run_file(struct scene *s)
{
	uint64_t id;
	int ret = app_file(scene_app(s), s->fd, s->l.r.stage, 0, 0, &id);

	return scene_keep_id(s, ret, id);
}

static inline int run_op_take(struct scene *s)
{
	struct seda_op op = { .op = SEDA_OP_TAKE };

	return rig_op(&s->l.r, &op);
}

/* There are few: it goes back whatever fails then. */
static inline void give_back(struct scene *s, int buf)
{
	struct seda_op op = { .op = SEDA_OP_RETURN, .buf = buf };
	int ret;

	do
		ret = rig_op(&s->l.r, &op);
	while (ret == -EFAULT || ret == -ENOMEM);
}

/* Into or from one buffer, which the op keeps from there on. */
static inline int run_of_file(struct scene *s, uint8_t code, uint16_t flags)
{
	struct seda_seg seg[2] = { { .len = 200 }, { .skip = 200, .len = 312 } };
	int buf = run_op_take(s), ret;
	struct seda_op op = {
		.op = code, .source = s->file, .flags = flags, .user_data = 3,
		.len = 512, .buf = buf,
	};

	if (buf < 0)
		return buf;
	if (flags & SEDA_IO_VEC) {
		seg[0].buf = buf;
		seg[1].buf = buf;
		op.addr = (uintptr_t)seg;
		op.len = 2;
		op.buf = 0;
	}
	ret = rig_op(&s->l.r, &op);
	give_back(s, buf);
	return ret;
}

static inline int run_op_read(struct scene *s)
{
	return run_of_file(s, SEDA_OP_READ, 0);
}

static inline int run_op_read_vec(struct scene *s)
{
	return run_of_file(s, SEDA_OP_READ, SEDA_IO_VEC);
}

static inline int run_op_write(struct scene *s)
{
	return run_of_file(s, SEDA_OP_WRITE, 0);
}

static inline int run_op_write_vec(struct scene *s)
{
	return run_of_file(s, SEDA_OP_WRITE, SEDA_IO_VEC);
}

static inline int run_range(struct scene *s, uint8_t code)
{
	struct seda_op op = { .op = code, .source = s->file, .len = 4096 };

	return rig_op(&s->l.r, &op);
}

static inline int run_op_sync(struct scene *s)
{
	return run_range(s, SEDA_OP_SYNC);
}

static inline int run_op_advise(struct scene *s)
{
	return run_range(s, SEDA_OP_ADVISE);
}

static inline int run_op_resident(struct scene *s)
{
	return run_range(s, SEDA_OP_RESIDENT);
}

static inline int run_op_sendfile(struct scene *s)
{
	struct seda_op op = {
		.op = SEDA_OP_SENDFILE, .source = s->l.id, .file = s->file,
		.len = FILE_LEN, .user_data = 4,
	};

	return rig_op(&s->l.r, &op);
}

/* What waits, if it does, and what is on its way. */
static inline int run_op_cancel_file(struct scene *s)
{
	struct seda_op op = { .op = SEDA_OP_CANCEL, .source = s->file };
	int ret = run_range(s, SEDA_OP_SYNC);

	return ret < 0 && ret != -EINPROGRESS ? ret : rig_op(&s->l.r, &op);
}

#endif /* FAULT_FILES_H */
