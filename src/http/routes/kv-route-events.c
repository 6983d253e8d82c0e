/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-events.h"

#include "core/kv-error-details.h"
#include "http/kv-http-parameters.h"
#include "http/kv-http-refusal.h"
#include "http/routes/kv-route-watch.h"
#include "http/stream/kv-http-sse.h"
#include "store/kv-watch.h"

enum {
  KEY,
  PREFIX,
  SINCE,
  PREV,
  VALUES,
  N_PARAMETERS
};

static const KvHttpParameter parameters[N_PARAMETERS] = {
  [KEY] = { "key", KV_HTTP_PARAMETER_KEY, .repeats = TRUE },
  [PREFIX] = { "prefix", KV_HTTP_PARAMETER_PREFIX, .repeats = TRUE },
  [SINCE] = { "since", KV_HTTP_PARAMETER_COUNT },
  [PREV] = { "prev", KV_HTTP_PARAMETER_FLAG },
  [VALUES] = { "values", KV_HTTP_PARAMETER_FLAG },
};

static guint
count_texts (const KvHttpArgument *argument)
{
  return argument->texts != NULL ? argument->texts->len : 0;
}

/* Returns: (nullable): them with a NULL behind them, which they did not have */
static const char *const *
terminate (KvHttpArgument *argument)
{
  if (argument->texts == NULL)
    return NULL;
  g_ptr_array_add (argument->texts, NULL);
  return (const char *const *) argument->texts->pdata;
}

static gboolean
check_number (const KvHttpArgument *arguments, guint max, GError **error)
{
  guint n_keys = count_texts (&arguments[KEY]);
  guint n_prefixes = count_texts (&arguments[PREFIX]);
  GError *problem = NULL;

  if (n_keys + n_prefixes == 0)
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, "key",
                               "\"key\" or \"prefix\" must be there");
  if (n_keys + n_prefixes <= max)
    return TRUE;
  kv_error_set_about (&problem, KV_ERROR_INVALID_ARGUMENT, n_keys > max ? "key" : "prefix",
                      "One stream watches %u keys and prefixes at most", max);
  kv_error_set_limit (problem, max);
  g_propagate_error (error, problem);
  return FALSE;
}

static KvHttpFrameShape
read_shape (const KvHttpArgument *arguments)
{
  KvHttpFrameShape shape = KV_HTTP_FRAME_JSON;

  if (arguments[PREV].flag)
    shape |= KV_HTTP_FRAME_PREVIOUS;
  if (!arguments[VALUES].given || arguments[VALUES].flag)
    shape |= KV_HTTP_FRAME_VALUES;
  return shape;
}

/* Where to begin. An EventSource that comes back sends its last id, to the address that it was given at first: so that counts, and
 * what the address says is over. Nor is such a client helped by an error, after which it would not come back. */
static gboolean
read_since (KvHttpExchange *exchange,
            const KvHttpArgument *since,
            KvSseRequest *request,
            GError **error)
{
  if (!kv_route_watch_read_last_id (exchange, &request->since, error))
    return FALSE;
  if (request->since == KV_WATCH_FROM_NOW && since->given)
    {
      request->since = MIN (since->count, KV_WATCH_FROM_NOW - 1);
      request->must_resume = TRUE;
    }
  return TRUE;
}

static void
refuse_since (KvHttpExchange *exchange)
{
  KvHttpRefusal refusal = {
    .type = KV_HTTP_PROBLEM_OUT_OF_REACH,
    .detail = "The changes after that revision are not to be had",
    .parameter = parameters[SINCE].name,
  };

  kv_store_get_history (exchange->context->store, &refusal.oldest, &refusal.newest);
  kv_http_exchange_send_refusal (exchange, &refusal);
}

static gboolean
is_out_of_reach (KvStore *store, guint64 since)
{
  guint64 oldest, newest;

  kv_store_get_history (store, &oldest, &newest);
  return since < oldest || since > newest;
}

static void
answer (KvHttpExchange *exchange, const KvSseRequest *request)
{
  g_autoptr (GError) error = NULL;

  if (exchange->method != KV_HTTP_HEAD)
    {
      if (kv_sse_group_open (exchange->context->streams, exchange, request, &error))
        return;
      if (g_error_matches (error, KV_ERROR, KV_ERROR_OUT_OF_REACH))
        refuse_since (exchange);
      else
        kv_http_exchange_send_error (exchange, error);
    }
  else if (request->must_resume && is_out_of_reach (exchange->context->store, request->since))
    refuse_since (exchange);
  else
    kv_route_watch_answer_head (exchange);
}

void
kv_route_events_get (KvHttpExchange *exchange)
{
  KvHttpArgument arguments[N_PARAMETERS];
  g_autoptr (GError) error = NULL;
  KvSseRequest request = { 0 };

  if (!kv_http_parameters_read (exchange->query, parameters, N_PARAMETERS, arguments, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  if (!check_number (arguments, exchange->context->limits->max_batch, &error)
      || !read_since (exchange, &arguments[SINCE], &request, &error))
    kv_http_exchange_send_error (exchange, error);
  else
    {
      request.keys = terminate (&arguments[KEY]);
      request.prefixes = terminate (&arguments[PREFIX]);
      request.shape = read_shape (arguments);
      answer (exchange, &request);
    }
  kv_http_arguments_clear (arguments, N_PARAMETERS);
}
