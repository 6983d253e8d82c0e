/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "app/kv-process.h"

#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Each open file costs the kernel memory, and a hard limit of a million or more is common. */
#define MAX_FILES 65536

/* Whoever was started without standard streams would log into the first socket that it opens. */
static void
open_standard_streams (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0)
    close (fd);
}

void
kv_process_prepare (void)
{
  open_standard_streams ();

  /* A client that leaves while it is written to is EPIPE for the one who writes, not the end of the service. */
  signal (SIGPIPE, SIG_IGN);

#ifdef M_ARENA_MAX
  /* glibc gives each thread a heap of its own, up to eight a processor, and what is freed in one stays there. Entries
   * are made by one thread and freed by another, so two heaps keep resident memory near what is in use. */
  mallopt (M_ARENA_MAX, 2);
#endif

  /* This variable would switch on an HTTP/2 of libsoup's that has known holes. */
  g_unsetenv ("SOUP_SERVER_HTTP2");
}

guint
kv_process_raise_file_limit (void)
{
  struct rlimit limit;
  rlim_t wanted;

  if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
    return MAX_FILES;

  wanted = MIN (limit.rlim_max, MAX_FILES);
  if (limit.rlim_cur < wanted)
    {
      rlim_t before = limit.rlim_cur;

      limit.rlim_cur = wanted;
      if (setrlimit (RLIMIT_NOFILE, &limit) < 0)
        limit.rlim_cur = before;
    }
  return (guint) MIN (limit.rlim_cur, G_MAXUINT);
}

gboolean
kv_process_has_ipv6_loopback (void)
{
  struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  int fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean bound;

  if (fd < 0)
    return FALSE;
  bound = bind (fd, (struct sockaddr *) &address, sizeof address) == 0;
  close (fd);
  return bound;
}

gboolean
kv_process_has_session_bus (void)
{
  const char *address = g_getenv ("DBUS_SESSION_BUS_ADDRESS");
  const char *directory = g_getenv ("XDG_RUNTIME_DIR");
  g_autofree char *socket_path = NULL;

  if (address != NULL)
    return *address != '\0';
  if (directory == NULL || *directory == '\0')
    return FALSE;
  socket_path = g_build_filename (directory, "bus", NULL);
  return g_file_test (socket_path, G_FILE_TEST_EXISTS);
}
