/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "http/server/kv-http-server.h"

#include "core/kv-error.h"
#include "http/server/kv-http-address.h"
#include "http/server/kv-http-figures.h"
#include "http/server/kv-http-listener.h"
#include "http/server/kv-http-worker.h"
#include "http/wire/kv-http-wire.h"
#include "kv-config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often another port is tried when the kernel's pick is free on one loopback address only. */
#define PORT_ATTEMPTS 16

#define MAX_WORKERS 64

const KvHttpLimits kv_http_default_limits = {
  .max_value_size = KV_VALUE_MAX_BYTES,
  .max_json_size = 4 * (gsize) KV_VALUE_MAX_BYTES + 64 * 1024,
  .max_batch = 1024,
  .max_head_size = 64 * 1024,
  .head_timeout = 10 * G_USEC_PER_SEC,
  .body_timeout = 30 * G_USEC_PER_SEC,
  .idle_timeout = 75 * G_USEC_PER_SEC,
  .keep_alive_interval = 15 * G_USEC_PER_SEC,
  .max_connections = 4096,
};

struct _KvHttpServer {
  GObject parent_instance;

  KvStore *store;         /* (owned) */
  KvRateLimiter *limiter; /* (borrowed) */
  KvHttpLimits limits;
  gboolean allow_remote;
  GPtrArray *listeners;   /* (owned) (element-type KvHttpListener) */
  GPtrArray *workers;     /* (owned) (element-type KvHttpWorker) */
  KvHttpFigures figures;  /* read by any thread, also when workers are gone */
  KvRateBucket *scrapers; /* (owned) (nullable) */
  gboolean started;
  gboolean full; /* the last connection was one too many */

  GTask *stopping; /* (owned) (nullable) */
  guint n_running; /* workers whose thread has not ended */
};

G_DEFINE_FINAL_TYPE (KvHttpServer, kv_http_server, G_TYPE_OBJECT)

/* As far as it goes without waiting: who has no place has no claim on our time either. */
static void
refuse_connection (KvHttpServer *self, const KvHttpAccepted *accepted)
{
  KvHttpResponse response = {
    .status = 503,
    .n_headers = 2,
    .headers = { KV_HTTP_HEADER ("Content-Type", "text/plain; charset=utf-8"),
                 KV_HTTP_HEADER ("Retry-After", "1") },
    .body = "There are too many connections\n",
  };
  KvHttpBuffer buffer = { 0 };

  kv_counter_raise (&self->figures.refused, 1);
  if (!self->full)
    g_warning (_ ("Connections are refused: there are %u already"), self->limits.max_connections);
  self->full = TRUE;

  kv_http_wire_append_response (&buffer, &response, FALSE, KV_HTTP_CONNECTION_CLOSE);
  if (send (accepted->fd, kv_http_buffer_peek (&buffer), kv_http_buffer_length (&buffer),
            MSG_NOSIGNAL | MSG_DONTWAIT)
      < 0)
    g_debug ("A connection was refused without a word: %s", g_strerror (errno));
  close (accepted->fd);
  kv_http_buffer_clear (&buffer);
}

/* Deals each connection to the worker that has the fewest, and wakes each worker once. */
static void
on_accepted (const KvHttpAccepted *accepted, guint length, gpointer user_data)
{
  KvHttpServer *self = user_data;
  guint n_workers = self->workers->len;
  guint total = 0;
  guint loads[MAX_WORKERS] = { 0 };
  g_autofree KvHttpAccepted *hands = g_new (KvHttpAccepted, n_workers * length);
  guint n_dealt[MAX_WORKERS] = { 0 };

  kv_counter_raise (&self->figures.accepted, length);
  for (guint i = 0; i < n_workers; i++)
    {
      loads[i] = kv_http_worker_count (g_ptr_array_index (self->workers, i));
      total += loads[i];
    }

  for (guint i = 0; i < length; i++)
    {
      guint least = 0;

      if (total >= self->limits.max_connections)
        {
          refuse_connection (self, &accepted[i]);
          continue;
        }
      for (guint j = 1; j < n_workers; j++)
        if (loads[j] < loads[least])
          least = j;
      hands[least * length + n_dealt[least]++] = accepted[i];
      loads[least]++;
      total++;
      self->full = FALSE;
    }

  for (guint i = 0; i < n_workers; i++)
    if (n_dealt[i] > 0)
      kv_http_worker_give (g_ptr_array_index (self->workers, i), hands + i * length, n_dealt[i]);
}

static void
finish_stop (KvHttpServer *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->stopping);

  /* The threads have ended: this waits for none. */
  g_ptr_array_set_size (self->workers, 0);
  if (task != NULL)
    g_task_return_boolean (task, TRUE);
}

static void
on_worker_exited (KvHttpWorker *worker, gpointer user_data)
{
  KvHttpServer *self = user_data;

  g_ptr_array_remove (self->workers, worker);
  if (--self->n_running == 0)
    finish_stop (self);
}

KvHttpServer *
kv_http_server_new (KvStore *store,
                    KvRateLimiter *limiter,
                    const KvHttpLimits *limits,
                    guint n_workers,
                    gboolean express)
{
  KvHttpServer *self = g_object_new (KV_TYPE_HTTP_SERVER, NULL);

  g_return_val_if_fail (n_workers >= 1 && n_workers <= MAX_WORKERS, NULL);

  self->store = g_object_ref (store);
  self->limiter = limiter;
  self->limits = *limits;
  for (guint i = 0; i < n_workers; i++)
    {
      KvHttpMeter *meter = kv_http_meter_new ();

      g_ptr_array_add (self->figures.meters, meter);
      g_ptr_array_add (self->workers, kv_http_worker_new (store, limiter, &self->limits, meter,
                                                          express, i, on_worker_exited, self));
    }
  return self;
}

void
kv_http_server_set_metrics (KvHttpServer *self, KvMetrics *metrics)
{
  g_return_if_fail (!self->started && self->scrapers == NULL);

  self->scrapers = kv_rate_limiter_get_bucket (self->limiter, "metrics");
  for (guint i = 0; i < self->workers->len; i++)
    kv_http_worker_set_metrics (g_ptr_array_index (self->workers, i), metrics, self->scrapers);
  kv_metrics_add (metrics, kv_http_figures_write, &self->figures);
}

void
kv_http_server_set_allow_remote (KvHttpServer *self, gboolean allow)
{
  self->allow_remote = allow;
}

static gboolean
has_loopback_ipv6 (void)
{
  KvHttpSocketAddress address;
  int fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean absent;

  if (fd < 0)
    return errno != EAFNOSUPPORT;
  kv_http_socket_address_set_loopback_ipv6 (&address, 0);
  absent = bind (fd, &address.any, kv_http_socket_address_get_length (&address)) < 0
           && errno == EADDRNOTAVAIL;
  close (fd);
  return !absent;
}

/* Binds both loopback addresses to one port; where the machine has no ::1, only that of IPv4.
 * @ipv6 is NULL then. */
static gboolean
listen_pair (const KvHttpSocketAddress *address,
             KvHttpListener **ipv4,
             KvHttpListener **ipv6,
             GError **error)
{
  g_autoptr (KvHttpListener) first = kv_http_listener_new (address, error);
  KvHttpSocketAddress twin;

  if (first == NULL)
    return FALSE;
  kv_http_socket_address_set_loopback_ipv6 (
    &twin, kv_http_socket_address_get_port (kv_http_listener_get_address (first)));
  *ipv6 = NULL;
  if (has_loopback_ipv6 ())
    {
      *ipv6 = kv_http_listener_new (&twin, error);
      if (*ipv6 == NULL)
        return FALSE;
    }
  *ipv4 = g_steal_pointer (&first);
  return TRUE;
}

static gboolean
listen_localhost (KvHttpServer *self, const KvHttpSocketAddress *address, GError **error)
{
  gboolean any_port = kv_http_socket_address_get_port (address) == 0;
  KvHttpListener *ipv4;
  KvHttpListener *ipv6;

  for (guint attempt = 1;; attempt++)
    {
      g_autoptr (GError) reason = NULL;

      if (listen_pair (address, &ipv4, &ipv6, &reason))
        break;
      if (!any_port || attempt == PORT_ATTEMPTS)
        {
          g_propagate_error (error, g_steal_pointer (&reason));
          return FALSE;
        }
    }

  g_ptr_array_add (self->listeners, ipv4);
  if (ipv6 != NULL)
    g_ptr_array_add (self->listeners, ipv6);
  else
    g_info (_ ("This machine has no ::1; listening on 127.0.0.1 alone"));
  return TRUE;
}

gboolean
kv_http_server_listen (KvHttpServer *self, const char *text, GError **error)
{
  KvHttpAddress address;
  KvHttpListener *listener;

  g_return_val_if_fail (!self->started, FALSE);

  if (!kv_http_address_parse (text, &address, error))
    return FALSE;
  if (!self->allow_remote && !kv_http_socket_address_is_local (&address.socket))
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   _ ("“%s” can be reached from other machines, which is not allowed"), text);
      return FALSE;
    }
  if (address.is_localhost)
    return listen_localhost (self, &address.socket, error);

  listener = kv_http_listener_new (&address.socket, error);
  if (listener == NULL)
    return FALSE;
  g_ptr_array_add (self->listeners, listener);
  return TRUE;
}

char **
kv_http_server_get_addresses (KvHttpServer *self)
{
  g_autoptr (GStrvBuilder) addresses = g_strv_builder_new ();

  for (guint i = 0; i < self->listeners->len; i++)
    {
      KvHttpListener *listener = g_ptr_array_index (self->listeners, i);
      g_autofree char *uri =
        kv_http_socket_address_to_uri (kv_http_listener_get_address (listener));

      g_strv_builder_add (addresses, uri);
    }
  return g_strv_builder_end (addresses);
}

gboolean
kv_http_server_start (KvHttpServer *self, GError **error)
{
  g_return_val_if_fail (!self->started, FALSE);

  self->started = TRUE;
  for (guint i = 0; i < self->workers->len; i++)
    {
      /* What runs already ends with the server. */
      if (!kv_http_worker_start (g_ptr_array_index (self->workers, i), error))
        return FALSE;
      self->n_running++;
    }
  for (guint i = 0; i < self->listeners->len; i++)
    kv_http_listener_start (g_ptr_array_index (self->listeners, i), on_accepted, self);
  return TRUE;
}

void
kv_http_server_stop_async (KvHttpServer *self,
                           gint64 grace,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, kv_http_server_stop_async);
  if (self->stopping != NULL)
    {
      g_task_return_new_error (task, KV_ERROR, KV_ERROR_FAILED,
                               _ ("The server is stopping already"));
      return;
    }

  g_ptr_array_set_size (self->listeners, 0);
  self->stopping = g_steal_pointer (&task);
  for (guint i = 0; i < self->n_running; i++)
    kv_http_worker_drain (g_ptr_array_index (self->workers, i), grace);
  if (self->n_running == 0)
    finish_stop (self);
}

gboolean
kv_http_server_stop_finish (KvHttpServer *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
kv_http_server_dispose (GObject *object)
{
  KvHttpServer *self = KV_HTTP_SERVER (object);

  g_ptr_array_set_size (self->listeners, 0);
  for (guint i = 0; i < self->n_running && i < self->workers->len; i++)
    kv_http_worker_drain (g_ptr_array_index (self->workers, i), 0);
  g_ptr_array_set_size (self->workers, 0);
  g_clear_pointer (&self->scrapers, kv_rate_bucket_release);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (kv_http_server_parent_class)->dispose (object);
}

static void
kv_http_server_finalize (GObject *object)
{
  KvHttpServer *self = KV_HTTP_SERVER (object);

  g_ptr_array_unref (self->listeners);
  g_ptr_array_unref (self->workers);
  g_ptr_array_unref (self->figures.meters);
  G_OBJECT_CLASS (kv_http_server_parent_class)->finalize (object);
}

static void
kv_http_server_class_init (KvHttpServerClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->dispose = kv_http_server_dispose;
  object_class->finalize = kv_http_server_finalize;
}

static void
kv_http_server_init (KvHttpServer *self)
{
  self->listeners = g_ptr_array_new_with_free_func ((GDestroyNotify) kv_http_listener_free);
  self->workers = g_ptr_array_new_with_free_func ((GDestroyNotify) kv_http_worker_free);
  self->figures.meters = g_ptr_array_new_with_free_func ((GDestroyNotify) kv_http_meter_free);
}
