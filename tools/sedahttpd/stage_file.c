// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file stage: the only one that blocks, in a pool of its own.  It finds out
 * what a path is, loads small files into the cache and reads large ones chunk by
 * chunk.  Regular files, directories and FIFOs are served; opening devices and
 * sockets could have effects, so they are looked at with O_PATH only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "body.h"
#include "listing.h"
#include "mime.h"
#include "path.h"
#include "stats.h"

/* A file that changed this recently may change again within one timestamp. */
#define SETTLE_NS	50000000LL

/* What a path turned out to be. */
struct target {
	char path[PATH_SIZE];		/* with the index, if that stands for it */
	struct stat st;
};

static int status_of(int err)
{
	switch (-err) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
		return 404;
	case EACCES:
	case EPERM:
	case EXDEV:
	case ELOOP:
		return 403;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return 503;
	default:
		return 500;
	}
}

/* Looks at @path without opening it for anything.  0 or -errno. */
static int look_at(const struct root *root, const char *path, struct stat *st)
{
	int fd = root_open(root, path, O_PATH);
	int err = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, st))
		err = -errno;
	close(fd);
	return err;
}

/* Fills @t for the exchange's path, or for the index below it.  0 or -errno. */
static int resolve(const struct exchange *x, struct target *t)
{
	const char *index = x->server->o.index;
	size_t n = x->path.n;
	struct stat st;
	int err;

	memcpy(t->path, x->path.p, n + 1);
	err = look_at(&x->server->root, t->path, &t->st);
	if (err || !S_ISDIR(t->st.st_mode) || t->path[n - 1] != '/' ||
	    n + strlen(index) >= PATH_SIZE)
		return err;
	strcpy(t->path + n, index);
	err = look_at(&x->server->root, t->path, &st);
	if (!err && !S_ISDIR(st.st_mode))
		t->st = st;
	else
		t->path[n] = '\0';
	/* An index that is there and must not be read hides the listing. */
	return err == -ENOENT || err == -ELOOP ? 0 : err;
}

static enum found fail(struct exchange *x, int status)
{
	x->status = status;
	return FOUND_STATUS;
}

static enum found list(struct exchange *x, const struct target *t)
{
	int fd, err;

	if (!x->server->o.listing)
		return fail(x, 403);
	fd = root_open(&x->server->root, t->path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fail(x, status_of(fd));
	err = listing_make(fd, x->path, &x->chunk, &x->chunk_len);
	return err ? fail(x, status_of(err)) : FOUND_TEXT;
}

static bool read_whole(int fd, char *data, off_t size)
{
	off_t done = 0;
	ssize_t n;

	while (done < size) {
		n = pread(fd, data + done, size - done, done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += n;
	}
	return true;
}

/* Whether a later look at the time stamps would tell a change from now on. */
static bool is_settled(const struct stat *st)
{
	struct timespec now;
	long long age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - st->st_mtim.tv_sec) * 1000000000LL +
	      now.tv_nsec - st->st_mtim.tv_nsec;
	return age > SETTLE_NS || age < -SETTLE_NS;
}

/* Reads a small file into a cache entry, again if it changes meanwhile. */
static enum found load(struct exchange *x, const struct target *t, int fd)
{
	struct stat before = t->st, after;
	struct cache_entry *entry;
	int tries = 0;
	char *data;

	for (;;) {
		entry = cache_entry_create(x->path, &before,
					   mime_type(t->path), &data);
		if (!entry)
			return fail(x, 503);
		if (read_whole(fd, data, before.st_size) &&
		    !fstat(fd, &after) && cache_entry_matches(entry, &after))
			break;
		cache_entry_put(entry);
		if (++tries == 3 || fstat(fd, &before) ||
		    (size_t)before.st_size >
		    cache_object_max(x->server->cache))
			return fail(x, 500);
	}
	if (is_settled(&after))
		cache_insert(x->server->cache, entry, stats_clock());
	x->entry = entry;
	return FOUND_ENTRY;
}

static void start_transfer(struct exchange *x)
{
	x->transfer = true;
	atomic_fetch_add(&x->server->transfers, 1);
}

static enum found open_regular(struct exchange *x, struct target *t)
{
	struct server *server = x->server;
	int fd = root_open(&server->root, t->path, O_RDONLY | O_NONBLOCK);
	enum found found;

	if (fd < 0)
		return fail(x, status_of(fd));
	if (fstat(fd, &t->st) || !S_ISREG(t->st.st_mode)) {
		close(fd);
		return fail(x, 500);
	}
	if (x->req.method == METHOD_GET &&
	    (size_t)t->st.st_size <= cache_object_max(server->cache)) {
		found = load(x, t, fd);
		close(fd);
		return found;
	}
	x->fd = fd;
	x->meta.size = t->st.st_size;
	x->meta.type = mime_type(t->path);
	validators_of(&t->st, &x->meta.validators);
	plan_make(&x->plan, &x->req, &x->meta,
		  atomic_fetch_add(&server->boundary, 1), time(NULL));
	if (x->req.method == METHOD_HEAD || !x->plan.parts)
		return FOUND_META;
	start_transfer(x);
	return FOUND_CHUNK;
}

/* Waits for a writer: for ever, unless the client leaves. */
static enum found open_fifo(struct exchange *x, const struct target *t)
{
	struct stat st;

	x->meta.endless = true;
	x->meta.type = mime_type(t->path);
	plan_make(&x->plan, &x->req, &x->meta, 0, 0);
	if (x->req.method == METHOD_HEAD)
		return FOUND_META;
	slow_enter(x);
	do
		x->fd = slow_cancelled(x) ? -ECANCELED :
			root_open(&x->server->root, t->path, O_RDONLY);
	while (x->fd == -EINTR);
	slow_leave(x);
	if (x->fd < 0)
		return fail(x, x->fd == -ECANCELED ? 503 : status_of(x->fd));
	if (fstat(x->fd, &st) || !S_ISFIFO(st.st_mode))
		return fail(x, 500);
	start_transfer(x);
	return FOUND_CHUNK;
}

static enum found read_chunk(struct exchange *x)
{
	int err;

	if (x->meta.endless)
		slow_enter(x);
	err = body_read(x);
	if (x->meta.endless)
		slow_leave(x);
	/* Once the head is sent an error can only be told by closing. */
	if (err && !x->head_sent)
		return fail(x, -err);
	return FOUND_CHUNK;
}

static enum found open_target(struct exchange *x, struct target *t)
{
	enum found found;

	stats_add(COUNT_FILES_READ, 1);
	if (S_ISDIR(t->st.st_mode))
		return x->path.p[x->path.n - 1] == '/' ? list(x, t) :
			FOUND_REDIRECT;
	if (S_ISREG(t->st.st_mode))
		found = open_regular(x, t);
	else if (S_ISFIFO(t->st.st_mode))
		found = open_fifo(x, t);
	else
		return fail(x, 403);
	return found == FOUND_CHUNK ? read_chunk(x) : found;
}

/*
 * Of many that miss the same file at the same time the first one loads it, and
 * those that waited in the queue find it here.
 */
static bool find_loaded(struct exchange *x)
{
	struct cache_entry *entry = cache_get(x->server->cache, x->path, false);

	if (!entry)
		return false;
	if (stats_clock() - atomic_load(&entry->checked_ns) >
	    CHECK_INTERVAL_NS) {
		cache_entry_put(entry);
		return false;
	}
	x->entry = entry;
	return true;
}

static enum found run(struct exchange *x)
{
	struct cache_entry *entry = x->entry;
	struct target t;
	bool same;
	int err;

	if (x->job == JOB_READ)
		return read_chunk(x);
	if (x->job == JOB_OPEN && find_loaded(x))
		return FOUND_ENTRY;
	err = resolve(x, &t);
	if (x->job == JOB_CHECK) {
		same = !err && S_ISREG(t.st.st_mode) &&
		       cache_entry_matches(entry, &t.st);
		if (same)
			atomic_store(&entry->checked_ns, stats_clock());
		else
			cache_remove(x->server->cache, entry);
		atomic_store(&entry->checking, false);
		if (same)
			return FOUND_ENTRY;
		cache_entry_put(entry);
		x->entry = NULL;
	}
	return err ? fail(x, status_of(err)) : open_target(x, &t);
}

void file_handler(struct sedak_stage *stage, struct sedak_event *events,
		  unsigned int n)
{
	struct server *server = sedak_stage_state(stage);
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct exchange *x = events[i].data;

		x->found = run(x);
		atomic_fetch_sub(&server->file_jobs, 1);
		/*
		 * The send stage has room for an exchange of every client, so
		 * this fails only when the server has stopped.
		 */
		if (sedak_stage_post(server->send, x)) {
			x->keep_alive = false;
			exchange_finish(x);
		}
	}
}
