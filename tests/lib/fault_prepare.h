/* SPDX-License-Identifier: GPL-2.0 */
/* An app at a stage of an event's life, and what calls on it need beforehand. */
#ifndef FAULT_PREPARE_H
#define FAULT_PREPARE_H

#include <dirent.h>

#include "tests/lib/fault.h"

#define SCENE_FDS	24
#define SCENE_IDS	16

/* An app, what calls need, and what they made. */
struct scene {
	struct life l;
	int fd;			/* what prepare() made for run() */
	int port;
	int64_t accepted;	/* the connection's id, if there is one */
	uint64_t file;		/* the source of fd, if that is a file's */
	int fds[SCENE_FDS];	/* to be closed, the oldest first */
	unsigned int nr_fds;
	uint64_t ids[SCENE_IDS];	/* sources that calls made */
	unsigned int nr_ids;
	uint64_t pool, stage;	/* made by calls; 0: none */
	bool told;		/* a call that failed told an id */
};

/* What a call that makes something returned; the id of that, or 0. */
static inline uint64_t scene_made(struct scene *s, int ret, uint64_t id)
{
	s->told |= ret && id;
	return ret ? 0 : id;
}

static inline int scene_keep_fd(struct scene *s, int fd)
{
	int *place = &s->fds[s->nr_fds++ % SCENE_FDS];

	if (s->nr_fds > SCENE_FDS)
		close(*place);
	*place = fd;
	return fd;
}

static inline int scene_keep_id(struct scene *s, int ret, uint64_t id)
{
	id = scene_made(s, ret, id);
	if (id)
		s->ids[s->nr_ids++ % SCENE_IDS] = id;
	return ret;
}

static inline struct app *scene_app(struct scene *s)
{
	return &s->l.r.app;
}

/* --- what a call needs before anything fails; false: not to be had ----------- */

static inline bool prepare_tcp(struct scene *s)
{
	int fd[2];

	if (tcp_pair(fd))
		return false;
	s->fd = scene_keep_fd(s, fd[0]);
	scene_keep_fd(s, fd[1]);
	return true;
}

static inline bool prepare_udp(struct scene *s)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	s->fd = scene_keep_fd(s, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	return s->fd >= 0 &&
	       !bind(s->fd, (struct sockaddr *)&sin, sizeof(sin));
}

/* Its own peer. */
static inline bool prepare_udp_peer(struct scene *s)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	return prepare_udp(s) &&
	       !getsockname(s->fd, (struct sockaddr *)&sin, &len) &&
	       !connect(s->fd, (struct sockaddr *)&sin, len);
}

static inline bool prepare_listen(struct scene *s)
{
	uint16_t port = 0;

	s->fd = scene_keep_fd(s, tcp_listen(&port));
	s->port = port;
	return s->fd >= 0;
}

static inline bool prepare_pipe(struct scene *s)
{
	int fd[2];

	if (pipe(fd))
		return false;
	s->fd = scene_keep_fd(s, fd[0]);
	scene_keep_fd(s, fd[1]);
	return true;
}

/* After the descriptor by which failures are asked for, a larger table is needed. */
static inline bool fill_table(void)
{
	int fd;

	do
		fd = dup(0);
	while (fd >= 0 && fd < 62);
	if (fd > 62)
		close(fd);
	return fd >= 0;
}

static inline bool prepare_unix(struct scene *s)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return false;
	s->fd = scene_keep_fd(s, fd[0]);
	scene_keep_fd(s, fd[1]);
	return true;
}

static inline int run_pool_create(struct scene *s)
{
	struct seda_pool_args a = { .size = sizeof(a) };
	int ret = app_call(scene_app(s), SEDA_IOC_POOL_CREATE, &a);

	s->pool = scene_made(s, ret, a.pool);
	return ret;
}

static inline int run_pool_destroy(struct scene *s)
{
	int ret = app_id_call(scene_app(s), SEDA_IOC_POOL_DESTROY, s->pool, 0);

	if (!ret)
		s->pool = 0;
	return ret;
}

static inline int run_stage_create(struct scene *s)
{
	struct seda_stage_args a = { .posts = 4, .name = "fault" };
	uint64_t id;
	int ret = app_stage(scene_app(s), &a, &id);

	s->stage = scene_made(s, ret, id);
	return ret;
}

static inline int run_stage_destroy(struct scene *s)
{
	int ret = app_id_call(scene_app(s), SEDA_IOC_STAGE_DESTROY, s->stage,
			      0);

	if (!ret)
		s->stage = 0;
	return ret;
}

static inline bool prepare_pool(struct scene *s)
{
	return s->pool || !run_pool_create(s);
}

static inline bool prepare_no_pool(struct scene *s)
{
	return !s->pool || !run_pool_destroy(s);
}

static inline bool prepare_stage(struct scene *s)
{
	return s->stage || !run_stage_create(s);
}

static inline bool prepare_no_stage(struct scene *s)
{
	return !s->stage || !run_stage_destroy(s);
}

/* Not a worker yet. */
static inline bool prepare_leave(struct scene *s)
{
	int ret = worker_leave(&s->l.r.w);

	return !ret || ret == -ESRCH;
}

/* Opened before: the kernel's own part of opening is not what is tried. */
static inline bool prepare_fdinfo(struct scene *s)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", scene_app(s)->fd);
	s->fd = scene_keep_fd(s, open(path, O_RDONLY | O_CLOEXEC));
	return s->fd >= 0;
}

static inline int open_debugfs(const char *file)
{
	char path[300], prefix[32];
	int fd = -ENOENT;
	struct dirent *e;
	DIR *d;

	snprintf(prefix, sizeof(prefix), "%d-", getpid());
	d = opendir("/sys/kernel/debug/seda");
	if (!d)
		return -errno;
	while (fd == -ENOENT && (e = readdir(d))) {
		if (strncmp(e->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/debug/seda/%s/%s",
			 e->d_name, file);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	closedir(d);
	return fd;
}

static inline bool prepare_debugfs(struct scene *s, const char *file)
{
	int fd = open_debugfs(file);

	if (fd < 0)
		return false;
	s->fd = scene_keep_fd(s, fd);
	return true;
}

static inline bool prepare_state(struct scene *s)
{
	return prepare_debugfs(s, "state");
}

static inline bool prepare_sources(struct scene *s)
{
	return prepare_debugfs(s, "sources");
}

static inline bool prepare_epoll(struct scene *s)
{
	s->fd = scene_keep_fd(s, epoll_create1(EPOLL_CLOEXEC));
	return s->fd >= 0;
}

/* So that little fills it. */
static inline bool prepare_small(struct scene *s)
{
	if (s->l.own >= 0)
		small_buffers(s->l.own);
	if (s->l.peer >= 0)
		small_buffers(s->l.peer);
	return true;
}

/* Its descriptor is all that keeps the app. */
static inline bool prepare_unmapped(struct scene *s)
{
	struct app *app = scene_app(s);

	if (munmap((void *)app->counters, app->setup.counters_size) ||
	    munmap(app->arena, app->setup.arena_size))
		return false;
	app->counters = NULL;
	app->arena = NULL;
	return true;
}

#endif /* FAULT_PREPARE_H */
