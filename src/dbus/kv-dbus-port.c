/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-port.h"

#include "core/kv-error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What is moved at a time: as much as a pipe holds. A cancellation is noticed in between. */
#define MOST (64 * 1024)

/* What poll() calls ready and is not, again and again, must not keep a processor busy. In milliseconds. */
#define NAP_MS 10

/* The majors of the terminals that emulators and remote shells have, from the kernel's list of devices. */
#define FIRST_PSEUDO_TERMINAL 136
#define LAST_PSEUDO_TERMINAL 143

/* How it is done without blocking. Each takes or gives some bytes, and fails with EAGAIN where it would have to wait. */
typedef gssize (*Attempt) (KvDbusPort *port, char *data, gsize length);

struct _KvDbusPort {
  int descriptor; /* (borrowed) */
  int reopened;   /* (owned): the same terminal, with flags of our own; or -1 */
  int between[2]; /* (owned): a pipe of our own, for pipes; or -1 */
  gsize held;     /* bytes in it, which have been written and are still to go */
  Attempt attempt;
  KvDbusPortDirection direction;
  gint64 patience;
  GCancellable *cancellable; /* (owned) */
  struct pollfd waiting[2];  /* for the descriptor, and for the cancellation */
};

/* --- the ways --- */

static gssize
send_some (KvDbusPort *port, char *data, gsize length)
{
  return send (port->descriptor, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Descriptors that come along are closed by the kernel, which has nowhere to put them. */
static gssize
receive_some (KvDbusPort *port, char *data, gsize length)
{
  return recv (port->descriptor, data, length, MSG_DONTWAIT);
}

static gssize
write_some (KvDbusPort *port, char *data, gsize length)
{
  return write (port->waiting[0].fd, data, length);
}

static gssize
read_some (KvDbusPort *port, char *data, gsize length)
{
  return read (port->waiting[0].fd, data, length);
}

/* From pipe to pipe there is a flag for the one call, where write() has only the one of the file. What lies in our own pipe
 * counts as written when it has left that. */
static gssize
push_some (KvDbusPort *port, char *data, gsize length)
{
  gssize moved;

  if (port->held == 0)
    {
      moved = write (port->between[1], data, length);
      if (moved < 0)
        return -1;
      port->held = (gsize) moved;
    }
  moved = splice (port->between[0], NULL, port->descriptor, NULL, port->held, SPLICE_F_NONBLOCK);
  if (moved > 0)
    port->held -= (gsize) moved;

  return moved;
}

static gssize
pull_some (KvDbusPort *port, char *data, gsize length)
{
  gssize moved = splice (port->descriptor, NULL, port->between[1], NULL, length, SPLICE_F_NONBLOCK);

  /* All of it is there, but a pipe of packets gives one at a time. */
  for (gssize got = 0; got < moved;)
    {
      gssize n = read (port->between[0], data + got, (gsize) (moved - got));

      if (n <= 0)
        {
          errno = EIO;
          return -1;
        }
      got += n;
    }

  return moved;
}

/* --- opening --- */

static gboolean
refuse (GError **error, const char *reason)
{
  g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, reason);

  return FALSE;
}

/* With errno. */
static gboolean
fail (GError **error, KvError code, const char *what)
{
  int reason = errno;

  g_set_error (error, KV_ERROR, (int) code, "%s: %s", what, g_strerror (reason));

  return FALSE;
}

static gboolean
check_access (const KvDbusPort *port, GError **error)
{
  int flags = fcntl (port->descriptor, F_GETFL);
  int access = flags & O_ACCMODE;

  if (flags < 0 || (flags & O_PATH) != 0)
    return refuse (error, "The file descriptor is not open for reading or writing");
  if (port->direction == KV_DBUS_PORT_WRITE && access != O_WRONLY && access != O_RDWR)
    return refuse (error, "The file descriptor is not open for writing");
  if (port->direction == KV_DBUS_PORT_READ && access != O_RDONLY && access != O_RDWR)
    return refuse (error, "The file descriptor is not open for reading");

  return TRUE;
}

static gboolean
open_socket (KvDbusPort *port, GError **error)
{
  socklen_t size = sizeof (int);
  int type;

  if (getsockopt (port->descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
    return refuse (error, "A socket has to be a stream socket");
  port->attempt = port->direction == KV_DBUS_PORT_WRITE ? send_some : receive_some;

  return TRUE;
}

static gboolean
open_pipe (KvDbusPort *port, GError **error)
{
  if (pipe2 (port->between, O_CLOEXEC | O_NONBLOCK) != 0)
    return fail (error, KV_ERROR_UNAVAILABLE, "Cannot make a pipe");
  port->attempt = port->direction == KV_DBUS_PORT_WRITE ? push_some : pull_some;

  return TRUE;
}

/* A terminal that has been told to stop blocks whoever writes to it. Opened once more it is the same terminal, with flags that are
 * nobody's but ours. That is so of pseudo-terminals alone: others may be named by what stands for whichever there is. Where it is
 * not allowed, the first will have to do. */
static void
open_terminal (KvDbusPort *port, dev_t device)
{
  char path[sizeof "/proc/self/fd/" + 3 * sizeof (int)];
  int flags = port->direction == KV_DBUS_PORT_WRITE ? O_WRONLY : O_RDONLY;

  if (major (device) < FIRST_PSEUDO_TERMINAL || major (device) > LAST_PSEUDO_TERMINAL)
    return;
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", port->descriptor);
  port->reopened = open (path, flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

static gboolean
open_kind (KvDbusPort *port, GError **error)
{
  struct stat about;

  if (fstat (port->descriptor, &about) != 0)
    return fail (error, KV_ERROR_FAILED, "The file descriptor tells nothing of itself");
  port->attempt = port->direction == KV_DBUS_PORT_WRITE ? write_some : read_some;
  switch (about.st_mode & S_IFMT)
    {
    case S_IFREG:
      return TRUE;
    case S_IFIFO:
      return open_pipe (port, error);
    case S_IFSOCK:
      return open_socket (port, error);
    case S_IFCHR:
      open_terminal (port, about.st_rdev);
      return TRUE;
    case S_IFDIR:
      return refuse (error, "The file descriptor is a directory's");
    default:
      return refuse (error, "The file descriptor is neither a file's nor a pipe's, a socket's or a "
                            "terminal's");
    }
}

static gboolean
watch_for_cancellation (KvDbusPort *port, GError **error)
{
  GPollFD cancelled;

  if (!g_cancellable_make_pollfd (port->cancellable, &cancelled))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
                           "There are no file descriptors left");
      return FALSE;
    }
  port->waiting[1] = (struct pollfd){ .fd = cancelled.fd, .events = POLLIN };

  return TRUE;
}

KvDbusPort *
kv_dbus_port_open (int descriptor,
                   KvDbusPortDirection direction,
                   gint64 patience,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (KvDbusPort) port = g_new0 (KvDbusPort, 1);

  port->descriptor = descriptor;
  port->reopened = -1;
  port->between[0] = port->between[1] = -1;
  port->direction = direction;
  port->patience = patience;
  port->cancellable = g_object_ref (cancellable);
  port->waiting[1].fd = -1;
  if (!check_access (port, error) || !open_kind (port, error)
      || !watch_for_cancellation (port, error))
    return NULL;
  port->waiting[0].fd = port->reopened >= 0 ? port->reopened : descriptor;
  port->waiting[0].events = direction == KV_DBUS_PORT_WRITE ? POLLOUT : POLLIN;

  return g_steal_pointer (&port);
}

static void
close_if_open (int descriptor)
{
  if (descriptor >= 0)
    close (descriptor);
}

void
kv_dbus_port_free (KvDbusPort *port)
{
  if (port->waiting[1].fd >= 0)
    g_cancellable_release_fd (port->cancellable);
  g_object_unref (port->cancellable);
  close_if_open (port->reopened);
  close_if_open (port->between[0]);
  close_if_open (port->between[1]);
  g_free (port);
}

/* --- waiting --- */

static gboolean
set_patience_error (const KvDbusPort *port, GError **error)
{
  g_set_error (error, KV_ERROR, KV_ERROR_FAILED,
               port->direction == KV_DBUS_PORT_WRITE
                 ? "Nobody has taken anything of the dump for %" G_GINT64_FORMAT " s"
                 : "Nothing more of the dump has come for %" G_GINT64_FORMAT " s",
               port->patience / G_USEC_PER_SEC);

  return FALSE;
}

/* Waits until the descriptor is ready, or for the time of a nap. FALSE when it has been cancelled, or when it is too late. */
static gboolean
wait_until_ready (KvDbusPort *port, gboolean is_nap, gint64 deadline, GError **error)
{
  gint64 left = MAX ((deadline - g_get_monotonic_time () + 999) / 1000, 0);
  int timeout = (int) MIN (left, is_nap ? NAP_MS : G_MAXINT);
  int n_ready;

  port->waiting[0].revents = 0;
  n_ready = is_nap ? poll (&port->waiting[1], 1, timeout) : poll (port->waiting, 2, timeout);
  if (g_cancellable_set_error_if_cancelled (port->cancellable, error))
    return FALSE;
  if (n_ready < 0 && errno != EINTR && errno != EAGAIN)
    return fail (error, KV_ERROR_FAILED, "Cannot wait for the file descriptor");
  if (n_ready == 0 && left == 0)
    return set_patience_error (port, error);

  return TRUE;
}

/* That a device has taken nothing is no end: it is told by an error. */
static gboolean
has_moved (const KvDbusPort *port, gssize n)
{
  if (n == 0 && port->direction == KV_DBUS_PORT_WRITE)
    {
      errno = EAGAIN;
      return FALSE;
    }

  return n >= 0;
}

/* Takes or gives some bytes as soon as that can be done. */
static gssize
carry_some (KvDbusPort *port, char *data, gsize length, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + port->patience;
  gboolean is_nap = FALSE;

  while (wait_until_ready (port, is_nap, deadline, error))
    {
      gssize n;

      is_nap = FALSE;
      if (port->waiting[0].revents == 0)
        continue;
      n = port->attempt (port, data, MIN (length, MOST));
      if (has_moved (port, n))
        return n;
      if (errno == EINTR)
        continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK)
        {
          fail (error, KV_ERROR_FAILED,
                port->direction == KV_DBUS_PORT_WRITE ? "Cannot write the dump"
                                                      : "Cannot read the dump");
          return -1;
        }
      is_nap = TRUE;
    }

  return -1;
}

gboolean
kv_dbus_port_write (KvDbusPort *port, const char *data, gsize length, GError **error)
{
  while (length > 0)
    {
      gssize n = carry_some (port, (char *) data, length, error);

      if (n < 0)
        return FALSE;
      data += n;
      length -= (gsize) n;
    }

  return TRUE;
}

gssize
kv_dbus_port_read (KvDbusPort *port, char *buffer, gsize size, GError **error)
{
  return carry_some (port, buffer, size, error);
}
