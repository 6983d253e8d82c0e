/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-restore.h"

#include "backup/kv-restore.h"
#include "core/kv-error.h"
#include "http/kv-http-parameters.h"

typedef struct {
  KvHttpExchange *exchange; /* (borrowed): it has this as its sink */
  KvRestore *restore;       /* (owned) */
  guint64 charged;          /* requests that it has been charged for, beside the one */
  gboolean dry_run;
  gboolean whole; /* all of the body has come */
} Sink;

static gboolean
read_options (KvHttpExchange *exchange, KvRestoreOptions *options, GError **error)
{
  enum {
    MODE,
    DRY_RUN,
    N_PARAMETERS
  };
  static const char *const modes[] = {
    [KV_RESTORE_MERGE] = "merge",
    [KV_RESTORE_REPLACE] = "replace",
    NULL,
  };
  static const KvHttpParameter parameters[N_PARAMETERS] = {
    [MODE] = { "mode", KV_HTTP_PARAMETER_CHOICE, .choices = modes },
    [DRY_RUN] = { "dry_run", KV_HTTP_PARAMETER_FLAG },
  };
  KvHttpArgument arguments[N_PARAMETERS];

  if (!kv_http_parameters_read (exchange->query, parameters, N_PARAMETERS, arguments, error))
    return FALSE;
  options->mode = arguments[MODE].given ? (KvRestoreMode) arguments[MODE].choice : KV_RESTORE_MERGE;
  options->dry_run = arguments[DRY_RUN].flag;
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
