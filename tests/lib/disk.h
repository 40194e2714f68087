/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk in memory (null_blk), as slow as is wanted, for tests as root in a guest,
 * and its file as a source.
 */
#ifndef DISK_H
#define DISK_H

#include "tests/lib/nullblk.h"
#include "tests/lib/pattern.h"
#include "tests/lib/seda_app.h"

static inline bool disk_run(const char *command, const char *name)
{
	char line[256];

	snprintf(line, sizeof(line), command, name);
	return !system(line);
}

/*
 * Another name for the disk, which disk_stick() can make one that never answers: it
 * takes what is asked of it, and does nothing until disk_unstick().
 */
static inline bool disk_cover(struct disk *d)
{
	char script[512];

	snprintf(script, sizeof(script),
		 "exec 2>/dev/null; PATH=$PATH:/sbin:/usr/sbin; modprobe dm-mod\n"
		 "dmsetup create --noudevsync %s --table \"0 $(blockdev --getsz %s) "
		 "linear %s 0\" && echo /dev/$(dmsetup info -c --noheadings "
		 "-o blkdevname %s)", d->name, d->path, d->path, d->name);
	return disk_script(d, script);
}

static inline bool disk_stick(const struct disk *d)
{
	return disk_run("PATH=$PATH:/sbin:/usr/sbin "
			"dmsetup suspend --noudevsync --nolockfs %s", d->name);
}

static inline bool disk_unstick(const struct disk *d)
{
	return disk_run("PATH=$PATH:/sbin:/usr/sbin "
			"dmsetup resume --noudevsync %s", d->name);
}

static inline bool disk_uncover(const struct disk *d)
{
	return disk_run("PATH=$PATH:/sbin:/usr/sbin "
			"dmsetup remove --noudevsync %s", d->name);
}

/* All of it is pattern() of the offset, and none is in memory; a descriptor. */
static inline int disk_fill(const struct disk *d, int flags)
{
	static unsigned char block[1 << 16];
	int fd = open(d->path, O_RDWR | O_CLOEXEC);
	uint64_t at;

	for (at = 0; at < DISK_MB << 20; at += sizeof(block)) {
		pattern_fill(block, at, sizeof(block));
		if (pwrite(fd, block, sizeof(block), at) != sizeof(block))
			return -1;
	}
	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		return -1;
	/* no look-ahead: what is in memory is what was asked for */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	if (!(flags & (O_DIRECT | O_APPEND)) && (flags & O_ACCMODE) == O_RDWR)
		return fd;
	close(fd);
	fd = open(d->path, flags | O_CLOEXEC);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	return fd;
}

static inline int app_file(struct app *app, int fd, uint64_t stage,
			   uint64_t miss, uint64_t user_data, uint64_t *source)
{
	struct seda_file_args a = {
		.size = sizeof(a), .fd = fd, .stage = stage,
		.miss_stage = miss, .user_data = user_data,
	};
	int ret = app_call(app, SEDA_IOC_FILE, &a);

	if (source)
		*source = a.source;
	return ret;
}

/* Runs the n ops that are queued, and nothing else. */
static inline int worker_submit(struct worker *w)
{
	struct seda_enter_args a = {
		.size = sizeof(a), .flags = SEDA_ENTER_SUBMIT,
		.worker = w->id, .nr_ops = w->nr_ops,
	};

	w->nr_ops = 0;
	return app_call(w->app, SEDA_IOC_ENTER, &a);
}

/* One op by itself; its result. */
static inline int worker_do(struct worker *w, const struct seda_op *op)
{
	int ret;

	w->ops[0] = *op;
	w->nr_ops = 1;
	ret = worker_submit(w);
	return ret ?: w->ops[0].res;
}

/* An op of a file on len bytes of buffer buf. */
static inline struct seda_op file_op(uint8_t code, uint64_t source,
				     uint64_t offset, uint32_t buf, uint32_t len,
				     uint64_t user_data)
{
	struct seda_op op = {
		.op = code, .source = source, .user_data = user_data,
		.len = len, .buf = buf, .offset = offset,
	};

	return op;
}

/* A buffer of the application's. */
static inline int worker_take(struct worker *w)
{
	struct seda_op op = { .op = SEDA_OP_TAKE };

	return worker_do(w, &op);
}

#endif /* DISK_H */
