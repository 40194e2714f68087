// SPDX-License-Identifier: GPL-2.0
/* Access matrix: nobody unauthorised succeeds, whatever it tries. */
#include <kselftest_harness.h>

#include <glob.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "tests/lib/seda_rig.h"

#define GROUP		4747		/* the device's, as by the udev rule */
#define MEMBER		65531		/* of that group */
#define STRANGER	65532
#define PARAM		"/sys/module/seda/parameters/"
#define PRIVILEGED	80		/* a port that needs a capability */

#define MUST(x) do {							\
	if (!(x))							\
		_exit(__LINE__ % 255 + 1);				\
} while (0)

/* How one comes by a descriptor. */
enum way {
	OPENS,		/* as it is */
	KEEPS,		/* opened while it was still root */
	GIVEN,		/* root's, of an app that root has set up */
};

/* Somebody's app, with what others could want of it. */
struct victim {
	struct rig r;
	pid_t pid;
	int own, peer;
	uint64_t id, posts;
	char debugfs[128];
};

struct actor {
	struct victim *victim;
	struct app app;		/* a descriptor, and a set-up app behind it */
	uint64_t stage;
	int fresh;		/* a descriptor that nobody has set up */
};

static int result(int ret)
{
	return ret < 0 ? -errno : 0;
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	int ret = result(fd);

	if (fd >= 0)
		close(fd);
	return ret;
}

static int try_open(struct actor *a)
{
	return opened("/dev/seda", O_RDWR);
}

static int try_open_to_read(struct actor *a)
{
	return opened("/dev/seda", O_RDONLY);
}

/* A device node of one's own, with the permissions one likes. */
static int try_mknod(struct actor *a)
{
	char path[64];
	struct stat st;
	int ret;

	MUST(!stat("/dev/seda", &st));
	snprintf(path, sizeof(path), "/dev/shm/seda-%d", getpid());
	ret = result(mknod(path, S_IFCHR | 0666, st.st_rdev));
	unlink(path);
	return ret;
}

static int try_info(struct actor *a)
{
	struct seda_info_args args = { .size = sizeof(args) };

	return app_call(&a->app, SEDA_IOC_INFO, &args);
}

/* Memory beyond RLIMIT_MEMLOCK, which root may have. */
static int try_much_memory(struct actor *a)
{
	struct seda_setup_args args = { .size = sizeof(args) };
	struct rlimit lim = { 1 << 16, 1 << 16 };
	struct app fresh = { .fd = a->fresh };

	MUST(!setrlimit(RLIMIT_MEMLOCK, &lim));
	return app_call(&fresh, SEDA_IOC_SETUP, &args);
}

/* All calls that need SETUP; 0: none is refused to this caller as such. */
static int try_calls(struct actor *a)
{
	static uint64_t args[64];
	int ret, all = 1;
	unsigned int nr;

	for (nr = 2; nr <= _IOC_NR(SEDA_IOC_FILE); nr++) {
		memset(args, 0, sizeof(args));
		args[0] = 256;
		/* as a descriptor, or as padding: EBADF or EINVAL behind it */
		args[1] = ~0ULL;
		ret = app_call(&a->app, SEDA_IOC_NR(nr), args);
		ret = ret == -EPERM || ret == -EBADF || ret == -EBADFD ? ret : 0;
		/* LISTEN, ADOPT, WATCH, FILE look at the descriptor in args */
		if (ret == -EBADF && a->app.fd >= 0)
			ret = 0;
		if (all > 0)
			all = ret;
		MUST(all == ret);
	}
	return all;
}

static int mapped(struct app *app, int prot, uint64_t offset)
{
	void *map = mmap(NULL, 4096, prot, MAP_SHARED, app->fd, offset);

	if (map == MAP_FAILED)
		return -errno;
	munmap(map, 4096);
	return 0;
}

static int try_map_counters(struct actor *a)
{
	return mapped(&a->app, PROT_READ, SEDA_MMAP_COUNTERS);
}

static int try_write_counters(struct actor *a)
{
	return mapped(&a->app, PROT_READ | PROT_WRITE, SEDA_MMAP_COUNTERS);
}

static int try_map_arena(struct actor *a)
{
	return mapped(&a->app, PROT_READ | PROT_WRITE, SEDA_MMAP_ARENA);
}

static int try_watch(struct actor *a)
{
	uint64_t id;
	int fd[2];

	MUST(!pipe(fd));
	return app_watch(&a->app, fd[0], a->stage, POLLIN, 0, &id);
}

static int try_adopt(struct actor *a)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	return app_adopt(&a->app, fd, a->stage, 0, 0, NULL);
}

static int try_listen(struct actor *a)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	MUST(fd >= 0 && !listen(fd, 1));
	return app_listen(&a->app, fd, a->stage, a->stage, NULL);
}

/* From a port that connect(2) would not give everybody. */
static int try_privileged_port(struct actor *a)
{
	struct seda_connect_args args = {
		.size = sizeof(args), .stage = a->stage,
		.peer = addr_v4(1),
		.local = { .family = AF_INET, .port = htons(PRIVILEGED) },
	};
	int ret = app_call(&a->app, SEDA_IOC_CONNECT, &args);

	/* nobody listens there, and a namespace of one's own has no way there */
	return ret == -ECONNREFUSED || ret == -ENETUNREACH ? 0 : ret;
}

/* What an app can do with the ids of another; the first that is not ESTALE. */
static int try_ids_of_another(struct actor *a)
{
	struct seda_source_info_args info;
	struct victim *v = a->victim;
	struct worker w = { 0 };
	unsigned int op;
	int ret[4];

	ret[0] = app_id_call(&a->app, SEDA_IOC_CLOSE, v->id, SEDA_CLOSE_ABORT);
	ret[1] = app_post(&a->app, v->posts, 1, 1);
	ret[2] = app_source_info(&a->app, v->id, &info);
	ret[3] = app_to_fd(&a->app, v->id, 0);
	for (op = 0; op < 4; op++)
		if (ret[op] != -ESTALE)
			return ret[op];
	MUST(!worker_join(&a->app, &w));
	for (op = SEDA_OP_SEND; op < SEDA_OP_LAST; op++) {
		struct seda_op o = { .op = op };

		o.source = op == SEDA_OP_POST ? v->posts : v->id;
		if (op == SEDA_OP_RETURN || op == SEDA_OP_TAKE)
			continue;
		ret[0] = worker_run(&w, &o);
		if (ret[0] != -ESTALE)
			return ret[0];
	}
	MUST(!worker_leave(&w));
	return -ESTALE;
}

/* The victim's descriptor, taken out of its process. */
static int try_steal(struct actor *a)
{
	struct app app = { .fd = -1 };
	int pid = syscall(SYS_pidfd_open, a->victim->pid, 0);

	MUST(pid >= 0);
	app.fd = syscall(SYS_pidfd_getfd, pid, a->victim->r.app.fd, 0);
	if (app.fd < 0)
		return -errno;
	return app_post(&app, a->victim->posts, 1, 1);
}

static int try_fdinfo(struct actor *a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", a->victim->pid,
		 a->victim->r.app.fd);
	return opened(path, O_RDONLY);
}

static int try_debugfs(struct actor *a)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/sources", a->victim->debugfs);
	return opened(path, O_RDONLY);
}

static int try_limits(struct actor *a)
{
	return opened(PARAM "user_sources", O_WRONLY);
}

static int try_hooks(struct actor *a)
{
	return opened(PARAM "hooks", O_WRONLY);
}

/* In this order: what takes rights away comes last. */
#define COLUMNS(X)							\
	X(open) X(open_to_read) X(mknod) X(info) X(calls)		\
	X(map_counters) X(write_counters) X(map_arena) X(watch) X(adopt)\
	X(listen) X(privileged_port) X(ids_of_another) X(steal)		\
	X(fdinfo) X(debugfs) X(limits) X(hooks) X(much_memory)

#define COLUMN_ENUM(name)	C_##name,
#define COLUMN_NAME(name)	#name,
#define COLUMN_TRY(name)	try_##name,

enum { COLUMNS(COLUMN_ENUM) NR_COLUMNS };
static const char *const column_names[] = { COLUMNS(COLUMN_NAME) };
static int (*const column_try[])(struct actor *a) = { COLUMNS(COLUMN_TRY) };

/* The whole process, for good. */
static void become_user(uid_t uid, gid_t gid)
{
	MUST(!setgroups(0, NULL) && !setgid(gid) && !setuid(uid));
	/* /proc/self stays its own */
	MUST(!prctl(PR_SET_DUMPABLE, 1));
}

static void become_nobody_else(void)
{
}

static void become_member(void)
{
	become_user(MEMBER, GROUP);
}

static void become_stranger(void)
{
	become_user(STRANGER, STRANGER);
}

/* This thread alone: the address space is shared with one that is root. */
static void become_thread(void)
{
	MUST(!syscall(SYS_setgroups, 0, NULL));
	MUST(!syscall(SYS_setresgid, STRANGER, STRANGER, STRANGER));
	MUST(!syscall(SYS_setresuid, STRANGER, STRANGER, STRANGER));
}

static void map_id(const char *path, unsigned int id)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[32];
	int n;

	n = snprintf(text, sizeof(text), "0 %u 1", id);
	MUST(fd >= 0 && write(fd, text, n) == n);
	close(fd);
}

/* Root, with all capabilities, but of a namespace of its own. */
static void become_root_inside(uid_t uid, gid_t gid, int flags)
{
	int fd;

	become_user(uid, gid);
	MUST(!unshare(CLONE_NEWUSER | flags));
	fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
	MUST(fd >= 0 && write(fd, "deny", 4) == 4);
	close(fd);
	map_id("/proc/self/uid_map", uid);
	map_id("/proc/self/gid_map", gid);
	MUST(!getuid() && !getgid());
}

static void become_member_inside(void)
{
	become_root_inside(MEMBER, GROUP, 0);
}

static void become_member_with_net(void)
{
	become_root_inside(MEMBER, GROUP, CLONE_NEWNET);
}

static void become_stranger_inside(void)
{
	become_root_inside(STRANGER, STRANGER, 0);
}

TEST(the_device_is_roots_by_default)
{
	struct stat st;

	ASSERT_EQ(0, stat("/dev/seda", &st));
	EXPECT_EQ(S_IFCHR | 0600, st.st_mode);
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
}

FIXTURE(access) {
	struct victim v;
	int *results;		/* shared with the actor */
};

FIXTURE_VARIANT(access) {
	enum way way;
	void (*become)(void);
	int expect[NR_COLUMNS];
};

/* What holds of all that have no capability outside. */
#define UNPRIVILEGED							\
	[C_mknod] = -EPERM, [C_steal] = -EPERM, [C_fdinfo] = -EACCES,	\
	[C_debugfs] = -EACCES, [C_limits] = -EACCES, [C_hooks] = -EACCES

#define NO_OPEN								\
	[C_open] = -EACCES, [C_open_to_read] = -EACCES

/* What holds of all that use an app of their own. */
#define OWN_APP								\
	[C_write_counters] = -EACCES, [C_ids_of_another] = -ESTALE

/* Of all that have another's: INFO is open to everybody. */
#define NOT_OWN_APP							\
	[C_calls] = -EPERM, [C_map_counters] = -EPERM,			\
	[C_write_counters] = -EPERM, [C_map_arena] = -EPERM,		\
	[C_watch] = -EPERM, [C_adopt] = -EPERM, [C_listen] = -EPERM,	\
	[C_privileged_port] = -EPERM, [C_ids_of_another] = -EPERM

#define NO_DESCRIPTOR							\
	[C_info] = -EBADF, [C_calls] = -EBADF, [C_map_counters] = -EBADF,\
	[C_write_counters] = -EBADF, [C_map_arena] = -EBADF,		\
	[C_watch] = -EBADF, [C_adopt] = -EBADF, [C_listen] = -EBADF,	\
	[C_privileged_port] = -EBADF, [C_ids_of_another] = -EBADF,	\
	[C_much_memory] = -EBADF

/* Cells that are not named are 0: it succeeds. */
FIXTURE_VARIANT_ADD(access, root) {
	.way = OPENS, .become = become_nobody_else,
	/* nobody but the process that did SETUP may use an app */
	.expect = { OWN_APP, [C_steal] = -EPERM, [C_hooks] = -EACCES },
};

FIXTURE_VARIANT_ADD(access, member_of_the_group) {
	.way = OPENS, .become = become_member,
	.expect = { UNPRIVILEGED, OWN_APP, [C_privileged_port] = -EACCES,
		    [C_much_memory] = -ENOMEM },
};

FIXTURE_VARIANT_ADD(access, stranger) {
	.way = OPENS, .become = become_stranger,
	.expect = { UNPRIVILEGED, NO_OPEN, NO_DESCRIPTOR },
};

FIXTURE_VARIANT_ADD(access, stranger_with_roots_descriptor) {
	.way = GIVEN, .become = become_stranger,
	.expect = { UNPRIVILEGED, NO_OPEN, NOT_OWN_APP,
		    [C_much_memory] = -ENOMEM },
};

FIXTURE_VARIANT_ADD(access, member_with_roots_descriptor) {
	.way = GIVEN, .become = become_member,
	.expect = { UNPRIVILEGED, NOT_OWN_APP, [C_much_memory] = -ENOMEM },
};

/* What it has it keeps; what it does next it does with the rights it has. */
FIXTURE_VARIANT_ADD(access, after_setuid) {
	.way = KEEPS, .become = become_stranger,
	.expect = { UNPRIVILEGED, NO_OPEN, OWN_APP,
		    [C_privileged_port] = -EACCES, [C_much_memory] = -ENOMEM },
};

FIXTURE_VARIANT_ADD(access, thread_after_setuid) {
	.way = KEEPS, .become = become_thread,
	.expect = { UNPRIVILEGED, NO_OPEN, OWN_APP,
		    [C_privileged_port] = -EACCES, [C_much_memory] = -ENOMEM },
};

FIXTURE_VARIANT_ADD(access, member_in_a_user_namespace) {
	.way = OPENS, .become = become_member_inside,
	.expect = { UNPRIVILEGED, OWN_APP, [C_privileged_port] = -EACCES,
		    [C_much_memory] = -ENOMEM },
};

/* The ports of a network of one's own are one's own. */
FIXTURE_VARIANT_ADD(access, member_in_a_network_namespace) {
	.way = OPENS, .become = become_member_with_net,
	.expect = { UNPRIVILEGED, OWN_APP, [C_much_memory] = -ENOMEM },
};

FIXTURE_VARIANT_ADD(access, stranger_in_a_user_namespace) {
	.way = OPENS, .become = become_stranger_inside,
	.expect = { UNPRIVILEGED, NO_OPEN, NO_DESCRIPTOR },
};

FIXTURE_VARIANT_ADD(access, namespace_with_roots_descriptor) {
	.way = GIVEN, .become = become_stranger_inside,
	.expect = { UNPRIVILEGED, NO_OPEN, NOT_OWN_APP,
		    [C_much_memory] = -ENOMEM },
};

static void find_debugfs(struct victim *v)
{
	char pattern[64];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "/sys/kernel/debug/seda/%d-*",
		 v->pid);
	v->debugfs[0] = 0;
	if (!glob(pattern, 0, NULL, &g))
		snprintf(v->debugfs, sizeof(v->debugfs), "%s", g.gl_pathv[0]);
	globfree(&g);
}

FIXTURE_SETUP(access)
{
	struct seda_stage_args policy = { .posts = 4 };
	struct victim *v = &self->v;
	uint64_t id;
	int i;

	ASSERT_EQ(0, chown("/dev/seda", 0, GROUP));
	ASSERT_EQ(0, chmod("/dev/seda", 0660));
	/* so that it is the files' own permissions that count */
	ASSERT_EQ(0, chmod("/sys/kernel/debug", 0755));
	v->pid = getpid();
	ASSERT_EQ(0, rig_open(&v->r, NULL, NULL));
	/* ids count up from 1: those of other apps shall not be the same */
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, app_timer(&v->r.app, v->r.stage, 0, 0, &id));
		ASSERT_EQ(0, rig_do(&v->r, SEDA_OP_CLOSE, id, 0));
		ASSERT_NE(NULL, rig_await(&v->r, SEDA_EV_CLOSED));
	}
	ASSERT_EQ(0, app_stage(&v->r.app, &policy, &v->posts));
	ASSERT_EQ(0, rig_pair(&v->r, 0, &v->id, &v->own, &v->peer));
	find_debugfs(v);
	ASSERT_NE(0, v->debugfs[0]);
	self->results = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->results);
}

/* Also when a test has failed. */
FIXTURE_TEARDOWN(access)
{
	rig_close(&self->v.r);
	EXPECT_EQ(0, chown("/dev/seda", 0, 0));
	EXPECT_EQ(0, chmod("/dev/seda", 0600));
	EXPECT_EQ(0, chmod("/sys/kernel/debug", 0700));
}

/* The app of one's own, where one can have it. */
static void actor_open(struct actor *a)
{
	a->fresh = open("/dev/seda", O_RDWR | O_CLOEXEC);
	if (app_open(&a->app, NULL))
		a->app.fd = -1;
	else
		MUST(!app_stage(&a->app, NULL, &a->stage));
}

struct row {
	struct actor a;
	void (*become)(void);
	int *results;
	bool opens;
};

static void *actor_thread(void *arg)
{
	struct row *row = arg;
	unsigned int i;

	row->become();
	if (row->opens)
		actor_open(&row->a);
	for (i = 0; i < NR_COLUMNS; i++)
		row->results[i] = column_try[i](&row->a);
	return NULL;
}

/* In a process of its own, which is root yet. */
static void actor_run(struct row *row, enum way way)
{
	pthread_t thread;

	row->a.app.fd = row->a.fresh = -1;
	row->opens = way == OPENS;
	if (way == KEEPS)
		actor_open(&row->a);
	if (way == GIVEN) {
		row->a.app.fd = row->a.victim->r.app.fd;
		row->a.stage = row->a.victim->r.stage;
		row->a.fresh = open("/dev/seda", O_RDWR | O_CLOEXEC);
	}
	if (row->become == become_thread) {
		MUST(!pthread_create(&thread, NULL, actor_thread, row));
		MUST(!pthread_join(thread, NULL));
		/* the rest of the process is still what it was */
		MUST(!getuid());
	} else {
		actor_thread(row);
	}
	_exit(0);
}

TEST_F(access, is_as_the_table_says)
{
	struct row row = {
		.a.victim = &self->v, .become = variant->become,
		.results = self->results,
	};
	int status, i, wrong = 0;
	pid_t pid = fork();

	if (!pid)
		actor_run(&row, variant->way);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	for (i = 0; i < NR_COLUMNS; i++) {
		if (self->results[i] == variant->expect[i])
			continue;
		TH_LOG("%s: %d, not %d", column_names[i], self->results[i],
		       variant->expect[i]);
		wrong++;
	}
	EXPECT_EQ(0, wrong);
	/* whatever it tried, the victim did not notice */
	EXPECT_EQ(0, app_counters(&self->v.r.app, self->v.posts)->posts);
	EXPECT_EQ(1, self->v.r.app.counters->sources);
	ASSERT_EQ(5, write(self->v.peer, "hello", 5));
	ASSERT_NE(NULL, rig_next(&self->v.r));
	EXPECT_EQ(self->v.id, self->v.r.ev.source);
	EXPECT_EQ(SEDA_EV_IN, self->v.r.ev.events);
	EXPECT_EQ(5, self->v.r.ev.len);
}

TEST_HARNESS_MAIN
