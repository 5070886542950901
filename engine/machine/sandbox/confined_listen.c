/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A socket that listens in a program's own network, and goes to who started the program. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "machine/sandbox/confined.h"
#include "machine/sandbox/sandbox_internal.h"

#define BACKLOG 32

union control {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

static struct msghdr message(struct iovec *byte, union control *control)
{
	return (struct msghdr){.msg_iov = byte,
			       .msg_iovlen = 1,
			       .msg_control = control,
			       .msg_controllen = sizeof(*control)};
}

static int send_fd(int to, int fd)
{
	struct iovec byte = {(char[]){0}, 1};
	union control control = {0};
	struct msghdr m = message(&byte, &control);

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(to, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int confined_send_socket(uint16_t port, int to, struct err **err)
{
	const struct sockaddr_in here = {.sin_family = AF_INET,
					 .sin_port = htons(port),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd cleanup_fd = -1;

	if (loopback_up(err) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0 ||
	    listen(fd, BACKLOG) < 0 || send_fd(to, fd) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot listen on port %u", port);
	return 0;
}

int confined_take_socket(int from, int *ret_fd, struct err **err)
{
	struct iovec byte = {(char[]){0}, 1};
	union control control = {0};
	struct msghdr m = message(&byte, &control);
	const struct cmsghdr *head;

	if (recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return err_errno(err, E_SANDBOX_SETUP, errno, "nobody listens for the program");
	head = CMSG_FIRSTHDR(&m);
	if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(*ret_fd)))
		return err_set(err, E_SANDBOX_SETUP, "nobody listens for the program");
	memcpy(ret_fd, CMSG_DATA(head), sizeof(*ret_fd));
	return 0;
}
