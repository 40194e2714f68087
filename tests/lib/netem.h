/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network namespace whose loopback loses, doubles, swaps, damages and delays
 * packets: what tc(8) does, as it is not everywhere.
 */
#ifndef NETEM_H
#define NETEM_H

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

struct netem_request {
	struct nlmsghdr h;
	struct tcmsg t;
	char attrs[512];
};

static inline struct rtattr *netem_attr(struct nlmsghdr *h, uint16_t type,
					const void *data, size_t len)
{
	struct rtattr *a = (void *)((char *)h + NLMSG_ALIGN(h->nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

/* Of 1, as netem has it. */
static inline uint32_t netem_share(double share)
{
	return share * UINT32_MAX;
}

struct netem {
	double loss, duplicate, reorder, corrupt;
	int64_t delay_ns, jitter_ns;
};

static inline int netem_talk(struct nlmsghdr *h)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[1024];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int ret = -EIO;

	if (fd >= 0 && send(fd, h, h->nlmsg_len, 0) == (ssize_t)h->nlmsg_len &&
	    recv(fd, &answer, sizeof(answer), 0) > 0 &&
	    answer.h.nlmsg_type == NLMSG_ERROR)
		ret = answer.e.error;
	if (fd >= 0)
		close(fd);
	return ret;
}

/* Puts it on the interface; -ENOENT: this kernel has no netem. */
static inline int netem_add(const char *interface, const struct netem *n)
{
	struct tc_netem_reorder reorder = {
		.probability = netem_share(n->reorder),
	};
	struct tc_netem_corrupt corrupt = {
		.probability = netem_share(n->corrupt),
	};
	struct tc_netem_qopt opt = {
		.limit = 100000, .loss = netem_share(n->loss), .gap = 1,
		.duplicate = netem_share(n->duplicate),
	};
	struct netem_request r = {
		.h = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(r.t)),
			.nlmsg_type = RTM_NEWQDISC,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
				       NLM_F_CREATE | NLM_F_REPLACE,
		},
		.t = {
			.tcm_family = AF_UNSPEC, .tcm_parent = TC_H_ROOT,
			.tcm_ifindex = if_nametoindex(interface),
		},
	};
	struct rtattr *options;

	netem_attr(&r.h, TCA_KIND, "netem", 6);
	options = netem_attr(&r.h, TCA_OPTIONS, &opt, sizeof(opt));
	netem_attr(&r.h, TCA_NETEM_REORDER, &reorder, sizeof(reorder));
	netem_attr(&r.h, TCA_NETEM_CORRUPT, &corrupt, sizeof(corrupt));
	netem_attr(&r.h, TCA_NETEM_LATENCY64, &n->delay_ns, 8);
	netem_attr(&r.h, TCA_NETEM_JITTER64, &n->jitter_ns, 8);
	options->rta_len = (char *)&r + r.h.nlmsg_len - (char *)options;
	return netem_talk(&r.h);
}

/* A network of this process's own, of a loopback with packets of mtu bytes. */
static inline int netem_namespace(int mtu)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd, ret = 0;

	if (unshare(CLONE_NEWNET))
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifr.ifr_mtu = mtu;
	if (ioctl(fd, SIOCSIFMTU, &ifr))
		ret = -errno;
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (!ret && ioctl(fd, SIOCSIFFLAGS, &ifr))
		ret = -errno;
	close(fd);
	return ret;
}

#endif /* NETEM_H */
