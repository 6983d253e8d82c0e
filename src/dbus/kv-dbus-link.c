/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

struct _KvDbusLink {
  GDBusConnection *connection; /* (owned) (nullable) until it is open */
  KvDbusRelay *relay;          /* (owned) (nullable) until there is a socket */
};

void
kv_dbus_link_free (KvDbusLink *link)
{
  g_clear_pointer (&link->relay, kv_dbus_relay_free);
  g_clear_object (&link->connection);
  g_free (link);
}

GDBusConnection *
kv_dbus_link_get_connection (KvDbusLink *link)
{
  return link->connection;
}

KvDbusRelay *
kv_dbus_link_get_relay (KvDbusLink *link)
{
  return link->relay;
}

static void
set_system_error (GError **error)
{
  int reason = errno;

  g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (reason),
                       g_strerror (reason));
}

/* The socket of a stream that GIO has opened: it does not block, and stays open when the stream goes. */
static int
copy_socket (GIOStream *stream, GError **error)
{
  const int on = 1;
  int copy;

  if (!G_IS_SOCKET_CONNECTION (stream))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "The bus has no socket");
      return -1;
    }
  copy = fcntl (g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream))),
                F_DUPFD_CLOEXEC, 3);
  if (copy < 0)
    set_system_error (error);
  /* Answers are small and waited for. Of a unix socket, which never holds anything back, it is refused. */
  else
    setsockopt (copy, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

  return copy;
}

/* Puts a relay behind @stream. Gives what GDBus is to have in its place. */
static GIOStream *
interpose (KvDbusLink *link, GIOStream *stream, GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  int pair[2];
  int bus;

  bus = copy_socket (stream, error);
  if (bus < 0)
    return NULL;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    {
      set_system_error (error);
      close (bus);
      return NULL;
    }
  socket = g_socket_new_from_fd (pair[1], error);
  if (socket == NULL)
    {
      close (bus);
      close (pair[0]);
      close (pair[1]);
      return NULL;
    }
  link->relay = kv_dbus_relay_new (bus, pair[0], error);
  if (link->relay == NULL)
    return NULL;

  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

static void
on_connection (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  KvDbusLink *link = g_task_get_task_data (task);

  link->connection = g_dbus_connection_new_finish (result, &error);
  if (link->connection == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  g_dbus_connection_set_exit_on_close (link->connection, FALSE);
  g_task_return_boolean (task, TRUE);
}

static void
on_stream (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) local = NULL;
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (GIOStream) stream = g_dbus_address_get_stream_finish (result, NULL, &error);

  if (stream != NULL)
    local = interpose (g_task_get_task_data (task), stream, &error);
  if (local == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  g_dbus_connection_new (local, NULL,
                         G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                           | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                         NULL, cancellable, on_connection, g_steal_pointer (&task));
}

void
kv_dbus_link_open_async (const char *address,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, kv_dbus_link_open_async);
  g_task_set_task_data (task, g_new0 (KvDbusLink, 1), (GDestroyNotify) kv_dbus_link_free);
  g_dbus_address_get_stream (address, cancellable, on_stream, task);
}

KvDbusLink *
kv_dbus_link_open_finish (GAsyncResult *result, GError **error)
{
  KvDbusLink *opened = g_task_get_task_data (G_TASK (result));
  KvDbusLink *link;

  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  link = g_new (KvDbusLink, 1);
  *link = *opened;
  *opened = (KvDbusLink){ 0 };

  return link;
}
