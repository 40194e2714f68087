// SPDX-License-Identifier: LGPL-2.1-or-later
/* hello_echo - a TCP echo server on port 7777, all of it */
#include <sedak.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void echo(struct sedak_stage *stage, struct sedak_event *ev, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (ev[i].type == SEDAK_EV_DATA)
			sedak_conn_send_event(ev[i].conn, &ev[i], 0, ev[i].len, 0);
		else if (ev[i].type == SEDAK_EV_EOF)
			sedak_conn_close(ev[i].conn);
	}
}

int main(void)
{
	struct sedak_rt *rt;
	struct sedak_stage_opts so = { .size = sizeof(so), .name = "echo" };
	struct sedak_listen_opts lo = { .size = sizeof(lo), .port = 7777 };
	sigset_t set;
	int sig, ret = sedak_rt_create(NULL, &rt);

	if (!ret) {
		so.handler = echo;
		ret = sedak_stage_create(rt, &so, &lo.stage);
	}
	if (!ret)
		ret = sedak_listen(&lo, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);	/* the workers inherit it */
	if (!ret)
		ret = sedak_rt_start(rt);
	if (ret) {
		fprintf(stderr, "hello_echo: %s\n", strerror(-ret));
		return 1;
	}
	printf("echo on port 7777, backend %s\n", sedak_rt_backend(rt));
	sigwait(&set, &sig);
	sedak_rt_drain(rt, 1000000000);		/* 1 s for those that are connected */
	sedak_rt_destroy(rt);
	return 0;
}
