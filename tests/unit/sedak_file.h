/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of libsedak's files share: files with a pattern, none of it in memory,
 * and jobs that a handler does, as only handlers may.
 */
#ifndef SEDAK_FILE_TEST_H
#define SEDAK_FILE_TEST_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "sedak_test.h"
#include "tests/lib/nullblk.h"

#define DISK_DIR	"/run/sedak-disk"

static inline char byte_at(uint64_t offset)
{
	return (char)(offset * 7 + offset / 251 + offset / 65536 * 13);
}

static inline bool bytes_are(const void *data, uint64_t offset, size_t n)
{
	const char *p = data;
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != byte_at(offset + i))
			return false;
	return true;
}

static inline void bytes_fill(void *data, uint64_t offset, size_t n)
{
	char *p = data;
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = byte_at(offset + i);
}

/*
 * Where files are on a disk, with a page cache that tells what it has: as root in a
 * guest one is made, which stays.  (What is an overlay or 9p there is neither.)
 */
static inline const char *file_dir(void)
{
	const char *dir = getenv("TMPDIR");
	const char *backend = getenv("SEDAK_BACKEND");
	struct disk d;
	char script[256];

	if (dir || !backend || strcmp(backend, "seda"))
		return dir ? dir : "/var/tmp";
	if (!access(DISK_DIR "/lost+found", F_OK))
		return DISK_DIR;
	if (geteuid() || !disk_make(&d, "sedak-disk", 100000))
		return "/dev/shm";
	snprintf(script, sizeof(script), "exec >/dev/null 2>&1; mkdir -p " DISK_DIR "\n"
		 "PATH=$PATH:/sbin:/usr/sbin; mkfs.ext4 -O ^has_journal %s &&\n"
		 "mount %s " DISK_DIR, d.path, d.path);
	return system(script) ? "/dev/shm" : DISK_DIR;
}

static inline bool file_is_cold(int fd)
{
	static unsigned char in[1 << 16];
	size_t size = (size_t)lseek(fd, 0, SEEK_END), i, n = (size + 4095) / 4096;
	void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	bool cold = at != MAP_FAILED && n <= sizeof(in) && !mincore(at, size, in);

	for (i = 0; i < n && cold; i++)
		cold = !(in[i] & 1);
	if (at != MAP_FAILED)
		munmap(at, size);
	return cold;
}

/* None of it is to be in memory; a page that is just used needs another attempt */
static inline void file_drop(int fd)
{
	int i;

	for (i = 0; i < 20 && !file_is_cold(fd); i++) {
		if (i)
			sleep_ms(1);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
}

/* A descriptor of a new file without a name; *again, if any, of the same one */
static inline int file_new(size_t size, int flags, int *again)
{
	char path[256], link[64];
	char *data = malloc(size + 1);
	int fd, other;

	snprintf(path, sizeof(path), "%s/sedak-file-XXXXXX", file_dir());
	fd = mkstemp(path);
	if (fd < 0 || unlink(path))
		abort();
	bytes_fill(data, 0, size);
	if (write(fd, data, size) != (ssize_t)size || fsync(fd))
		abort();
	free(data);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	file_drop(fd);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	other = open(link, flags | O_CLOEXEC);
	if (other < 0)
		abort();
	posix_fadvise(other, 0, 0, POSIX_FADV_RANDOM);
	if (again)
		*again = fd;
	else
		close(fd);
	return other;
}

/* Whether its file system tells what is in memory: else nothing is a hit */
static inline bool tells_hits(int fd)
{
	char byte;
	struct iovec iov = { &byte, 1 };

	return pread(fd, &byte, 1, 0) == 1 &&
	       preadv2(fd, &iov, 1, 0, RWF_NOWAIT) == 1;
}

/* What a handler is to do, and what came of it */
struct job {
	void (*fn)(struct job *job);
	struct box *box, *miss;	/* whose handler, and who is told of misses */
	struct sedak_file *file;
	struct sedak_conn *conn;
	uint64_t offset;
	size_t len;
	unsigned int flags;
	void *data;
	void *op;
	unsigned int n;
	int res;
	bool good;		/* the bytes are the file's */
	struct sedak_buf *buf;
};

static inline void act_job(struct box *box, struct sedak_event *ev)
{
	struct job *job = ev->data;

	(void)box;
	if (ev->type == SEDAK_EV_ITEM && job)
		job->fn(job);
}

/* In the stage's handler, now */
static inline void box_do(struct box *box, struct job *job, void (*fn)(struct job *))
{
	unsigned int n = box_count(box, SEDAK_EV_ITEM);

	job->fn = fn;
	if (sedak_stage_post(box->stage, job) ||
	    !box_wait(box, SEDAK_EV_ITEM, n + 1))
		abort();
}

static inline void do_read(struct job *job)
{
	job->res = sedak_file_read(job->file, job->offset, job->len, job->flags,
				   job->op, &job->buf);
	job->good = (job->res > 0) == !!job->buf;
	if (job->res <= 0)
		return;
	job->good &= sedak_buf_len(job->buf) == (size_t)job->res &&
		     bytes_are(sedak_buf_data(job->buf), job->offset,
			       (size_t)job->res);
	sedak_buf_put(job->buf);
}

/*
 * Reads what is not in memory: res.  (Asking epoll's way whether it is makes the
 * kernel fetch it, and a fast disk may have it before the answer.)
 */
static inline int read_cold(struct job *job, int fd)
{
	int i;

	for (i = 0; i < 50; i++) {
		file_drop(fd);
		box_do(job->box, job, do_read);
		if (job->res < 0)
			break;
	}
	return job->res;
}

static inline void do_write(struct job *job)
{
	job->res = sedak_file_write(job->file, job->offset, job->data, job->len,
				    job->op);
}

static inline void do_sync(struct job *job)
{
	job->res = sedak_file_sync(job->file, job->flags, job->op);
}

static inline void do_advise(struct job *job)
{
	job->res = sedak_file_advise(job->file, job->offset, job->len, job->flags,
				     job->op);
}

/* The stage for misses: their op is the offset, by which their bytes are checked */
static inline void act_check(struct box *box, struct sedak_event *ev)
{
	_Atomic unsigned int *bad = box->arg;

	act_job(box, ev);
	if (ev->type == SEDAK_EV_FILE &&
	    (ev->len ? (int)ev->len != ev->res ||
		       !bytes_are(ev->data, (uintptr_t)ev->op, ev->len) :
		       !!ev->data))
		atomic_fetch_add(bad, 1);
}

#endif /* SEDAK_FILE_TEST_H */
