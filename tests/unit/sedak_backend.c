// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: a backend that is asked for is the one, or the program is told why not,
 * in the result and through the log.
 */
#include "sedak_test.h"

static char logged[1024];
static int worst = 100;

static void log_to(void *arg, int level, const char *msg)
{
	if (level < worst)
		worst = level;
	snprintf(logged + strlen(logged), sizeof(logged) - strlen(logged),
		 "%s\n", msg);
	if (arg != logged)
		abort();
}

static int try(const char *env, unsigned int backend, const char *device,
	       char *name)
{
	struct sedak_rt_opts o = { .size = sizeof(o), .backend = backend,
				   .log = log_to, .log_arg = logged,
				   .device = device };
	struct sedak_rt *rt;
	int ret;

	logged[0] = '\0';
	worst = 100;
	if (env)
		setenv("SEDAK_BACKEND", env, 1);
	else
		unsetenv("SEDAK_BACKEND");
	ret = sedak_rt_create(&o, &rt);
	if (!ret) {
		strcpy(name, sedak_rt_backend(rt));
		sedak_rt_destroy(rt);
	}
	return ret;
}

TEST(epoll_is_everywhere)
{
	char name[16];

	ASSERT_EQ(0, try("epoll", 0, NULL, name));
	EXPECT_STREQ("epoll", name);
	ASSERT_EQ(0, try(NULL, SEDAK_BACKEND_EPOLL, NULL, name));
	EXPECT_STREQ("epoll", name);
	EXPECT_STREQ("", logged);
	/* what the program names, the environment does not change */
	ASSERT_EQ(0, try("seda", SEDAK_BACKEND_EPOLL, NULL, name));
	EXPECT_STREQ("epoll", name);
}

TEST(no_device_is_loud)
{
	char name[16];

	EXPECT_EQ(-ENODEV, try("seda", 0, "/dev/no-such-device", name));
	EXPECT_NE(NULL, strstr(logged, "SEDAK_BACKEND"));
	EXPECT_NE(NULL, strstr(logged, "/dev/no-such-device"));
	EXPECT_EQ(SEDAK_LOG_ERROR, worst);
	EXPECT_EQ(-ENODEV, try(NULL, SEDAK_BACKEND_SEDA, "/dev/no-such-device",
			       name));
	EXPECT_NE(NULL, strstr(logged, "the program"));
	EXPECT_EQ(-EPROTONOSUPPORT, try("seda", 0, "/dev/null", name));
	EXPECT_EQ(-EINVAL, try("kqueue", 0, NULL, name));
	EXPECT_NE(NULL, strstr(logged, "kqueue"));
	EXPECT_EQ(-EINVAL, try(NULL, 7, NULL, name));
}

TEST(auto_falls_back)
{
	char name[16];

	ASSERT_EQ(0, try(NULL, 0, "/dev/no-such-device", name));
	EXPECT_STREQ("epoll", name);
	EXPECT_EQ(SEDAK_LOG_DEBUG, worst);
	/* a device that does not serve is worth a warning */
	ASSERT_EQ(0, try(NULL, 0, "/dev/null", name));
	EXPECT_STREQ("epoll", name);
	EXPECT_EQ(SEDAK_LOG_WARNING, worst);
	ASSERT_EQ(0, try("", 0, "/dev/no-such-device", name));
}

TEST(auto_takes_the_device)
{
	char name[16];

	if (access("/dev/seda", R_OK | W_OK))
		SKIP(return, "no /dev/seda");
	ASSERT_EQ(0, try(NULL, 0, NULL, name));
	EXPECT_STREQ("seda", name);
	ASSERT_EQ(0, try("seda", 0, NULL, name));
	EXPECT_STREQ("seda", name);
}

TEST(version)
{
	EXPECT_STREQ("0.1.0", sedak_version());
}

TEST_HARNESS_MAIN
