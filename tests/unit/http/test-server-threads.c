/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The whole HTTP door with two workers, and clients in threads of their own that read, write and watch the same keys, and look at its
 * figures, while it starts and stops: for ThreadSanitizer, and for what must hold in any build. */

#include "http/server/kv-http-server.h"
#include "store/kv-store-figures.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 6
#define REQUESTS 300
#define SCRAPES 50

typedef struct {
  KvStore *store;
  KvRateLimiter *limiter;
  KvMetrics *metrics;
  KvHttpServer *server;
  guint16 port;
  GMainLoop *loop;
  gint running; /* atomic: clients that have not finished */
  gint answers; /* atomic */
  gint events;  /* atomic */
} Fixture;

static guint16
read_port (KvHttpServer *server)
{
  g_auto (GStrv) addresses = kv_http_server_get_addresses (server);

  return (guint16) g_ascii_strtoull (strrchr (addresses[0], ':') + 1, NULL, 10);
}

static void
write_store (KvMetricsWriter *writer, gpointer store)
{
  KvStoreFigures figures;

  kv_store_get_figures (store, &figures);
  kv_metrics_writer_begin (writer, "keys", KV_METRIC_GAUGE, NULL, "Keys.");
  kv_metrics_writer_add (writer, figures.status.keys, NULL);
  kv_metrics_writer_begin (writer, "lag", KV_METRIC_GAUGE, NULL, "Lag.");
  kv_metrics_writer_add (writer, figures.lag, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer express)
{
  KvHttpLimits limits = kv_http_default_limits;

  fixture->store = kv_store_new ();
  fixture->limiter = kv_rate_limiter_new (1000 * 1000, 1000 * 1000);
  fixture->server =
    kv_http_server_new (fixture->store, fixture->limiter, &limits, 2, GPOINTER_TO_INT (express));
  fixture->metrics = kv_metrics_new ();
  kv_metrics_add (fixture->metrics, write_store, fixture->store);
  kv_http_server_set_metrics (fixture->server, fixture->metrics);
  g_assert_true (kv_http_server_listen (fixture->server, "127.0.0.1:0", NULL));
  g_assert_true (kv_http_server_start (fixture->server, NULL));
  fixture->port = read_port (fixture->server);
  fixture->loop = g_main_loop_new (NULL, FALSE);
}

static void
tear_down (Fixture *fixture, gconstpointer express)
{
  g_main_loop_unref (fixture->loop);
  g_object_unref (fixture->server);
  kv_metrics_free (fixture->metrics);
  kv_rate_limiter_free (fixture->limiter);
  g_object_unref (fixture->store);
}

static int
connect_client (Fixture *fixture)
{
  struct sockaddr_in address = {
    .sin_family = AF_INET,
    .sin_port = htons (fixture->port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

/* Reads until @mark has come @times times, or to the end. Returns how often it came. */
static guint
read_marks (int fd, const char *mark, guint times)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint found = 0;
  gsize looked_at = 0;
  char buffer[16 * 1024];
  gssize n;

  while (found < times && (n = recv (fd, buffer, sizeof buffer, 0)) > 0)
    {
      const char *at;

      g_string_append_len (text, buffer, n);
      while ((at = strstr (text->str + looked_at, mark)) != NULL)
        {
          found++;
          looked_at = (gsize) (at - text->str) + strlen (mark);
        }
    }
  return found;
}

static void
say (int fd, const char *text)
{
  gsize length = strlen (text);

  while (length > 0)
    {
      gssize n = send (fd, text, length, MSG_NOSIGNAL);

      g_assert_cmpint (n, >, 0);
      text += n;
      length -= (gsize) n;
    }
}

static gboolean
on_client_finished (gpointer user_data)
{
  Fixture *fixture = user_data;

  if (g_atomic_int_dec_and_test (&fixture->running))
    g_main_loop_quit (fixture->loop);
  return G_SOURCE_REMOVE;
}

/* Each pipelines a write, a read and a request that libsoup answers, on keys that the others use as well. */
static gpointer
run_client (gpointer user_data)
{
  Fixture *fixture = user_data;
  int fd = connect_client (fixture);

  for (guint i = 0; i < REQUESTS; i++)
    {
      g_autofree char *text = g_strdup_printf (
        "PUT /store/k%u?ttl=%u HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
        "GET /store/k%u HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "OPTIONS /store/k HTTP/1.1\r\nHost: localhost\r\n\r\n",
        i % 7, i % 3, i % 7);

      say (fd, text);
      g_atomic_int_add (&fixture->answers, (gint) read_marks (fd, "HTTP/1.1 ", 3));
    }
  close (fd);
  g_main_context_invoke (NULL, on_client_finished, fixture);
  return NULL;
}

static gpointer
run_scraper (gpointer user_data)
{
  Fixture *fixture = user_data;
  int fd = connect_client (fixture);

  for (guint i = 0; i < SCRAPES; i++)
    {
      say (fd, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
      g_assert_cmpuint (read_marks (fd, "# EOF\n", 1), ==, 1);
    }
  close (fd);
  return NULL;
}

/* To the end, which comes when the server stops. */
static gpointer
watch (Fixture *fixture, const char *request)
{
  int fd = connect_client (fixture);

  say (fd, request);
  g_atomic_int_add (&fixture->events, (gint) read_marks (fd, "\n\n", G_MAXUINT));
  close (fd);
  return NULL;
}

static gpointer
run_watcher (gpointer user_data)
{
  return watch (user_data, "GET /watch_key/k1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

static gpointer
run_prefix_watcher (gpointer user_data)
{
  return watch (user_data, "GET /v1/watch?prefix=k&prev HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

/* None of what the workers have counted is lost, nor when they are gone. */
static void
assert_figures (Fixture *fixture)
{
  g_autoptr (GBytes) bytes = kv_metrics_render (fixture->metrics, KV_METRICS_OPENMETRICS);
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_autofree char *options = g_strdup_printf (
    "kvstore_http_requests_total{route=\"*\",method=\"OPTIONS\",status=\"204\"} %d\n",
    REQUESTS * CLIENTS);

  g_assert_nonnull (strstr (text, options));
  g_assert_nonnull (strstr (text, "kvstore_http_streams 0\n"));
  g_assert_nonnull (strstr (text, "kvstore_http_connections 0\n"));
}

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_true (kv_http_server_stop_finish (fixture->server, result, NULL));
  g_main_loop_quit (fixture->loop);
}

static void
test_serves_many_threads (Fixture *fixture, gconstpointer express)
{
  GThread *threads[CLIENTS];
  GThread *watchers[4];
  GThread *scraper;

  for (guint i = 0; i < G_N_ELEMENTS (watchers); i++)
    watchers[i] = g_thread_new ("watcher", i % 2 == 0 ? run_watcher : run_prefix_watcher, fixture);
  g_atomic_int_set (&fixture->running, CLIENTS);
  for (guint i = 0; i < CLIENTS; i++)
    threads[i] = g_thread_new ("client", run_client, fixture);
  scraper = g_thread_new ("scraper", run_scraper, fixture);
  g_main_loop_run (fixture->loop);
  for (guint i = 0; i < CLIENTS; i++)
    g_thread_join (threads[i]);
  g_thread_join (scraper);
  g_assert_cmpint (g_atomic_int_get (&fixture->answers), ==, 3 * REQUESTS * CLIENTS);

  kv_http_server_stop_async (fixture->server, G_USEC_PER_SEC, on_stopped, fixture);
  g_main_loop_run (fixture->loop);
  for (guint i = 0; i < G_N_ELEMENTS (watchers); i++)
    g_thread_join (watchers[i]);
  g_assert_cmpint (g_atomic_int_get (&fixture->events), >=, 4);
  assert_figures (fixture);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/http/server/express/serves-many-threads", Fixture, GINT_TO_POINTER (TRUE), set_up,
              test_serves_many_threads, tear_down);
  g_test_add ("/http/server/libsoup/serves-many-threads", Fixture, GINT_TO_POINTER (FALSE), set_up,
              test_serves_many_threads, tear_down);
  return g_test_run ();
}
