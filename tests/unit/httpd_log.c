// SPDX-License-Identifier: GPL-2.0
/*
 * sedahttpd: the access log is in the Combined format, no client can forge a
 * line, no line is lost, and a rotated file is opened anew.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "tools/sedahttpd/accesslog.h"
#include "tools/sedahttpd/out.h"

static char text[8192];

/* Of each thread, for threads take samples at the same time */
static _Thread_local struct sockaddr_in peer = { .sin_family = AF_INET };

static struct accesslog_record sample(void)
{
	peer.sin_addr.s_addr = htonl(0x7f000001);
	return (struct accesslog_record){
		.peer = (struct sockaddr *)&peer,
		.when = 784111777,
		.line = STR("GET / HTTP/1.1"),
		.status = 200,
		.bytes = 12345678901,
	};
}

static const char *format(const struct accesslog_record *record, size_t size)
{
	struct out out = { text, 0, size, false };

	accesslog_format(&out, record);
	text[out.len] = '\0';
	return text;
}

static bool starts(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

TEST(combined)
{
	struct accesslog_record r = sample();

	EXPECT_STREQ("127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "
		     "\"GET / HTTP/1.1\" 200 12345678901 \"-\" \"-\"\n",
		     format(&r, 4096));
	r.referer = STR("http://x/");
	r.user_agent = STR("curl/7");
	EXPECT_NE(NULL, strstr(format(&r, 4096),
			       " \"http://x/\" \"curl/7\"\n"));
}

TEST(addresses)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct accesslog_record r = sample();

	r.peer = (struct sockaddr *)&in6;
	in6.sin6_addr = in6addr_loopback;
	EXPECT_TRUE(starts(format(&r, 4096), "::1 - - ["));
	inet_pton(AF_INET6, "::ffff:10.1.2.3", &in6.sin6_addr);
	EXPECT_TRUE(starts(format(&r, 4096), "10.1.2.3 - - ["));
	r.peer = &none;
	EXPECT_TRUE(starts(format(&r, 4096), "- - - ["));
}

TEST(no_forgery)
{
	struct accesslog_record r = sample();

	r.user_agent = STR("a\"\n1.2.3.4 - - \\\x1b[31m\xff");
	format(&r, 4096);
	EXPECT_NE(NULL, strstr(text, "\"a\\x22\\x0a1.2.3.4 - - "
			       "\\x5c\\x1b[31m\\xff\"\n"));
	EXPECT_EQ(strlen(text) - 1, strcspn(text, "\n"));
}

TEST(long_fields_are_cut_and_the_line_is_whole)
{
	static char bytes[20000];
	struct accesslog_record r = sample();
	char fill;

	for (fill = 'a'; fill; fill = fill == 'a' ? '\\' : 0) {
		memset(bytes, fill, sizeof(bytes));
		r.line = (struct str){ bytes, sizeof(bytes) };
		r.referer = r.line;
		r.user_agent = r.line;
		format(&r, 4096);
		ASSERT_LT(strlen(text), 4096);
		EXPECT_EQ('\n', text[strlen(text) - 1]);
		EXPECT_EQ('"', text[strlen(text) - 2]);
	}
}

#define THREADS	4
#define LINES	20000

/* Each thread appends so many, and on until enough */
static atomic_bool enough;
static atomic_long appended;

static void *append(void *arg)
{
	struct accesslog_record r = sample();
	int i;

	for (i = 0; i < LINES || !atomic_load(&enough); i++) {
		accesslog_append(arg, &r);
		/* So slow that the writer mostly keeps up. */
		if (i % 100 == 0)
			usleep(1000);
	}
	atomic_fetch_add(&appended, i);
	return NULL;
}

static long count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[512];
	long n = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		n += !!strstr(line, "] \"GET / HTTP/1.1\" 200 ") &&
		     line[strlen(line) - 1] == '\n';
	fclose(file);
	return n;
}

TEST(threads_and_rotation)
{
	char path[] = "/tmp/seda-log.XXXXXX", old[64];
	struct accesslog *log;
	pthread_t thread[THREADS];
	uint64_t dropped;
	struct stat st;
	int i, fd;

	fd = mkstemp(path);
	ASSERT_LE(0, fd);
	close(fd);
	snprintf(old, sizeof(old), "%s.1", path);
	ASSERT_EQ(0, accesslog_open(path, &log));
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, append, log);
	usleep(50000);
	ASSERT_EQ(0, rename(path, old));
	accesslog_reopen(log);
	/* until it is written to anew */
	while (stat(path, &st) || !st.st_size)
		usleep(1000);
	atomic_store(&enough, true);
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	dropped = accesslog_dropped(log);
	accesslog_close(log);
	/* threads that do nothing else may outrun the writer: it is all counted */
	EXPECT_EQ(atomic_load(&appended),
		  count_lines(path) + count_lines(old) + dropped);
	EXPECT_LT(0, count_lines(path));
	unlink(path);
	unlink(old);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Else it takes the writer's period, a second, each time. */
TEST(much_is_written_before_its_time)
{
	uint64_t begin, took, fastest = UINT64_MAX;
	struct accesslog_record r = sample();
	char path[] = "/tmp/seda-log.XXXXXX";
	struct accesslog *log;
	int i, n, fd;
	off_t size;

	fd = mkstemp(path);
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, accesslog_open(path, &log));
	for (i = 0; i < 6; i++) {
		size = size_of(path);
		begin = now_ms();
		/* some 400 KB */
		for (n = 0; n < 5000; n++)
			accesslog_append(log, &r);
		while (size_of(path) < size + (256 << 10))
			usleep(1000);
		took = now_ms() - begin;
		/* the first may have come as the period ended */
		if (i && took < fastest)
			fastest = took;
	}
	EXPECT_GT(500, fastest);
	accesslog_close(log);
	unlink(path);
}

TEST(errors)
{
	struct accesslog *log;

	EXPECT_EQ(-ENOENT, accesslog_open("/nonexistent/log", &log));
	EXPECT_EQ(-EISDIR, accesslog_open("/tmp", &log));
}

TEST_HARNESS_MAIN
