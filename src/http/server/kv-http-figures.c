/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/server/kv-http-figures.h"

/* What stands in place of a route for requests that were refused before they had one: unknown paths and methods, and all that is
 * wrong with a head. */
#define NO_ROUTE "unknown"

static const KvHttpMeter *
get_meter (const KvHttpFigures *figures, guint i)
{
  return g_ptr_array_index (figures->meters, i);
}

static const char *
get_pattern (guint number)
{
  const KvHttpRoute *route = kv_http_router_get_route (number);

  return route != NULL ? route->pattern : NO_ROUTE;
}

static gboolean
is_taken (guint number)
{
  return number == 0 || kv_http_router_get_route (number) != NULL;
}

static void
write_requests_of (KvMetricsWriter *writer,
                   const KvHttpFigures *figures,
                   guint number,
                   KvHttpMethod method)
{
  for (guint slot = 0; slot < KV_HTTP_METER_STATUSES; slot++)
    {
      guint status = kv_http_meter_get_status (slot);
      guint64 count = 0;
      char text[12];

      for (guint i = 0; i < figures->meters->len; i++)
        count += kv_counter_read (&get_meter (figures, i)->requests[number][method][slot]);
      if (count == 0)
        continue;
      g_snprintf (text, sizeof text, "%u", status);
      kv_metrics_writer_add (writer, count, "route", get_pattern (number), "method",
                             kv_http_method_get_name (method), "status",
                             status != 0 ? text : "other", NULL);
    }
}

static void
write_requests (KvMetricsWriter *writer, const KvHttpFigures *figures)
{
  kv_metrics_writer_begin (writer, "kvstore_http_requests", KV_METRIC_COUNTER, NULL,
                           "Requests that were answered over HTTP.");
  for (guint number = 0; number < KV_HTTP_N_ROUTES; number++)
    for (guint method = 0; is_taken (number) && method < KV_HTTP_N_METHODS; method++)
      write_requests_of (writer, figures, number, (KvHttpMethod) method);
}

static void
write_latencies (KvMetricsWriter *writer, const KvHttpFigures *figures)
{
  kv_metrics_writer_begin (writer, "kvstore_http_request_duration_seconds", KV_METRIC_HISTOGRAM,
                           "seconds",
                           "Time from when a request had come as a whole to when it was answered.");
  for (guint number = 0; number < KV_HTTP_N_ROUTES; number++)
    {
      const KvHttpRoute *route = kv_http_router_get_route (number);
      KvHistogram all = { 0 };

      if (!is_taken (number))
        continue;
      for (guint i = 0; i < figures->meters->len; i++)
        kv_histogram_add (&all, &get_meter (figures, i)->latencies[number]);
      kv_metrics_writer_add_histogram (
        writer, &all, "route", get_pattern (number), "method",
        route != NULL ? kv_http_method_get_name (route->method) : "any", NULL);
    }
}

static void
write_one (KvMetricsWriter *writer,
           const char *name,
           KvMetricType type,
           const char *help,
           guint64 value)
{
  kv_metrics_writer_begin (writer, name, type, NULL, help);
  kv_metrics_writer_add (writer, value, NULL);
}

void
kv_http_figures_write (KvMetricsWriter *writer, gpointer user_data)
{
  const KvHttpFigures *figures = user_data;
  guint64 connections = 0, streams = 0, events = 0, resets = 0;

  write_requests (writer, figures);
  write_latencies (writer, figures);
  for (guint i = 0; i < figures->meters->len; i++)
    {
      const KvHttpMeter *meter = get_meter (figures, i);

      connections += (guint64) g_atomic_int_get (&meter->n_connections);
      streams += kv_counter_read (&meter->streams);
      events += kv_counter_read (&meter->events);
      resets += kv_counter_read (&meter->resets);
    }
  write_one (writer, "kvstore_http_connections", KV_METRIC_GAUGE,
             "HTTP connections that are open, event streams included.", connections);
  write_one (writer, "kvstore_http_connections_accepted", KV_METRIC_COUNTER,
             "HTTP connections that have come, those that were refused included.",
             kv_counter_read (&figures->accepted));
  write_one (writer, "kvstore_http_connections_refused", KV_METRIC_COUNTER,
             "HTTP connections that were refused, as there were too many.",
             kv_counter_read (&figures->refused));
  write_one (writer, "kvstore_http_streams", KV_METRIC_GAUGE, "Event streams that are open.",
             streams);
  write_one (writer, "kvstore_http_stream_events", KV_METRIC_COUNTER,
             "Values and changes that were given to event streams.", events);
  write_one (writer, "kvstore_http_stream_resets", KV_METRIC_COUNTER,
             "How often an event stream began anew, as it had lagged too far behind or resumed too "
             "far back.",
             resets);
}
