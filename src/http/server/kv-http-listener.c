/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "http/server/kv-http-listener.h"

#include "core/kv-error.h"
#include "http/server/kv-http-socket-file.h"
#include "kv-config.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 1024

/* Connections accepted in one turn, before the loop's other sources have theirs. */
#define PER_TURN 64

/* How long nothing is accepted after there was no room for it. */
#define PAUSE_MS 100

struct _KvHttpListener {
  int fd; /* (owned) */
  KvHttpSocketAddress address;
  KvHttpSocketFile file; /* of a Unix socket */
  GMainContext *context; /* (owned) (nullable): once started */
  GSource *source; /* (owned) (nullable): either waits for connections, or for the end of a pause */
  KvHttpAcceptFunc func;
  gpointer user_data;
  gboolean exhausted; /* nothing could be accepted the last time */
};

static void wait_for_connections (KvHttpListener *listener);

static void
replace_source (KvHttpListener *listener, GSource *source)
{
  if (listener->source != NULL)
    {
      g_source_destroy (listener->source);
      g_source_unref (listener->source);
    }
  listener->source = source;
  if (source != NULL)
    g_source_attach (source, listener->context);
}

static gboolean
on_pause_over (gpointer user_data)
{
  wait_for_connections (user_data);
  return G_SOURCE_REMOVE;
}

static void
pause_accepting (KvHttpListener *listener, int reason)
{
  GSource *source = g_timeout_source_new (PAUSE_MS);

  if (!listener->exhausted)
    g_warning (_ ("Cannot accept connections for a while: %s"), g_strerror (reason));
  listener->exhausted = TRUE;
  g_source_set_callback (source, on_pause_over, listener, NULL);
  replace_source (listener, source);
}

static void
describe_client (KvHttpAccepted *accepted, const KvHttpSocketAddress *peer)
{
  struct ucred credentials;
  socklen_t length = sizeof credentials;

  if (peer->any.sa_family != AF_UNIX)
    {
      g_autofree char *host = kv_http_socket_address_to_host (peer);

      g_snprintf (accepted->client, sizeof accepted->client, "ip:%s", host);
    }
  else if (getsockopt (accepted->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0)
    g_snprintf (accepted->client, sizeof accepted->client, "uid:%u", (guint) credentials.uid);
  else
    g_strlcpy (accepted->client, "uid:unknown", sizeof accepted->client);
}

/* Returns FALSE when there is no more to accept now, with errno telling why. */
static gboolean
accept_one (KvHttpListener *listener, KvHttpAccepted *accepted)
{
  const int one = 1;
  KvHttpSocketAddress peer = { 0 };
  socklen_t length = sizeof peer;

  do
    accepted->fd = accept4 (listener->fd, &peer.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (accepted->fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (accepted->fd < 0)
    return FALSE;

  /* Of a Unix socket the peer has no name, and the kernel writes less than a family. */
  peer.any.sa_family = listener->address.any.sa_family;
  if (peer.any.sa_family != AF_UNIX)
    setsockopt (accepted->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  describe_client (accepted, &peer);
  return TRUE;
}

static gboolean
on_connections (int fd, GIOCondition condition, gpointer user_data)
{
  KvHttpListener *listener = user_data;
  KvHttpAccepted accepted[PER_TURN];
  guint n = 0;
  int reason = 0;

  while (n < PER_TURN && accept_one (listener, &accepted[n]))
    n++;
  if (n < PER_TURN)
    reason = errno;

  if (reason != 0 && reason != EAGAIN && reason != EWOULDBLOCK)
    {
      /* Left in place, the source would be ready again at once, and for as long as there is no
       * room. */
      pause_accepting (listener, reason);
    }
  else
    listener->exhausted = FALSE;
  if (n > 0)
    listener->func (accepted, n, listener->user_data);
  return G_SOURCE_CONTINUE;
}

static void
wait_for_connections (KvHttpListener *listener)
{
  GSource *source = g_unix_fd_source_new (listener->fd, G_IO_IN);

  g_source_set_callback (source, G_SOURCE_FUNC (on_connections), listener, NULL);
  replace_source (listener, source);
}

/* The loopback interface has no bottleneck to probe for, and drops nothing. What a system is set to
 * for the sake of the Internet (BBR paces each connection by a timer of its own) only costs there. Reno is in every
 * kernel, and asks least; where it may not be chosen nothing is lost. */
static void
use_plain_congestion_control (int fd)
{
  static const char name[] = "reno";

  setsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, name, sizeof name - 1);
}

static gboolean
bind_inet (int fd, const KvHttpSocketAddress *address)
{
  const int one = 1;

  /* Only past connections that are not quite gone are overlooked by this: two listeners it does
   * not allow. */
  if (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
    return FALSE;
  if (address->any.sa_family == AF_INET6
      && setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
    return FALSE;
  /* The sockets of its connections inherit that. */
  if (kv_http_socket_address_is_local (address))
    use_plain_congestion_control (fd);
  return bind (fd, &address->any, kv_http_socket_address_get_length (address)) == 0
         && listen (fd, BACKLOG) == 0;
}

static void
set_error (GError **error, const KvHttpSocketAddress *address, int reason)
{
  g_autofree char *uri = kv_http_socket_address_to_uri (address);

  if (reason == EADDRINUSE)
    g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
                 _ ("Cannot listen on %s: another program does already"), uri);
  else
    g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE, _ ("Cannot listen on %s: %s"), uri,
                 g_strerror (reason));
}

static gboolean
open_socket (KvHttpListener *listener)
{
  const KvHttpSocketAddress *address = &listener->address;

  listener->fd = socket (address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener->fd < 0)
    return FALSE;
  if (address->any.sa_family == AF_UNIX)
    return kv_http_socket_file_listen (&listener->file, listener->fd, address, BACKLOG);
  return bind_inet (listener->fd, address);
}

KvHttpListener *
kv_http_listener_new (const KvHttpSocketAddress *address, GError **error)
{
  g_autoptr (KvHttpListener) listener = g_new0 (KvHttpListener, 1);

  listener->address = *address;
  if (!open_socket (listener))
    {
      set_error (error, address, errno);
      return NULL;
    }
  if (address->any.sa_family != AF_UNIX)
    {
      socklen_t length = sizeof listener->address;

      getsockname (listener->fd, &listener->address.any, &length);
    }
  return g_steal_pointer (&listener);
}

const KvHttpSocketAddress *
kv_http_listener_get_address (KvHttpListener *listener)
{
  return &listener->address;
}

void
kv_http_listener_start (KvHttpListener *listener, KvHttpAcceptFunc func, gpointer user_data)
{
  listener->func = func;
  listener->user_data = user_data;
  listener->context = g_main_context_ref_thread_default ();
  wait_for_connections (listener);
}

void
kv_http_listener_free (KvHttpListener *listener)
{
  replace_source (listener, NULL);
  g_clear_pointer (&listener->context, g_main_context_unref);
  kv_http_socket_file_remove (&listener->file, &listener->address);
  if (listener->fd >= 0)
    close (listener->fd);
  g_free (listener);
}
