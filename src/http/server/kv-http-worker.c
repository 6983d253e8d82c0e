/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/server/kv-http-worker.h"

#include "core/kv-error.h"
#include "http/connection/kv-http-connection.h"
#include "http/express/kv-express-lane.h"
#include "http/soup/kv-soup-lane.h"
#include "http/stream/kv-http-dump.h"
#include "http/stream/kv-http-sse.h"
#include "kv-config.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#define DRAIN_INTERVAL (200 * G_TIME_SPAN_MILLISECOND)

struct _KvHttpWorker {
  KvHttpPool pool; /* first, so that the pool is the worker */

  KvHttpContext context;  /* borrows the poller, the streams and the dumps below */
  KvHttpPoller *poller;   /* (owned) (nullable): while the thread runs */
  KvSseGroup *streams;    /* (owned) (nullable): while the thread runs */
  KvHttpDumpGroup *dumps; /* (owned) (nullable): while the thread runs */
  KvSoupLane *lane;       /* (owned) (nullable): while the thread runs */
  KvHttpTimer drain_tick; /* armed while draining */
  gint64 drain_end;       /* in monotonic microseconds */

  GThread *thread; /* (owned) (nullable) */
  guint number;
  KvHttpWorkerFunc exited;
  gpointer user_data;
  GMainContext *home;         /* (owned) (nullable): where it was started */
  GSource *farewell;          /* (owned) (nullable): attached there as the thread's last act */
  GMainContext *main_context; /* (owned) (nullable): the poller's, from the start on */

  GMutex lock;        /* guards @inbox and @drain_grace, which both sides touch */
  GArray *inbox;      /* (owned) (element-type KvHttpAccepted) */
  gint64 drain_grace; /* -1 until it is time */
};

static void
quit_when_empty (KvHttpWorker *worker)
{
  if (worker->pool.draining && worker->pool.connections.length == 0)
    kv_http_poller_quit (worker->poller);
}

static void
on_connection_closed (KvHttpPool *pool)
{
  KvHttpWorker *worker = (KvHttpWorker *) pool;

  g_atomic_int_add (&worker->context.meter->n_connections, -1);
  quit_when_empty (worker);
}

/* Ends the streams that requests still under way have opened since, and the thread when its time
 * is over. */
static void
on_drain_tick (KvHttpTimer *timer)
{
  KvHttpWorker *worker = (gpointer) ((char *) timer - G_STRUCT_OFFSET (KvHttpWorker, drain_tick));

  kv_sse_group_close_all (worker->streams);
  if (g_get_monotonic_time () >= worker->drain_end)
    kv_http_poller_quit (worker->poller);
  else
    kv_http_poller_set_timer (worker->poller, timer, DRAIN_INTERVAL);
}

static void
begin_to_drain (KvHttpWorker *worker, gint64 grace)
{
  GList *next;

  worker->pool.draining = TRUE;
  worker->context.stopping = TRUE;
  kv_sse_group_close_all (worker->streams);
  for (GList *link = worker->pool.connections.head; link != NULL; link = next)
    {
      next = link->next;
      kv_http_connection_drain (link->data);
    }
  worker->drain_end = g_get_monotonic_time () + grace;
  kv_http_poller_set_timer (worker->poller, &worker->drain_tick, MIN (grace, DRAIN_INTERVAL));
  quit_when_empty (worker);
}

/* In the worker's thread: takes what other threads have left. */
static gboolean
on_inbox (gpointer user_data)
{
  KvHttpWorker *worker = user_data;
  g_autoptr (GArray) accepted = NULL;
  gint64 grace;

  g_mutex_lock (&worker->lock);
  accepted = g_steal_pointer (&worker->inbox);
  worker->inbox = g_array_new (FALSE, FALSE, sizeof (KvHttpAccepted));
  grace = worker->drain_grace;
  g_mutex_unlock (&worker->lock);

  for (guint i = 0; i < accepted->len; i++)
    {
      const KvHttpAccepted *one = &g_array_index (accepted, KvHttpAccepted, i);

      kv_http_connection_open (&worker->pool, one->fd, one->client);
    }
  if (grace >= 0 && !worker->pool.draining)
    begin_to_drain (worker, grace);
  return G_SOURCE_REMOVE;
}

static void
wake (KvHttpWorker *worker)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_inbox, worker, NULL);
  g_source_attach (source, worker->main_context);
}

static void
set_up (KvHttpWorker *worker)
{
  kv_http_meter_attach (worker->context.meter, worker->poller);
  worker->streams = kv_sse_group_new (worker->poller, worker->context.limits);
  kv_sse_group_set_meter (worker->streams, worker->context.meter);
  worker->dumps = kv_http_dump_group_new (worker->poller, worker->context.limits);
  worker->lane = kv_soup_lane_new ();
  worker->context.poller = worker->poller;
  worker->context.streams = worker->streams;
  worker->context.dumps = worker->dumps;
  worker->pool.context = &worker->context;
  worker->pool.lane = kv_soup_lane_get_functions ();
  worker->pool.lane_data = worker->lane;
  worker->pool.closed = on_connection_closed;
  worker->drain_tick.func = on_drain_tick;
}

/* The streams and dumps hold sockets, and the lane requests, of connections: so the connections go last. */
static void
tear_down (KvHttpWorker *worker)
{
  g_clear_pointer (&worker->streams, kv_sse_group_free);
  g_clear_pointer (&worker->dumps, kv_http_dump_group_free);
  g_clear_pointer (&worker->lane, kv_soup_lane_free);
  while (worker->pool.connections.head != NULL)
    kv_http_connection_abort (worker->pool.connections.head->data);
  kv_http_pool_clear (&worker->pool);
  kv_http_poller_clear_timer (worker->poller, &worker->drain_tick);
  g_clear_pointer (&worker->poller, kv_http_poller_free);
}

static gpointer
run (gpointer user_data)
{
  KvHttpWorker *worker = user_data;

  g_main_context_push_thread_default (worker->main_context);
  set_up (worker);
  kv_http_poller_run (worker->poller);
  tear_down (worker);
  g_main_context_pop_thread_default (worker->main_context);
  g_source_attach (worker->farewell, worker->home);
  return NULL;
}

static gboolean
on_farewell (gpointer user_data)
{
  KvHttpWorker *worker = user_data;

  worker->exited (worker, worker->user_data);
  return G_SOURCE_REMOVE;
}

KvHttpWorker *
kv_http_worker_new (KvStore *store,
                    KvRateLimiter *limiter,
                    const KvHttpLimits *limits,
                    KvHttpMeter *meter,
                    gboolean express,
                    guint number,
                    KvHttpWorkerFunc exited,
                    gpointer user_data)
{
  KvHttpWorker *worker = g_new0 (KvHttpWorker, 1);

  worker->context.store = store;
  worker->context.limits = limits;
  worker->context.meter = meter;
  worker->pool.limiter = limiter;
  worker->pool.express = express ? kv_express_lane_get_functions () : NULL;
  worker->number = number;
  worker->exited = exited;
  worker->user_data = user_data;
  g_mutex_init (&worker->lock);
  worker->inbox = g_array_new (FALSE, FALSE, sizeof (KvHttpAccepted));
  worker->drain_grace = -1;
  return worker;
}

void
kv_http_worker_set_metrics (KvHttpWorker *worker, const KvMetrics *metrics, KvRateBucket *scrapers)
{
  worker->context.metrics = metrics;
  worker->context.scrapers = scrapers;
}

gboolean
kv_http_worker_start (KvHttpWorker *worker, GError **error)
{
  g_autofree char *name = g_strdup_printf ("http-%u", worker->number);
  g_autoptr (GError) reason = NULL;

  /* Here and not in the thread: whether there is room for it must be known before anybody is told that we serve. */
  worker->poller = kv_http_poller_new (error);
  if (worker->poller == NULL)
    return FALSE;
  worker->main_context = g_main_context_ref (kv_http_poller_get_context (worker->poller));

  worker->home = g_main_context_ref_thread_default ();
  worker->farewell = g_idle_source_new ();
  g_source_set_priority (worker->farewell, G_PRIORITY_DEFAULT);
  g_source_set_callback (worker->farewell, on_farewell, worker, NULL);
  worker->thread = g_thread_try_new (name, run, worker, &reason);
  if (worker->thread != NULL)
    return TRUE;
  g_clear_pointer (&worker->poller, kv_http_poller_free);
  g_set_error (error, KV_ERROR, KV_ERROR_FAILED, _ ("Cannot start a thread: %s"), reason->message);
  return FALSE;
}

guint
kv_http_worker_count (KvHttpWorker *worker)
{
  return (guint) g_atomic_int_get (&worker->context.meter->n_connections);
}

void
kv_http_worker_give (KvHttpWorker *worker, const KvHttpAccepted *accepted, guint length)
{
  gboolean was_empty;

  g_atomic_int_add (&worker->context.meter->n_connections, (gint) length);
  g_mutex_lock (&worker->lock);
  was_empty = worker->inbox->len == 0;
  g_array_append_vals (worker->inbox, accepted, length);
  g_mutex_unlock (&worker->lock);
  if (was_empty)
    wake (worker);
}

void
kv_http_worker_drain (KvHttpWorker *worker, gint64 grace)
{
  g_mutex_lock (&worker->lock);
  worker->drain_grace = MAX (grace, 0);
  g_mutex_unlock (&worker->lock);
  wake (worker);
}

void
kv_http_worker_free (KvHttpWorker *worker)
{
  if (worker->thread != NULL)
    g_thread_join (worker->thread);
  if (worker->farewell != NULL)
    g_source_destroy (worker->farewell);
  g_clear_pointer (&worker->farewell, g_source_unref);
  g_clear_pointer (&worker->home, g_main_context_unref);
  /* What was given after the thread had ended. */
  for (guint i = 0; i < worker->inbox->len; i++)
    close (g_array_index (worker->inbox, KvHttpAccepted, i).fd);
  g_array_unref (worker->inbox);
  g_mutex_clear (&worker->lock);
  g_clear_pointer (&worker->main_context, g_main_context_unref);
  g_free (worker);
}
