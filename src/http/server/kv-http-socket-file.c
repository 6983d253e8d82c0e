/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/server/kv-http-socket-file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever replaces a socket file holds the lock of its directory from the look at the old file
 * to the listen() on the new one: that takes less than a millisecond. Who finds it taken tries
 * again for a while. */
#define LOCK_ATTEMPTS 50
#define LOCK_PAUSE (10 * 1000)

/* Returns a descriptor whose close lets the lock go, or -1 with errno set. */
static int
lock_directory (const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  int fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return -1;
  for (guint i = 0; i < LOCK_ATTEMPTS; i++)
    {
      if (flock (fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
      g_usleep (LOCK_PAUSE);
    }
  close (fd);
  errno = EADDRINUSE;
  return -1;
}

/* Removes a socket file that nobody listens on. Returns FALSE with errno set when there is
 * something else. */
static gboolean
remove_stale (const KvHttpSocketAddress *address)
{
  const char *path = address->unix_path.sun_path;
  struct stat info;
  int probe;
  gboolean refused;

  if (lstat (path, &info) < 0)
    return errno == ENOENT;
  if (!S_ISSOCK (info.st_mode))
    {
      errno = EEXIST;
      return FALSE;
    }

  probe = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0)
    return FALSE;
  refused = connect (probe, &address->any, sizeof address->unix_path) < 0 && errno == ECONNREFUSED;
  close (probe);
  if (refused)
    return unlink (path) == 0;
  errno = EADDRINUSE;
  return FALSE;
}

static gboolean
bind_and_listen (KvHttpSocketFile *file, int fd, const KvHttpSocketAddress *address, int backlog)
{
  struct stat info;

  /* The file gets the mode that the socket has when it is bound (unix(7) does not say so, Linux
   * does it), less the umask: so there is no moment at which others could connect, and the
   * umask, which all threads share, stays. */
  if (fchmod (fd, S_IRUSR | S_IWUSR) < 0 || bind (fd, &address->any, sizeof address->unix_path) < 0)
    return FALSE;
  if (lstat (address->unix_path.sun_path, &info) < 0)
    return FALSE;
  file->device = info.st_dev;
  file->inode = info.st_ino;
  if ((info.st_mode & 07777 & ~(S_IRUSR | S_IWUSR)) != 0)
    {
      errno = EPERM;
      return FALSE;
    }
  return listen (fd, backlog) == 0;
}

gboolean
kv_http_socket_file_listen (KvHttpSocketFile *file,
                            int fd,
                            const KvHttpSocketAddress *address,
                            int backlog)
{
  int lock = lock_directory (address->unix_path.sun_path);
  gboolean done;
  int reason;

  *file = (KvHttpSocketFile){ 0, 0 };
  if (lock < 0)
    return FALSE;
  done = remove_stale (address) && bind_and_listen (file, fd, address, backlog);
  reason = errno;
  close (lock);
  errno = reason;
  return done;
}

void
kv_http_socket_file_remove (KvHttpSocketFile *file, const KvHttpSocketAddress *address)
{
  const char *path = address->unix_path.sun_path;
  struct stat info;

  if (file->inode != 0 && lstat (path, &info) == 0 && info.st_dev == file->device
      && info.st_ino == file->inode)
    unlink (path);
  file->inode = 0;
}
