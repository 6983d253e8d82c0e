/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-restore.h"

#include "backup/kv-restore.h"
#include "core/kv-error.h"
#include "http/kv-http-uri.h"

#include <string.h>

typedef struct {
  KvHttpExchange *exchange; /* (borrowed): it has this as its sink */
  KvRestore *restore;       /* (owned) */
  guint64 charged;          /* requests that it has been charged for, beside the one */
  gboolean dry_run;
  gboolean whole; /* all of the body has come */
} Sink;

/* Reads a parameter that is one of two words, the first of which goes without saying. */
static gboolean
read_choice (KvHttpSpan query,
             const char *name,
             const char *first,
             const char *second,
             gboolean *is_second,
             GError **error)
{
  char buffer[16];
  KvHttpSpan text;

  if (!kv_http_uri_get_parameter (query, name, buffer, sizeof buffer, &text, error))
    return FALSE;
  *is_second = text.length == strlen (second) && memcmp (text.data, second, text.length) == 0;
  if (text.data == NULL || *is_second
      || (text.length == strlen (first) && memcmp (text.data, first, text.length) == 0))
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, "\"%s\" is %s or %s", name, first,
               second);
  return FALSE;
}

static gboolean
read_options (KvHttpExchange *exchange, KvRestoreOptions *options, GError **error)
{
  static const char *const names[] = { "mode", "dry_run", NULL };
  gboolean replace;

  if (!kv_http_uri_check_parameters (exchange->query, names, error)
      || !read_choice (exchange->query, "mode", "merge", "replace", &replace, error)
      || !read_choice (exchange->query, "dry_run", "false", "true", &options->dry_run, error))
    return FALSE;
  options->mode = replace ? KV_RESTORE_REPLACE : KV_RESTORE_MERGE;
  options->max_value = exchange->context->limits->max_value_size;
  return TRUE;
}

static void
answer (Sink *sink)
{
  KvHttpExchange *exchange = sink->exchange;
  KvRestoreFigure figures[KV_RESTORE_N_FIGURES];
  KvRestoreCounts counts;
  g_autoptr (GError) error = NULL;
  GString *json;

  if (!kv_restore_get_outcome (sink->restore, &counts, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  kv_restore_counts_get_figures (&counts, figures);
  json = g_string_new ("{");
  for (guint i = 0; i < KV_RESTORE_N_FIGURES; i++)
    g_string_append_printf (json, "\"%s\":%" G_GUINT64_FORMAT ",", figures[i].name,
                            figures[i].value);
  g_string_append_printf (json, "\"dry_run\":%s,\"revision\":%" G_GUINT64_FORMAT "}\n",
                          sink->dry_run ? "true" : "false",
                          kv_store_get_revision (exchange->context->store));
  exchange->response.body_bytes = g_string_free_to_bytes (json);
  kv_http_exchange_add_header (exchange, "Content-Type", "application/json");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-store");
  kv_http_exchange_send (exchange, 200);
}

static void
on_progress (KvRestore *restore, gpointer user_data)
{
  Sink *sink = user_data;

  if (sink->whole)
    answer (sink);
  else
    sink->exchange->carrier->resume_body (sink->exchange);
}

static gpointer
open_sink (KvHttpExchange *exchange, GError **error)
{
  KvRestoreOptions options;
  Sink *sink;

  if (!read_options (exchange, &options, error))
    return NULL;
  sink = g_new0 (Sink, 1);
  sink->exchange = exchange;
  sink->dry_run = options.dry_run;
  sink->restore = kv_restore_new (exchange->context->store, &options, on_progress, sink);
  return sink;
}

static KvHttpSinkState
take (gpointer data, const char *text, gsize length, GError **error)
{
  Sink *sink = data;
  KvRestoreState state = kv_restore_feed (sink->restore, text, length, error);

  if (sink->exchange->bucket != NULL)
    kv_rate_bucket_charge_entries (sink->exchange->bucket, kv_restore_get_entries (sink->restore),
                                   &sink->charged);
  switch (state)
    {
    case KV_RESTORE_READY:
      return KV_HTTP_SINK_READY;
    case KV_RESTORE_FULL:
      return KV_HTTP_SINK_WAITING;
    case KV_RESTORE_FAILED:
      return KV_HTTP_SINK_FAILED;
    }
  g_assert_not_reached ();
}

static void
close_sink (gpointer data)
{
  Sink *sink = data;

  kv_restore_free (sink->restore);
  g_free (sink);
}

const KvHttpSink kv_route_restore_sink = {
  .open = open_sink,
  .take = take,
  .close = close_sink,
};

void
kv_route_restore_post (KvHttpExchange *exchange)
{
  Sink *sink = exchange->sink;

  sink->whole = TRUE;
  kv_restore_finish (sink->restore);
}
