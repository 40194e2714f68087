// SPDX-License-Identifier: GPL-2.0
/* Only the process that did SETUP may use an app, whoever has its descriptor. */
#include <kselftest_harness.h>

#include "tests/lib/fdpass.h"
#include "tests/lib/seda_rig.h"

/* Every call but INFO is refused, and so is mapping; 0 when so. */
static int all_refused(int fd)
{
	static uint64_t args[64];
	struct app app = { .fd = fd };
	unsigned int nr;
	int ret;

	for (nr = 1; nr <= _IOC_NR(SEDA_IOC_FILE); nr++) {
		memset(args, 0, sizeof(args));
		args[0] = 256;
		ret = app_call(&app, SEDA_IOC_NR(nr), args);
		/* SETUP has been done, by whomever */
		if (ret != (nr == 1 ? -EBUSY : -EPERM))
			return nr;
	}
	if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED ||
	    errno != EPERM)
		return 50;
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 SEDA_MMAP_ARENA) != MAP_FAILED || errno != EPERM)
		return 51;
	memset(args, 0, sizeof(args));
	args[0] = sizeof(struct seda_info_args);
	return app_call(&app, SEDA_IOC_INFO, args) ? 52 : 0;
}

static int exit_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

FIXTURE(app) {
	struct rig r;
	int own, peer;
	uint64_t id;
};

FIXTURE_SETUP(app)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&self->r, 0, &self->id, &self->own,
			      &self->peer));
}

FIXTURE_TEARDOWN(app)
{
	rig_close(&self->r);
}

TEST_F(app, a_forked_child)
{
	pid_t pid = fork();

	if (!pid)
		_exit(all_refused(self->r.app.fd));
	EXPECT_EQ(0, exit_of(pid));
	/* the parent's goes on */
	ASSERT_EQ(1, write(self->peer, "x", 1));
	EXPECT_NE(NULL, rig_await(&self->r, SEDA_EV_IN));
}

TEST_F(app, a_child_has_not_its_memory)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit(self->r.app.arena[0]);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

TEST_F(app, the_receiver_of_a_passed_descriptor)
{
	int s[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid = fork();
	if (!pid) {
		close(self->r.app.fd);
		_exit(all_refused(fd_receive(s[1])));
	}
	ASSERT_EQ(0, fd_send(s[0], self->r.app.fd));
	EXPECT_EQ(0, exit_of(pid));
}

TEST_F(app, a_program_after_exec)
{
	char arg[16];
	pid_t pid;

	pid = fork();
	if (!pid) {
		struct app app;

		/* an app of the child's own, which it keeps open */
		if (app_open(&app, NULL))
			_exit(60);
		fcntl(app.fd, F_SETFD, 0);
		snprintf(arg, sizeof(arg), "%d", app.fd);
		execl("/proc/self/exe", "identity", "after-exec", arg, NULL);
		_exit(61);
	}
	EXPECT_EQ(0, exit_of(pid));
}

TEST_F(app, a_second_setup)
{
	struct seda_setup_args a = { .size = sizeof(a) };

	EXPECT_EQ(-EBUSY, app_call(&self->r.app, SEDA_IOC_SETUP, &a));
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "after-exec"))
		return all_refused(atoi(argv[2]));
	return test_harness_run(argc, argv);
}
